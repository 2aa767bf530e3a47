mock_provider "aws" {
  # Known while planning: what is protected from being destroyed cannot be applied in a test, which takes it away again.
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-north-1:123456789012:key/1a2b" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::acme-preview-state" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/envctl/any" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  project    = "shop"
  region     = "eu-north-1"
  bucket     = "acme-preview-state"
  github     = { repository = "acme/shop", owner_id = "1001", repository_id = "2002" }
  production = { source = "shop-prod" }
}

run "the_bucket_is_private_and_remembers" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket keeps no versions."
  }
  assert {
    condition     = alltrue([for block in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"] : aws_s3_bucket_public_access_block.state[block]])
    error_message = "Public access is not blocked."
  }
  assert {
    condition     = aws_s3_bucket_ownership_controls.state.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Others may own objects."
  }
  assert {
    condition     = aws_kms_key.state.enable_key_rotation
    error_message = "The key is never rotated."
  }
}

run "whole" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).kms_master_key_id == aws_kms_key.state.arn
    error_message = "The bucket is not encrypted with its own key."
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.state.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "The bucket answers without TLS."
  }
  assert {
    condition     = toset(keys(output.role_arns)) == toset(["plan", "preview", "reaper"])
    error_message = "There are other roles than plan, preview and reaper."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.workflow : role.permissions_boundary == aws_iam_policy.boundary.arn && role.path == "/envctl/"])
    error_message = "A role has no boundary, or could be changed by itself."
  }
  assert {
    condition     = output.permissions_boundary_arn == "arn:aws:iam::123456789012:policy/envctl/shop-instances"
    error_message = "The boundary of environments' roles is not the one that the policies name."
  }
  assert {
    condition     = length([for key in keys(aws_iam_role_policy_attachment.workflow) : key if startswith(key, "plan/")]) == 2
    error_message = "The role plan has more than its two policies."
  }
}

run "a_provider_that_is_there_is_used" {
  command = plan

  variables {
    github = {
      repository    = "acme/shop"
      owner_id      = "1001"
      repository_id = "2002"
      provider_arn  = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "A second provider is made, which AWS refuses."
  }
}

run "refuses_a_repository_with_a_wildcard" {
  command = plan
  variables {
    github = { repository = "acme/*", owner_id = "1001", repository_id = "2002" }
  }
  expect_failures = [var.github]
}

run "refuses_a_branch_with_a_wildcard" {
  command = plan
  variables {
    github = { repository = "acme/shop", owner_id = "1001", repository_id = "2002", default_branch = "*" }
  }
  expect_failures = [var.github]
}

run "refuses_an_id_that_is_none" {
  command = plan
  variables {
    github = { repository = "acme/shop", owner_id = "acme", repository_id = "2002" }
  }
  expect_failures = [var.github]
}

run "refuses_a_source_that_is_no_identifier" {
  command = plan
  variables {
    production = { source = "*" }
  }
  expect_failures = [var.production]
}

run "refuses_half_an_hour" {
  command = plan
  variables {
    max_session_hours = 0
  }
  expect_failures = [var.max_session_hours]
}
