resource "aws_rds_cluster" "this" {
  count = local.cluster ? 1 : 0

  cluster_identifier  = var.name
  snapshot_identifier = var.database.snapshot_arn
  engine              = var.database.engine
  engine_version      = var.database.engine_version
  port                = local.port

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]

  storage_encrypted           = true
  kms_key_id                  = var.database.kms_key_arn
  manage_master_user_password = true

  # The provider does not send this with a restore (hashicorp/terraform-provider-aws#39461): whoever applies switches it on
  # through the API once the cluster stands, or a second plan shows it.
  iam_database_authentication_enabled = local.iam_authentication

  enabled_cloudwatch_logs_exports = local.log_types
  apply_immediately               = true

  backup_retention_period  = local.temporary.backup_retention_period
  deletion_protection      = local.temporary.deletion_protection
  skip_final_snapshot      = local.temporary.skip_final_snapshot
  delete_automated_backups = local.temporary.delete_automated_backups

  dynamic "serverlessv2_scaling_configuration" {
    for_each = local.serverless ? ["capacity"] : []

    content {
      min_capacity = var.database.min_capacity
      max_capacity = var.database.max_capacity
    }
  }

  lifecycle {
    # A newer snapshot, and the version and encryption that come with it, must never replace a database in use.
    ignore_changes = [snapshot_identifier, engine_version, storage_encrypted, kms_key_id]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

# All at once: waiting for the writer first would double the time. The last tier lets serverless readers scale by their own
# load; in the first two they follow the writer.
resource "aws_rds_cluster_instance" "this" {
  for_each = local.cluster ? toset(concat(["0"], local.replicas)) : []

  identifier         = "${var.name}-${each.key}"
  cluster_identifier = aws_rds_cluster.this[0].id
  engine             = aws_rds_cluster.this[0].engine
  instance_class     = var.database.instance_class
  promotion_tier     = each.key == "0" ? 0 : 15

  auto_minor_version_upgrade = false
  apply_immediately          = true
}
