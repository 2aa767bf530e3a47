# Sixteen resources that nothing waits for, so that what is measured is the tool and not AWS.
# It declares the contract's variables, as any root module of a team's own would.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  backend "s3" {}
}

variable "name" { type = string }
variable "region" { type = string }
variable "tags" { type = map(string) }
variable "commit" { type = string }
variable "network" { type = any }
variable "web" { type = any }
variable "database" { type = any }
variable "bastion" { type = any }
variable "permissions_boundary_arn" { type = string }
variable "provider_max_retries" { type = number }

provider "aws" {
  region      = var.region
  max_retries = var.provider_max_retries

  default_tags {
    tags = var.tags
  }
}

resource "aws_cloudwatch_log_group" "this" {
  count             = 6
  name              = "/envctl/${var.name}/${count.index}"
  retention_in_days = 1
}

resource "aws_ssm_parameter" "this" {
  count = 5
  name  = "/envctl/${var.name}/${count.index}"
  type  = "String"
  value = var.database.snapshot_arn
}

resource "aws_iam_role" "this" {
  count = 5
  name  = "${var.name}-${count.index}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

output "roles" {
  value = aws_iam_role.this[*].arn
}
