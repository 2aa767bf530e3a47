output "parameter_name" {
  description = "Parameter that names the newest snapshot: `database.source_parameter` in the same account."
  value       = module.snapshot_publisher.parameter_name
}

output "parameter_arn" {
  description = "Its ARN: `database.source_parameter` in an account that it is shared with."
  value       = module.snapshot_publisher.parameter_arn
}

output "function_name" {
  description = "Function that looks, to be invoked by hand when nobody wants to wait for the schedule."
  value       = module.snapshot_publisher.function_name
}

output "dead_letters_url" {
  description = "Queue of what failed for good."
  value       = module.snapshot_publisher.dead_letters_url
}
