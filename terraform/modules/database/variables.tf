variable "name" {
  description = "Name of the environment, from the root's `name`: the database's identifier; everything else begins with it and a hyphen."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.name)) && length(var.name) <= 26
    error_message = "Use 1 to 26 of a-z, 0-9 and single hyphens, a letter first and no hyphen last: databases accept no other identifier."
  }
}

variable "vpc_id" {
  description = "VPC of the database, from `module.network.vpc_id`."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of two zones at least, from `module.network.private_subnet_ids`."
  type        = list(string)
}

variable "clients" {
  description = "Security groups that may connect, by a name for the rule, from `module.web.security_group_id` and `module.bastion`."
  type        = map(string)
  default     = {}
}

variable "log_retention_days" {
  description = "Days that the exported logs are kept; they go with the environment in any case."
  type        = number
  default     = 7
}

variable "database" {
  description = <<-EOT
    What to restore, from the root's `database`. `engine` and `engine_version` are the snapshot's own; `replicas` counts readers beside
    the writer. `min_capacity` and `max_capacity` (Aurora capacity units, 0.5 and 2 when not given) go with the class `db.serverless`.
    `kms_key_arn` encrypts a cluster whose snapshot is not encrypted; an encrypted one keeps its snapshot's key. `paused` takes the read
    replicas of an RDS instance away, because RDS stops no instance that has one.
  EOT
  type = object({
    kind           = string
    snapshot_arn   = string
    engine         = string
    engine_version = string
    instance_class = optional(string, "db.t4g.medium")
    replicas       = optional(number, 1)
    min_capacity   = optional(number, 0.5)
    max_capacity   = optional(number, 2)
    kms_key_arn    = optional(string)
    paused         = optional(bool, false)
  })

  validation {
    condition     = contains(["cluster", "instance"], var.database.kind)
    error_message = "Set kind to cluster (Aurora) or instance (RDS): what the snapshot is of."
  }

  validation {
    condition = can(regex({
      cluster  = "^arn:[a-z-]+:rds:[a-z0-9-]+:[0-9]{12}:cluster-snapshot:.+$"
      instance = "^arn:[a-z-]+:rds:[a-z0-9-]+:[0-9]{12}:snapshot:.+$"
    }[var.database.kind], var.database.snapshot_arn))
    error_message = "Give snapshot_arn as the ARN of a snapshot of this kind: ...:cluster-snapshot:... for cluster, ...:snapshot:... for instance."
  }

  validation {
    condition     = can(index({ cluster = ["aurora-mysql", "aurora-postgresql"], instance = ["mysql", "mariadb", "postgres"] }[var.database.kind], var.database.engine))
    error_message = "Restore a snapshot of aurora-mysql or aurora-postgresql as a cluster, or of mysql, mariadb or postgres as an instance; no other engine is supported."
  }

  validation {
    condition     = can(regex("^[0-9]+[.A-Za-z0-9_-]*$", var.database.engine_version))
    error_message = "Set engine_version to the snapshot's own version, like 16.4 or 8.0.mysql_aurora.3.05.2."
  }

  validation {
    condition     = can(regex("^db\\.[a-z0-9-]+(\\.[a-z0-9-]+)?$", var.database.instance_class)) && (var.database.kind == "cluster" || var.database.instance_class != "db.serverless")
    error_message = "Set instance_class to a database class, like db.t4g.medium; db.serverless is for Aurora clusters only."
  }

  validation {
    condition     = contains(range(16), var.database.replicas)
    error_message = "Set replicas to a whole number from 0 to 15."
  }

  validation {
    condition     = var.database.min_capacity >= 0 && var.database.max_capacity >= 1 && var.database.max_capacity >= var.database.min_capacity && var.database.max_capacity <= 256 && alltrue([for units in [var.database.min_capacity, var.database.max_capacity] : floor(units * 2) == units * 2])
    error_message = "Set min_capacity and max_capacity in steps of 0.5, at least 0 and 1, at most 256, the minimum not above the maximum."
  }
}
