terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # In the bucket that is made here; settings come from a file that the orchestrator writes.
  backend "s3" {}
}

provider "aws" {
  region      = var.region
  max_retries = var.provider_max_retries

  # Not `envctl:project`: that tag is what lets the roles change and delete things.
  default_tags {
    tags = { "envctl:bootstrap" = var.project }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
