mock_provider "aws" {
  mock_data "aws_secretsmanager_random_password" {
    defaults = { random_password = "generated" }
  }
  mock_resource "aws_secretsmanager_secret_version" {
    defaults = { arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:shop-pr-42-db-1" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "shop-pr-42.1.eu-north-1.rds.amazonaws.com"
      username           = "app"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:rds!db-1" }]
    }
  }
}

variables {
  name       = "shop-pr-42"
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-1000000000000000a", "subnet-1000000000000000b"]

  database = {
    kind           = "instance"
    snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:rds:shop-prod-2026-11-22-03-00"
    engine         = "postgres"
    engine_version = "16.4"
  }
}

run "restores_a_primary_and_a_replica" {
  command = apply

  assert {
    condition     = length(aws_db_instance.primary) == 1 && length(aws_rds_cluster.this) + length(aws_rds_cluster_instance.this) == 0
    error_message = "An instance snapshot makes an instance and no cluster."
  }
  assert {
    condition     = aws_db_instance.primary[0].identifier == "shop-pr-42" && aws_db_instance.primary[0].snapshot_identifier == var.database.snapshot_arn
    error_message = "The instance does not bear the environment's name, or is not of the snapshot."
  }
  assert {
    condition     = keys(aws_db_instance.replica) == ["1"] && aws_db_instance.replica["1"].identifier == "shop-pr-42-replica-1" && aws_db_instance.replica["1"].replicate_source_db == "shop-pr-42"
    error_message = "There is not one replica of the primary."
  }
  assert {
    condition     = output.port == 5432 && aws_db_instance.primary[0].port == 5432
    error_message = "PostgreSQL does not listen on its port."
  }
}

run "replicas_need_a_secret_of_our_own" {
  command = apply

  assert {
    condition     = aws_db_instance.primary[0].manage_master_user_password == null && aws_db_instance.primary[0].password == "generated"
    error_message = "RDS refuses read replicas of an instance whose password it manages; production's password must not work either."
  }
  assert {
    condition     = jsondecode(aws_secretsmanager_secret_version.this["master"].secret_string) == { username = "app", password = "generated" }
    error_message = "The secret is not what RDS would write."
  }
  assert {
    condition     = aws_secretsmanager_secret.this["master"].name == "shop-pr-42-db" && aws_secretsmanager_secret.this["master"].recovery_window_in_days == 0
    error_message = "The secret is not the environment's, or stays for days."
  }
  assert {
    condition     = output.secret_arn == "arn:aws:secretsmanager:eu-north-1:123456789012:secret:shop-pr-42-db-1"
    error_message = "The secret is not put out."
  }
}

run "nothing_keeps_it" {
  command = plan

  assert {
    condition = alltrue([for instance in [aws_db_instance.primary[0], aws_db_instance.replica["1"]] :
    instance.skip_final_snapshot && instance.delete_automated_backups && !instance.deletion_protection])
    error_message = "An instance refuses to go or leaves backups behind."
  }
  assert {
    condition     = aws_db_instance.primary[0].backup_retention_period == 1
    error_message = "Backups are kept longer than replicas need."
  }
  assert {
    condition     = toset(values(aws_cloudwatch_log_group.this)[*].name) == toset(["/aws/rds/instance/shop-pr-42/postgresql", "/aws/rds/instance/shop-pr-42-replica-1/postgresql"])
    error_message = "Log groups are not the ones that RDS writes to, so it would make its own."
  }
}

run "data_is_guarded" {
  command = plan

  assert {
    condition = alltrue([for instance in [aws_db_instance.primary[0], aws_db_instance.replica["1"]] :
    instance.storage_encrypted && instance.iam_database_authentication_enabled && !instance.publicly_accessible && !instance.auto_minor_version_upgrade])
    error_message = "An instance is not encrypted, lacks IAM authentication, is public or upgrades itself."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.client) == 0
    error_message = "Without clients, nobody reaches the database."
  }
}

run "a_newer_snapshot_changes_nothing" {
  command = apply

  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:rds:shop-prod-2026-11-23-03-00"
      engine         = "postgres"
      engine_version = "16.6"
    }
  }

  assert {
    condition     = aws_db_instance.primary[0].snapshot_identifier == "arn:aws:rds:eu-north-1:123456789012:snapshot:rds:shop-prod-2026-11-22-03-00" && aws_db_instance.primary[0].engine_version == "16.4"
    error_message = "A newer snapshot replaces or upgrades the database."
  }
}

run "a_pause_takes_the_replicas_only" {
  command = plan

  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:rds:shop-prod-2026-11-22-03-00"
      engine         = "postgres"
      engine_version = "16.4"
      paused         = true
    }
  }

  assert {
    condition     = length(aws_db_instance.replica) == 0 && length(aws_db_instance.primary) == 1 && output.reader_endpoint == null
    error_message = "RDS stops no instance that has a replica."
  }
  assert {
    condition     = keys(aws_secretsmanager_secret.this) == ["master"] && length(aws_cloudwatch_log_group.this) == 2
    error_message = "A pause changes the password, or takes log groups that late writers make again."
  }
}

run "no_replicas" {
  command = plan

  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "mysql"
      engine_version = "8.0.39"
      replicas       = 0
    }
  }

  assert {
    condition     = length(aws_db_instance.replica) == 0 && output.reader_endpoint == null
    error_message = "Without replicas there is no reader endpoint."
  }
  assert {
    condition     = output.port == 3306 && aws_db_instance.primary[0].enabled_cloudwatch_logs_exports == toset(["error", "slowquery"])
    error_message = "MySQL has another port or other logs than its own."
  }
}

run "a_lone_instance_leaves_its_password_to_rds" {
  command = apply

  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "mysql"
      engine_version = "8.0.39"
      replicas       = 0
    }
  }

  assert {
    condition     = aws_db_instance.primary[0].manage_master_user_password && aws_db_instance.primary[0].password == null && length(aws_secretsmanager_secret.this) == 0
    error_message = "Without replicas, RDS manages the password."
  }
  assert {
    condition     = output.secret_arn == "arn:aws:secretsmanager:eu-north-1:123456789012:secret:rds!db-1"
    error_message = "The managed secret is not put out."
  }
}

run "old_mariadb_knows_no_iam" {
  command = plan

  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "mariadb"
      engine_version = "10.5.27"
    }
  }

  assert {
    condition     = !aws_db_instance.primary[0].iam_database_authentication_enabled
    error_message = "MariaDB before 10.6 refuses IAM authentication."
  }
}

run "mariadb_knows_iam_since_10_6" {
  command = plan

  variables {
    database = {
      kind           = "instance"
      snapshot_arn   = "arn:aws:rds:eu-north-1:123456789012:snapshot:shop"
      engine         = "mariadb"
      engine_version = "10.11.8"
    }
  }

  assert {
    condition     = aws_db_instance.primary[0].iam_database_authentication_enabled
    error_message = "MariaDB 10.11 knows IAM authentication."
  }
}
