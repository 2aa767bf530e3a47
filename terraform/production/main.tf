module "snapshot_publisher" {
  source = "../modules/snapshot_publisher"

  name                       = coalesce(var.name, "envctl-${var.source_identifier}-publisher")
  source_identifier          = var.source_identifier
  kind                       = var.kind
  snapshot_types             = var.snapshot_types
  parameter_name             = var.parameter_name
  package                    = var.package
  schedule                   = var.schedule
  log_retention_days         = var.log_retention_days
  alarm_actions              = var.alarm_actions
  reserved_concurrency       = var.reserved_concurrency
  share_with                 = var.share_with
  share_outside_organization = var.share_outside_organization
}
