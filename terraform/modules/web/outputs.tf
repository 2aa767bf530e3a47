output "url" {
  description = "Where the site answers: HTTPS when there is a certificate."
  value       = "${local.https ? "https" : "http"}://${aws_lb.this.dns_name}"
}

output "target_group_arn" {
  description = "Target group, whose health says whether the site is up."
  value       = aws_lb_target_group.this.arn
}

output "autoscaling_group_name" {
  description = "Auto scaling group of the instances."
  value       = aws_autoscaling_group.this.name
}

output "security_group_id" {
  description = "Security group of the instances, for whoever lets them in."
  value       = aws_security_group.instances.id
}
