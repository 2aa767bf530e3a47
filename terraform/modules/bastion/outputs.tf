output "instance_id" {
  description = "Instance to start a session on."
  value       = aws_instance.this.id
}

output "security_group_id" {
  description = "Security group of the bastion, for whoever lets it in."
  value       = aws_security_group.this.id
}
