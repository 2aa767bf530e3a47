locals {
  parameter_name = coalesce(var.parameter_name, "/envctl/${var.source_identifier}/latest-snapshot")
  shared         = length(var.share_with) > 0

  # What makes the function look. Whatever wakes it, it does the same: an event is only a hint.
  rules = {
    snapshots = {
      description = "Something happened to a snapshot."
      schedule    = null
      pattern = jsonencode({
        source      = ["aws.rds"]
        detail-type = ["RDS DB Snapshot Event", "RDS DB Cluster Snapshot Event"]
      })
    }
    schedule = {
      description = "For the events that never came, and the deleted cluster snapshot that has none."
      schedule    = var.schedule
      pattern     = null
    }
  }
}

# Made here and not by the function: so it goes with the rest, and there is an ARN to share and to limit the role to.
resource "aws_ssm_parameter" "this" {
  name        = local.parameter_name
  description = "Newest usable snapshot of ${var.source_identifier}, written by ${var.name}."
  type        = "String"
  tier        = local.shared ? "Advanced" : "Standard"

  # The form of orchestrator/published.py: none announced yet.
  insecure_value = jsonencode({ version = 1, arn = null })

  lifecycle {
    ignore_changes = [insecure_value, value]
  }
}

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = "Announces the newest usable snapshot of ${var.source_identifier}."
  role          = aws_iam_role.this.arn

  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "orchestrator.publisher.handler.handle"
  runtime          = "python3.13"
  architectures    = ["arm64"]

  # Ten thousand snapshots are a hundred pages, each a few tenths of a second.
  memory_size                    = 256
  timeout                        = 120
  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = {
      SOURCE         = var.source_identifier
      KIND           = var.kind
      SNAPSHOT_TYPES = join(",", var.snapshot_types)
      PARAMETER      = local.parameter_name
    }
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  # The role and the log group first: a function that cannot log makes a group of its own, kept for ever.
  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  name                = "${var.name}-${each.key}"
  description         = each.value.description
  event_pattern       = each.value.pattern
  schedule_expression = each.value.schedule
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.rules

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = aws_lambda_function.this.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  depends_on = [aws_lambda_permission.this]
}

resource "aws_lambda_permission" "this" {
  for_each = local.rules

  statement_id  = each.key
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}
