mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_ssm_parameter" {
    defaults = { arn = "arn:aws:ssm:eu-north-1:123456789012:parameter/envctl/shop-prod/latest-snapshot" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-north-1:123456789012:dead" }
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
}

variables {
  region            = "eu-north-1"
  source_identifier = "shop-prod"
  package           = "versions.tf"
}

run "the_source_is_enough" {
  command = apply

  assert {
    condition     = output.parameter_name == "/envctl/shop-prod/latest-snapshot" && output.function_name == "envctl-shop-prod-publisher"
    error_message = "The names are not those that the documentation shows."
  }
}
