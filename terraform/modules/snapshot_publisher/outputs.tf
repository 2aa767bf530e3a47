output "parameter_name" {
  description = "Parameter that names the newest snapshot: `database.source_parameter` in the same account."
  value       = aws_ssm_parameter.this.name
}

output "parameter_arn" {
  description = "Its ARN: `database.source_parameter` in an account that it is shared with."
  value       = aws_ssm_parameter.this.arn
}

output "function_name" {
  description = "Function that looks, to be invoked by hand when nobody wants to wait for the schedule."
  value       = aws_lambda_function.this.function_name
}

output "dead_letters_url" {
  description = "Queue of what failed for good."
  value       = aws_sqs_queue.dead_letters.url
}
