# Defaults and validations are the module's; null here means that.

variable "region" {
  description = "AWS region of production's database."
  type        = string
}

variable "source_identifier" {
  description = "Production's Aurora cluster or RDS instance: the `database.source` of envctl's configuration."
  type        = string
}

variable "name" {
  description = "Name of function, role, rules, queue and alarms; null: envctl-<source_identifier>-publisher."
  type        = string
  default     = null
}

variable "package" {
  description = "Zip of the function, from `envctl publisher build`; relative to where Terraform runs."
  type        = string
  default     = "publisher.zip"
}

variable "tags" {
  description = "Tags for everything."
  type        = map(string)
  default     = {}
}

variable "kind" {
  description = "See modules/snapshot_publisher."
  type        = string
  default     = null
}

variable "snapshot_types" {
  description = "See modules/snapshot_publisher."
  type        = list(string)
  default     = null
}

variable "parameter_name" {
  description = "See modules/snapshot_publisher."
  type        = string
  default     = null
}

variable "schedule" {
  description = "See modules/snapshot_publisher."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "See modules/snapshot_publisher."
  type        = number
  default     = null
}

variable "alarm_actions" {
  description = "ARNs of the SNS topics that the alarms tell; without one nobody hears them."
  type        = list(string)
  default     = []
}

variable "reserved_concurrency" {
  description = "See modules/snapshot_publisher."
  type        = number
  default     = null
}

variable "share_with" {
  description = "Accounts, organizational units or organizations that may read the parameter; see modules/snapshot_publisher."
  type        = set(string)
  default     = []
}

variable "share_outside_organization" {
  description = "See modules/snapshot_publisher."
  type        = bool
  default     = null
}

variable "provider_max_retries" {
  description = "How often the provider repeats a failed request; low for an emulator, whose refusals are final."
  type        = number
  default     = 25
}
