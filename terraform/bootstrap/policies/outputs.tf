output "documents" {
  description = "Policy documents by topic, for one managed policy each."
  value       = local.document

  precondition {
    condition     = alltrue([for name, text in local.document : length(replace(text, "/\\s/", "")) <= 6144])
    error_message = "A policy is longer than the 6,144 characters that IAM takes. Give fewer KMS keys, or shorter names."
  }
}

output "roles" {
  description = "Topics of each role. The reaper does what `sync --all` needs: it destroys, and creates what an event that was lost should have."
  value = {
    preview = concat(keys(local.shared), keys(local.changing))
    reaper  = concat(keys(local.shared), keys(local.changing))
    plan    = keys(local.shared)
  }
}

output "trust" {
  description = "Trust policy of each role."
  value       = local.trust
}

output "boundary" {
  description = "Permissions boundary of the roles that workflows take."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.boundary })
}

output "instance_boundary" {
  description = "Permissions boundary of the roles that environments make for their instances."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.instances })
}
