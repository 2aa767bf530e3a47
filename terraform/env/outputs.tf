output "url" {
  description = "Where the site answers."
  value       = module.web.url
}

output "target_group_arn" {
  description = "Target group, whose health says whether the site is up."
  value       = module.web.target_group_arn
}

output "autoscaling_group_name" {
  description = "Auto scaling group of the web instances."
  value       = module.web.autoscaling_group_name
}

output "database_cluster_id" {
  description = "Aurora cluster, where IAM authentication is switched on after the restore; null for an RDS instance."
  value       = module.database.cluster_id
}

output "database_endpoint" {
  description = "Database host for reading and writing."
  value       = module.database.endpoint
}

output "database_reader_endpoint" {
  description = "Database host for reading; null without replicas."
  value       = module.database.reader_endpoint
}

output "database_port" {
  description = "Port of both database hosts."
  value       = module.database.port
}

output "database_secret_arn" {
  description = "Secret with the database's master user and password."
  value       = module.database.secret_arn
}

output "bastion_instance_id" {
  description = "Instance to start a session on; null without a bastion."
  value       = one(module.bastion[*].instance_id)
}

output "vpc_id" {
  description = "The environment's VPC."
  value       = module.network.vpc_id
}
