output "cluster_id" {
  description = "The Aurora cluster; null for an RDS instance."
  value       = one(aws_rds_cluster.this[*].cluster_identifier)
}

output "endpoint" {
  description = "Host name for reading and writing."
  value       = local.cluster ? aws_rds_cluster.this[0].endpoint : aws_db_instance.primary[0].address
}

output "reader_endpoint" {
  description = "Host name for reading: the cluster's reader endpoint or the first read replica; null without replicas."
  value = (
    length(local.replicas) == 0 ? null :
    local.cluster ? aws_rds_cluster.this[0].reader_endpoint : aws_db_instance.replica["1"].address
  )
}

output "port" {
  description = "Port of both endpoints."
  value       = local.port
}

output "secret_arn" {
  description = "Secret with the master user's name and password; it goes with the database."
  value = one(concat(
    values(aws_secretsmanager_secret_version.this)[*].arn,
    flatten(aws_rds_cluster.this[*].master_user_secret[*].secret_arn),
    flatten([for instance in aws_db_instance.primary : instance.master_user_secret[*].secret_arn if length(local.own_secret) == 0]),
  ))
}

output "security_group_id" {
  description = "Security group of the database."
  value       = aws_security_group.this.id
}
