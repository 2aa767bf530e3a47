variable "project" {
  description = "Project, from `project.name` of the configuration: environments are called `<project>-pr-<n>`."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.project)) && length(var.project) <= 12
    error_message = "Use 1 to 12 of a-z, 0-9 and single hyphens, a letter first and no hyphen last, as in envctl.toml."
  }
}

variable "region" {
  description = "AWS region of the environments and the bucket, from `project.region` of the configuration."
  type        = string
}

variable "bucket" {
  description = "State bucket, from `state.bucket` of the configuration."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "Give the bucket's name: 3 to 63 of a-z, 0-9, dots and hyphens."
  }
}

variable "adopt" {
  description = <<-EOT
    What is there already and is taken over: the bucket, which the orchestrator makes first to keep this state in it, and what a run that was
    killed made before its state was saved: id of the key, ARN of the OIDC provider, roles and policies by the names that they have here.
  EOT
  type = object({
    bucket       = optional(bool, false)
    key_id       = optional(string)
    provider_arn = optional(string)
    roles        = optional(set(string), [])
    policies     = optional(set(string), [])
  })
  default = {}
}

variable "state_prefix" {
  description = "Key prefix of states and manifests, from `state.prefix` of the configuration."
  type        = string
  default     = "environments"
}

variable "github" {
  description = <<-EOT
    The repository whose jobs may take the roles, from `project.repository`, with GitHub's numbers of its owner and of itself
    (`gh api repos/OWNER/NAME --jq '.owner.id, .id'`) and its default branch. `provider_arn` is an OIDC provider that the account has already.
  EOT
  type = object({
    repository     = string
    owner_id       = string
    repository_id  = string
    default_branch = optional(string, "main")
    provider_arn   = optional(string)
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "Give the repository as owner/name, exactly as GitHub spells it."
  }

  validation {
    condition     = alltrue([for id in [var.github.owner_id, var.github.repository_id] : can(regex("^[1-9][0-9]*$", id))])
    error_message = "Give owner_id and repository_id as GitHub's numbers: gh api repos/OWNER/NAME --jq '.owner.id, .id'."
  }

  # A wildcard here would let other branches in.
  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.github.default_branch))
    error_message = "Give the default branch by its name: letters, digits and . _ / - only."
  }

  validation {
    condition     = var.github.provider_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github.provider_arn))
    error_message = "Leave provider_arn out, or give the ARN of the account's provider for token.actions.githubusercontent.com."
  }
}

variable "production" {
  description = <<-EOT
    What is restored and never changed: `source` is production's cluster or instance (`database.source`), `account_id` its account when it
    shares snapshots, `parameter` the SSM parameter that names its newest one (`database.source_parameter`), `kms_key_arns` the customer managed keys of its snapshots, `artifact_buckets` the buckets that sites are fetched from.
  EOT
  type = object({
    source           = string
    account_id       = optional(string, "")
    parameter        = optional(string, "")
    kms_key_arns     = optional(list(string), [])
    artifact_buckets = optional(list(string), [])
  })

  validation {
    condition     = can(regex("^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$", var.production.source))
    error_message = "Set source to the identifier of production's cluster or instance, as in envctl.toml."
  }

  validation {
    condition     = can(regex("^([0-9]{12})?$", var.production.account_id))
    error_message = "Set account_id to production's 12 digits, or leave it out."
  }

  validation {
    condition     = can(regex("^(arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter)?[A-Za-z0-9./_-]*$", var.production.parameter))
    error_message = "Set parameter to the name or the ARN of an SSM parameter, as in envctl.toml, or leave it out."
  }

  validation {
    condition     = alltrue([for arn in var.production.kms_key_arns : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "Give each of kms_key_arns as the ARN of a key, not of an alias."
  }

  validation {
    condition     = alltrue([for name in var.production.artifact_buckets : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", name))])
    error_message = "Give artifact_buckets as names of buckets."
  }
}

variable "max_session_hours" {
  description = "How long a session of a role may last, in hours: longer than the longest restore."
  type        = number
  default     = 4

  validation {
    condition     = contains(range(1, 13), var.max_session_hours)
    error_message = "Set max_session_hours to a whole number from 1 to 12: IAM allows no other."
  }
}

variable "provider_max_retries" {
  description = "How often the provider repeats a failed request; low for an emulator, whose refusals are final."
  type        = number
  default     = 25
}
