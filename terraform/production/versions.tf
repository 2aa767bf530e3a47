terraform {
  # As in env: Terraform 1.11 or OpenTofu 1.10.
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # Bucket, key and region of a state of production's own: -backend-config, or a file with them.
  backend "s3" {}
}

provider "aws" {
  region      = var.region
  max_retries = var.provider_max_retries

  default_tags {
    tags = var.tags
  }
}
