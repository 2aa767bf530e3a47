mock_provider "aws" {}

variables {
  name       = "shop-pr-42"
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-1000000000000000a", "subnet-1000000000000000b"]
}

run "refuses_an_unknown_kind" {
  command = plan
  variables {
    database = {
      kind           = "global"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
    }
  }
  expect_failures = [var.database]
}

run "refuses_a_cluster_from_an_instance_snapshot" {
  command = plan
  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
    }
  }
  expect_failures = [var.database]
}

run "refuses_an_instance_from_a_cluster_snapshot" {
  command = plan
  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "postgres"
      engine_version = "16.4"
    }
  }
  expect_failures = [var.database]
}

run "refuses_a_snapshot_without_arn" {
  command = plan
  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "latest"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
    }
  }
  expect_failures = [var.database]
}

run "refuses_an_engine_of_the_other_kind" {
  command = plan
  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
    }
  }
  expect_failures = [var.database]
}

run "refuses_an_unsupported_engine" {
  command = plan
  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "oracle-ee"
      engine_version = "16.4"
    }
  }
  expect_failures = [var.database]
}

run "refuses_serverless_instances" {
  command = plan
  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "postgres"
      engine_version = "16.4"
      instance_class = "db.serverless"
    }
  }
  expect_failures = [var.database]
}

run "refuses_sixteen_replicas" {
  command = plan
  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
      replicas       = 16
    }
  }
  expect_failures = [var.database]
}

run "refuses_negative_replicas" {
  command = plan
  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
      replicas       = -1
    }
  }
  expect_failures = [var.database]
}

run "refuses_a_minimum_above_the_maximum" {
  command = plan
  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
      instance_class = "db.serverless"
      min_capacity   = 8
      max_capacity   = 4
    }
  }
  expect_failures = [var.database]
}

run "refuses_odd_capacity_units" {
  command = plan
  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
      instance_class = "db.serverless"
      min_capacity   = 0.7
    }
  }
  expect_failures = [var.database]
}
