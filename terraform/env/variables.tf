# Values come from the terraform.tfvars.json that the orchestrator writes. Settings left out take the defaults of the module
# that they configure: each default, and each validation, is written in one place.

variable "name" {
  description = "Name of the environment, `<project>-pr-<n>`, from the orchestrator's identity."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*-pr-[1-9][0-9]*$", var.name)) && length(var.name) <= 26
    error_message = "Name the environment <project>-pr-<number> in at most 26 of a-z, 0-9 and single hyphens; shorten the project's name if it does not fit."
  }
}

variable "region" {
  description = "AWS region, from `project.region` of the configuration."
  type        = string
}

variable "tags" {
  description = "Complete tag set, from the orchestrator's identity: what is left over is found by it, so it is put on everything."
  type        = map(string)

  validation {
    condition     = alltrue([for key in ["environment", "project", "repository", "pr"] : contains(keys(var.tags), "envctl:${key}")])
    error_message = "Give all of envctl:environment, envctl:project, envctl:repository and envctl:pr beside your own tags."
  }
}

variable "commit" {
  description = "Commit of the pull request, shown on the built-in page; a new one rolls the instances."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([0-9a-f]{7,64})?$", var.commit))
    error_message = "Give the commit as its hexadecimal id, or leave it empty."
  }
}

variable "network" {
  description = "Settings of the network, from the section of that name; see modules/network."
  type = object({
    cidr   = optional(string)
    nat    = optional(string)
    paused = optional(bool)
  })
  default = {}
}

variable "web" {
  description = "Settings of the web tier, from the section of that name; see modules/web."
  type = object({
    instance_type     = optional(string)
    min_size          = optional(number)
    max_size          = optional(number)
    cpu_target        = optional(number)
    placement         = optional(string)
    health_check_path = optional(string)
    artifact          = optional(string)
    certificate_arn   = optional(string)
    ami               = optional(string)
    paused            = optional(bool)
  })
  default = {}
}

variable "database" {
  description = "Snapshot to restore, from the orchestrator's choice, and settings from the section of that name; see modules/database."
  type = object({
    kind           = string
    snapshot_arn   = string
    engine         = string
    engine_version = string
    instance_class = optional(string)
    replicas       = optional(number)
    min_capacity   = optional(number)
    max_capacity   = optional(number)
    kms_key_arn    = optional(string)
    paused         = optional(bool)
  })
}

variable "bastion" {
  description = "Whether there is a bastion, and its size, from the section of that name; see modules/bastion."
  type = object({
    enabled       = optional(bool, true)
    instance_type = optional(string)
  })
  default = {}
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of every role that the environment makes, from `terraform.permissions_boundary_arn` of the configuration; null for none."
  type        = string
  default     = null
}

variable "provider_max_retries" {
  description = "How often the provider repeats a failed request; low for an emulator, whose refusals are final."
  type        = number
  default     = 25
}
