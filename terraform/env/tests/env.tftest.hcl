mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-north-1a", "eu-north-1b", "eu-north-1c"] }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "ami-0aaaaaaaaaaaaaaaa" }
  }
}

variables {
  name   = "shop-pr-42"
  region = "eu-north-1"
  commit = "0123456789abcdef0123456789abcdef01234567"

  tags = {
    "envctl:environment" = "shop-pr-42"
    "envctl:project"     = "shop"
    "envctl:repository"  = "acme/shop"
    "envctl:pr"          = "42"
  }

  database = {
    kind           = "cluster"
    snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:rds:shop-prod-2026-11-22-03-00"
    engine         = "aurora-mysql"
    engine_version = "8.0.mysql_aurora.3.05.2"
  }
}

run "whole_by_default" {
  command = plan

  assert {
    condition     = length(module.bastion) == 1
    error_message = "The bastion is on by default."
  }
  assert {
    condition     = module.network.private_egress
    error_message = "NAT is on by default."
  }
  assert {
    condition     = output.autoscaling_group_name == "shop-pr-42" && output.database_port == 3306
    error_message = "Outputs are not the environment's."
  }
}

run "without_bastion" {
  command = plan

  variables {
    bastion = { enabled = false }
  }

  assert {
    condition     = length(module.bastion) == 0 && output.bastion_instance_id == null
    error_message = "A bastion is made, or put out, although it is off."
  }
}

run "settings_reach_their_modules" {
  command = plan

  variables {
    network = { nat = "none" }
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "postgres"
      engine_version = "16.4"
      replicas       = 0
    }
  }

  assert {
    condition     = !module.network.private_egress
    error_message = "The network's settings do not reach it."
  }
  assert {
    condition     = output.database_port == 5432 && output.database_reader_endpoint == null
    error_message = "The database's settings do not reach it."
  }
}

run "a_pause_reaches_every_tier_and_moves_nothing" {
  command = plan

  variables {
    network = { paused = true }
    web     = { paused = true }
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "postgres"
      engine_version = "16.4"
      paused         = true
    }
  }

  assert {
    condition     = module.network.private_egress && output.database_reader_endpoint == null && output.autoscaling_group_name == "shop-pr-42"
    error_message = "A pause does not reach the database, or moves what it should only stop."
  }
}

run "null_is_the_default_of_the_module" {
  command = plan

  variables {
    network = { nat = null }
    web     = { min_size = null, artifact = null }
  }

  assert {
    condition     = module.network.private_egress
    error_message = "A setting of null does not take its module's default."
  }
}

run "refuses_a_name_that_is_no_environment" {
  command = plan
  variables {
    name = "shop"
  }
  expect_failures = [var.name]
}

run "refuses_pull_request_zero" {
  command = plan
  variables {
    name = "shop-pr-0"
  }
  expect_failures = [var.name]
}

run "refuses_tags_that_do_not_identify" {
  command = plan
  variables {
    tags = {
      "envctl:environment" = "shop-pr-42"
      "envctl:repository"  = "acme/shop"
      "envctl:pr"          = "42"
    }
  }
  expect_failures = [var.tags]
}

run "refuses_a_commit_that_is_no_id" {
  command = plan
  variables {
    commit = "main"
  }
  expect_failures = [var.commit]
}
