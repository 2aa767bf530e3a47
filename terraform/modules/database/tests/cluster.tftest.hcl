mock_provider "aws" {
  mock_resource "aws_rds_cluster" {
    defaults = {
      endpoint           = "shop-pr-42.cluster-1.eu-north-1.rds.amazonaws.com"
      reader_endpoint    = "shop-pr-42.cluster-ro-1.eu-north-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:rds!cluster-1" }]
    }
  }
}

variables {
  name       = "shop-pr-42"
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-1000000000000000a", "subnet-1000000000000000b"]
  clients    = { web = "sg-0000000000000000a", bastion = "sg-0000000000000000b" }

  database = {
    kind           = "cluster"
    snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:rds:shop-prod-2026-11-22-03-00"
    engine         = "aurora-mysql"
    engine_version = "8.0.mysql_aurora.3.05.2"
  }
}

run "restores_a_writer_and_a_reader" {
  command = apply

  assert {
    condition     = length(aws_rds_cluster.this) == 1 && length(aws_db_instance.primary) + length(aws_db_instance.replica) == 0
    error_message = "A cluster snapshot makes a cluster and nothing else."
  }
  assert {
    condition     = aws_rds_cluster.this[0].cluster_identifier == "shop-pr-42" && aws_rds_cluster.this[0].snapshot_identifier == var.database.snapshot_arn
    error_message = "The cluster does not bear the environment's name, or is not of the snapshot."
  }
  assert {
    condition     = [for key, member in aws_rds_cluster_instance.this : member.identifier] == ["shop-pr-42-0", "shop-pr-42-1"]
    error_message = "There are not one writer and one reader."
  }
  assert {
    condition     = alltrue([for member in values(aws_rds_cluster_instance.this) : !member.auto_minor_version_upgrade && member.instance_class == "db.t4g.medium"])
    error_message = "Members upgrade themselves or have another class."
  }
  assert {
    condition     = output.endpoint == "shop-pr-42.cluster-1.eu-north-1.rds.amazonaws.com" && output.reader_endpoint == "shop-pr-42.cluster-ro-1.eu-north-1.rds.amazonaws.com" && output.port == 3306
    error_message = "Endpoints are not the cluster's."
  }
  assert {
    condition     = output.secret_arn == "arn:aws:secretsmanager:eu-north-1:123456789012:secret:rds!cluster-1"
    error_message = "The managed secret is not put out."
  }
}

run "a_pause_keeps_the_readers" {
  command = plan

  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:rds:shop-prod-2026-11-22-03-00"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
      paused         = true
    }
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 2
    error_message = "A cluster is stopped as a whole: its members stay."
  }
}

run "nothing_keeps_it" {
  command = plan

  assert {
    condition     = aws_rds_cluster.this[0].skip_final_snapshot && aws_rds_cluster.this[0].delete_automated_backups && !aws_rds_cluster.this[0].deletion_protection && aws_rds_cluster.this[0].backup_retention_period == 1
    error_message = "The cluster refuses to go or leaves backups behind."
  }
  assert {
    condition     = toset(values(aws_cloudwatch_log_group.this)[*].name) == toset(["/aws/rds/cluster/shop-pr-42/error", "/aws/rds/cluster/shop-pr-42/slowquery"])
    error_message = "Log groups are not the ones that RDS writes to, so it would make its own."
  }
  assert {
    condition     = alltrue([for group in values(aws_cloudwatch_log_group.this) : group.retention_in_days == 7 && group.skip_destroy != true])
    error_message = "Logs stay."
  }
}

run "data_is_guarded" {
  command = apply

  assert {
    condition     = aws_rds_cluster.this[0].storage_encrypted && aws_rds_cluster.this[0].manage_master_user_password && aws_rds_cluster.this[0].iam_database_authentication_enabled
    error_message = "Storage is not encrypted, production's password works, or IAM authentication is off."
  }
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.client) == ["bastion", "web"] && alltrue([for key, rule in aws_vpc_security_group_ingress_rule.client : rule.referenced_security_group_id == var.clients[key] && rule.cidr_ipv4 == null])
    error_message = "The database is open to others than its clients."
  }
  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_ingress_rule.client) : rule.from_port == 3306 && rule.to_port == 3306])
    error_message = "The database is open on another port than the engine's."
  }
  assert {
    condition     = toset(aws_db_subnet_group.this.subnet_ids) == toset(var.subnet_ids)
    error_message = "The database is not in the given subnets."
  }
}

run "a_newer_snapshot_changes_nothing" {
  command = apply

  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:rds:shop-prod-2026-11-23-03-00"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.08.0"
    }
  }

  assert {
    condition     = aws_rds_cluster.this[0].snapshot_identifier == "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:rds:shop-prod-2026-11-22-03-00"
    error_message = "A newer snapshot replaces the database."
  }
  assert {
    condition     = aws_rds_cluster.this[0].engine_version == "8.0.mysql_aurora.3.05.2"
    error_message = "A newer snapshot's version upgrades the database."
  }
}

run "readers_on_request" {
  command = plan

  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-postgresql"
      engine_version = "16.4"
      replicas       = 3
    }
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 4
    error_message = "Three replicas are a writer and three readers."
  }
  assert {
    condition     = aws_rds_cluster.this[0].port == 5432 && output.port == 5432
    error_message = "PostgreSQL does not listen on its port."
  }
  assert {
    condition     = aws_rds_cluster.this[0].enabled_cloudwatch_logs_exports == toset(["postgresql"]) && keys(aws_cloudwatch_log_group.this) == ["shop-pr-42/postgresql"]
    error_message = "PostgreSQL exports other logs than its own."
  }
}

run "writer_alone" {
  command = plan

  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
      replicas       = 0
    }
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 1 && output.reader_endpoint == null
    error_message = "Without replicas there is a writer and no reader endpoint."
  }
}

run "provisioned_has_no_capacity" {
  command = plan

  assert {
    condition     = length(aws_rds_cluster.this[0].serverlessv2_scaling_configuration) == 0
    error_message = "A provisioned cluster has serverless capacity."
  }
}

run "serverless_has_capacity" {
  command = plan

  variables {
    database = {
      kind           = "cluster"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:cluster-snapshot:shop"
      engine         = "aurora-mysql"
      engine_version = "8.0.mysql_aurora.3.05.2"
      instance_class = "db.serverless"
      max_capacity   = 4
    }
  }

  assert {
    condition     = aws_rds_cluster.this[0].serverlessv2_scaling_configuration[0].min_capacity == 0.5 && aws_rds_cluster.this[0].serverlessv2_scaling_configuration[0].max_capacity == 4
    error_message = "Serverless capacity is not what was asked for."
  }
}
