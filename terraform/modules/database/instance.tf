resource "aws_db_instance" "primary" {
  count = local.cluster ? 0 : 1

  identifier          = var.name
  snapshot_identifier = var.database.snapshot_arn
  engine              = var.database.engine
  engine_version      = var.database.engine_version
  instance_class      = var.database.instance_class
  port                = local.port

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false

  storage_encrypted                   = true
  manage_master_user_password         = length(local.own_secret) == 0 ? true : null
  password                            = one(values(terraform_data.password)[*].output)
  iam_database_authentication_enabled = local.iam_authentication

  enabled_cloudwatch_logs_exports = local.log_types
  auto_minor_version_upgrade      = false
  apply_immediately               = true

  backup_retention_period  = local.temporary.backup_retention_period
  deletion_protection      = local.temporary.deletion_protection
  skip_final_snapshot      = local.temporary.skip_final_snapshot
  delete_automated_backups = local.temporary.delete_automated_backups

  # A restored volume is loaded lazily: the first backup and the replicas of a large one take longer than the provider waits.
  timeouts {
    create = "120m"
    update = "120m"
    delete = "120m"
  }

  lifecycle {
    # A newer snapshot, and the version and encryption that come with it, must never replace a database in use.
    ignore_changes = [snapshot_identifier, engine_version, storage_encrypted]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_db_instance" "replica" {
  for_each = toset(local.cluster ? [] : local.replicas)

  identifier          = local.identifier[each.key]
  replicate_source_db = aws_db_instance.primary[0].identifier
  instance_class      = var.database.instance_class
  port                = local.port

  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false

  storage_encrypted                   = true
  iam_database_authentication_enabled = local.iam_authentication

  enabled_cloudwatch_logs_exports = local.log_types
  auto_minor_version_upgrade      = false
  apply_immediately               = true

  # Replicas are made without backups.
  deletion_protection      = local.temporary.deletion_protection
  skip_final_snapshot      = local.temporary.skip_final_snapshot
  delete_automated_backups = local.temporary.delete_automated_backups

  # A restored volume is loaded lazily: the first backup and the replicas of a large one take longer than the provider waits.
  timeouts {
    create = "120m"
    update = "120m"
    delete = "120m"
  }

  lifecycle {
    # Encrypted or not like its primary.
    ignore_changes = [storage_encrypted]

    # The source's name stays when the source is replaced, and an orphaned replica would keep the old data.
    replace_triggered_by = [aws_db_instance.primary[0].resource_id]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}
