output "role_arns" {
  description = "Role of each kind of workflow: what `role-to-assume` is set to."
  value       = { for name, role in aws_iam_role.workflow : name => role.arn }
}

output "permissions_boundary_arn" {
  description = "Boundary of environments' roles, for `terraform.permissions_boundary_arn` of the configuration."
  value       = local.instance_boundary_arn

  depends_on = [aws_iam_policy.instance_boundary]
}

output "bucket" {
  description = "State bucket, for `state.bucket` of the configuration."
  value       = aws_s3_bucket.state.id
}

output "key_arn" {
  description = "Key that encrypts the bucket."
  value       = aws_kms_key.state.arn
}

output "oidc_provider_arn" {
  description = "GitHub's OIDC provider, made here or given."
  value       = local.provider_arn
}
