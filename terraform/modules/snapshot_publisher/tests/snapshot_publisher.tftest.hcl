mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-north-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_ssm_parameter" {
    defaults = { arn = "arn:aws:ssm:eu-north-1:123456789012:parameter/envctl/shop-prod/latest-snapshot" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/aws/lambda/publisher" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-north-1:123456789012:dead", url = "https://sqs.eu-north-1.amazonaws.com/123456789012/dead" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/publisher" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:publisher" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-north-1:123456789012:rule/publisher" }
  }
  mock_resource "aws_ram_resource_share" {
    defaults = { arn = "arn:aws:ram:eu-north-1:123456789012:resource-share/1" }
  }
}

variables {
  name              = "publisher"
  source_identifier = "shop-prod"
  package           = "versions.tf" # any file: what is in it is the Python tests' business
}

run "least_privilege" {
  command = apply

  assert {
    condition = toset(flatten([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Action])) == toset([
      "rds:DescribeDBClusterSnapshots", "rds:DescribeDBSnapshots", "rds:ListTagsForResource",
      "ssm:GetParameter", "ssm:PutParameter",
      "logs:CreateLogStream", "logs:PutLogEvents",
      "sqs:SendMessage",
    ])
    error_message = "The role may do something else than look, announce, log and give up."
  }
  assert {
    condition     = !anytrue([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : contains(flatten([s.Resource]), "*")])
    error_message = "A statement is for every resource there is."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource if s.Sid == "Announce"]) == aws_ssm_parameter.this.arn
    error_message = "The role may write another parameter than its own."
  }
  assert {
    condition     = contains(one([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource if s.Sid == "LookAtSnapshots"]), "arn:aws:rds:eu-north-1:123456789012:cluster:shop-prod")
    error_message = "The role may not list the source's snapshots."
  }
}

run "one_look_at_a_time_and_nothing_is_lost" {
  command = apply

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 1
    error_message = "Two looks could overtake each other."
  }
  assert {
    condition     = aws_lambda_function.this.dead_letter_config[0].target_arn == aws_sqs_queue.dead_letters.arn && alltrue([for target in aws_cloudwatch_event_target.this : target.dead_letter_config[0].arn == aws_sqs_queue.dead_letters.arn])
    error_message = "What fails is lost."
  }
  assert {
    condition     = aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "The queue is not encrypted."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_policy.dead_letters.policy).Statement[0].Principal.Service == "events.amazonaws.com"
    error_message = "EventBridge cannot leave what it could not deliver."
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_cloudwatch_log_group.this.name == "/aws/lambda/${aws_lambda_function.this.function_name}"
    error_message = "The log is kept for ever, or elsewhere."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.errors.dimensions.FunctionName == "publisher" && aws_cloudwatch_metric_alarm.errors.metric_name == "Errors" && aws_cloudwatch_metric_alarm.errors.threshold == 1
    error_message = "Nobody is told of errors."
  }
}

run "both_kinds_of_events_and_a_schedule" {
  command = apply

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_event_rule.this["snapshots"].event_pattern)["detail-type"]) == toset(["RDS DB Snapshot Event", "RDS DB Cluster Snapshot Event"])
    error_message = "Events of one kind of snapshot are not heard."
  }
  assert {
    condition     = aws_cloudwatch_event_rule.this["schedule"].schedule_expression == "rate(15 minutes)"
    error_message = "Nothing makes good for an event that never came."
  }
  assert {
    condition     = alltrue([for key, permission in aws_lambda_permission.this : permission.source_arn == aws_cloudwatch_event_rule.this[key].arn])
    error_message = "Other rules than these may invoke the function, or these may not."
  }
}

run "the_parameter_is_cheap_until_it_is_shared" {
  command = apply

  assert {
    condition     = aws_ssm_parameter.this.name == "/envctl/shop-prod/latest-snapshot" && aws_ssm_parameter.this.tier == "Standard" && length(aws_ram_resource_share.this) == 0
    error_message = "The parameter has another name, or is paid for."
  }
  assert {
    condition     = jsondecode(aws_ssm_parameter.this.insecure_value) == { version = 1, arn = null }
    error_message = "The first value is not what envctl reads as `none`."
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ SOURCE = "shop-prod", KIND = "auto", SNAPSHOT_TYPES = "automated,manual", PARAMETER = "/envctl/shop-prod/latest-snapshot" })
    error_message = "The function is told something else."
  }
}

run "sharing" {
  command = apply

  variables {
    share_with = ["210987654321"]
  }

  assert {
    condition     = aws_ssm_parameter.this.tier == "Advanced"
    error_message = "Only the advanced tier can be shared."
  }
  assert {
    condition     = aws_ram_principal_association.this["210987654321"].principal == "210987654321" && aws_ram_resource_association.this[0].resource_arn == aws_ssm_parameter.this.arn && !aws_ram_resource_share.this[0].allow_external_principals
    error_message = "The parameter is not shared with exactly that account."
  }
}

run "refuses_a_type_that_is_not_its_own" {
  command = plan
  variables {
    snapshot_types = ["shared"]
  }
  expect_failures = [var.snapshot_types]
}

run "refuses_a_source_that_is_no_identifier" {
  command = plan
  variables {
    source_identifier = "arn:aws:rds"
  }
  expect_failures = [var.source_identifier]
}

run "refuses_a_parameter_that_is_no_path" {
  command = plan
  variables {
    parameter_name = "latest"
  }
  expect_failures = [var.parameter_name]
}
