variable "project" {
  description = "Project, from the root's `project`: environments are called `<project>-pr-<n>` and tagged with it."
  type        = string
}

variable "account" {
  description = "Where the environments live: partition, account and region of the root's provider."
  type = object({
    partition = optional(string, "aws")
    id        = string
    region    = string
  })
}

variable "github" {
  description = "The repository and its numbers at GitHub, its default branch, and the OIDC provider's ARN, from the root."
  type = object({
    repository     = string
    owner_id       = string
    repository_id  = string
    default_branch = string
    provider_arn   = string
  })
}

variable "state" {
  description = "Where states and manifests lie, from the root's `bucket` and `state_prefix`, and the key that encrypts them."
  type = object({
    bucket  = string
    prefix  = string
    key_arn = string
  })
}

variable "production" {
  description = "What is restored and never changed, from the root's `production`."
  type = object({
    source           = string
    account_id       = optional(string, "")
    parameter        = optional(string, "")
    kms_key_arns     = optional(list(string), [])
    artifact_buckets = optional(list(string), [])
  })
}

variable "boundary_arn" {
  description = "Permissions boundary that every role of an environment must carry, from the root."
  type        = string
}
