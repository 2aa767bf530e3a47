terraform {
  # Terraform needs 1.11 for the state lock in S3, and OpenTofu has it since 1.10: the lower of the two, because both read this.
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # Bucket and key come from a file that the orchestrator writes for each environment.
  backend "s3" {}
}

provider "aws" {
  region      = var.region
  max_retries = var.provider_max_retries

  default_tags {
    tags = var.tags
  }
}
