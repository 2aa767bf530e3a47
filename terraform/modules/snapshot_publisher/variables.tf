variable "name" {
  description = "Name of everything here, from the root's `name`."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,47}$", var.name))
    error_message = "Use 1 to 48 letters, digits, hyphens and underscores, a letter first."
  }
}

variable "source_identifier" {
  description = "Production's Aurora cluster or RDS instance: the `database.source` of envctl's configuration."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$", var.source_identifier))
    error_message = "Give an RDS identifier: letters, digits and hyphens, a letter first."
  }
}

variable "kind" {
  description = "Which kind of database `source_identifier` is, if both kinds have one of that name."
  type        = string
  default     = "auto"
  nullable    = false

  validation {
    condition     = contains(["auto", "cluster", "instance"], var.kind)
    error_message = "Use auto, cluster or instance."
  }
}

variable "snapshot_types" {
  description = "Which types of snapshots may be announced. Only manual ones can be shared with another account."
  type        = list(string)
  default     = ["automated", "manual"]
  nullable    = false

  validation {
    condition     = length(var.snapshot_types) > 0 && length(setsubtract(var.snapshot_types, ["automated", "manual", "awsbackup"])) == 0
    error_message = "Use any of automated, manual and awsbackup."
  }
}

variable "parameter_name" {
  description = "Parameter that names the newest snapshot, for `database.source_parameter`; null: /envctl/<source_identifier>/latest-snapshot."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){1,15}$", coalesce(var.parameter_name, "/default")))
    error_message = "Give a path such as /envctl/shop-prod/latest-snapshot."
  }
}

variable "package" {
  description = "Zip of the function, from `envctl publisher build`."
  type        = string
}

variable "schedule" {
  description = "How often to look without an event: RDS sends its events on a best-effort basis."
  type        = string
  default     = "rate(15 minutes)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.schedule))
    error_message = "Give an EventBridge schedule, like rate(15 minutes)."
  }
}

variable "log_retention_days" {
  description = "How long the function's log is kept."
  type        = number
  default     = 30
  nullable    = false
}

variable "alarm_actions" {
  description = "Whom the alarms tell: ARNs of SNS topics."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "reserved_concurrency" {
  description = "One look at a time. -1 reserves nothing, for an account whose quota is too small: two looks then mend each other's writes."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = contains([-1, 1], var.reserved_concurrency)
    error_message = "Use 1, or -1 to reserve nothing."
  }
}

variable "share_with" {
  description = "Accounts, organizational units or organizations (ARNs) that may read the parameter; with any, it is of the advanced tier, which costs a little."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "share_outside_organization" {
  description = "Whether accounts of `share_with` may be outside this account's organization."
  type        = bool
  default     = false
  nullable    = false
}
