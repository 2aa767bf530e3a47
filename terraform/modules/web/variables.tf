variable "name" {
  description = "Name of the environment, from the root's `name`; every resource is called this or begins with it and a hyphen."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.name)) && length(var.name) <= 26 && !startswith(var.name, "internal-")
    error_message = "Use 1 to 26 of a-z, 0-9 and single hyphens, a letter first, no hyphen last, not beginning with internal-: load balancers accept no other name."
  }
}

variable "tags" {
  description = "Complete tag set, from the root's `tags`. The provider's default tags reach neither instances nor volumes that an auto scaling group makes."
  type        = map(string)
  default     = {}
}

variable "vpc_id" {
  description = "VPC of the load balancer and the instances, from `module.network.vpc_id`."
  type        = string
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer, and of the instances with placement `public`, from `module.network.public_subnet_ids`."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Subnets of the instances with placement `private`, from `module.network.routed_private_subnet_ids`."
  type        = list(string)
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the instances' role, from the root's `permissions_boundary_arn`; null for none."
  type        = string
  default     = null
}

variable "page" {
  description = "What the built-in page tells its reader; values are escaped. From the root's `commit` and `tags`, and from `module.database`."
  type = object({
    repository        = optional(string, "")
    pull_request      = optional(string, "")
    commit            = optional(string, "")
    database_endpoint = optional(string, "")
  })
  default = {}
}

variable "web" {
  description = <<-EOT
    Web tier, from the root's `web`. `cpu_target` is the average CPU, in percent, that the group adds instances to stay under;
    `artifact` a site archive `s3://bucket/key.tar.gz`, empty for the built-in page; `certificate_arn` turns HTTPS on;
    `ami` an image id, empty for the newest Amazon Linux 2023 of the instance type's architecture; `paused` keeps the group without instances.
  EOT
  type = object({
    instance_type     = optional(string, "t3.micro")
    min_size          = optional(number, 2)
    max_size          = optional(number, 4)
    cpu_target        = optional(number, 60)
    placement         = optional(string, "private")
    health_check_path = optional(string, "/healthz")
    artifact          = optional(string, "")
    certificate_arn   = optional(string, "")
    ami               = optional(string, "")
    paused            = optional(bool, false)
  })
  default = {}

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.web.instance_type))
    error_message = "Set instance_type to an EC2 instance type, like t3.micro."
  }

  validation {
    condition     = var.web.min_size >= 1 && var.web.max_size >= var.web.min_size && floor(var.web.min_size) == var.web.min_size && floor(var.web.max_size) == var.web.max_size
    error_message = "Set min_size to a whole number of at least 1, and max_size to one that is not below min_size."
  }

  validation {
    condition     = var.web.cpu_target >= 1 && var.web.cpu_target <= 100
    error_message = "Set cpu_target to a percentage from 1 to 100; 60 leaves room while new instances boot."
  }

  validation {
    condition     = contains(["private", "public"], var.web.placement)
    error_message = "Set placement to private or public: the subnets that the instances lie in."
  }

  # The path is written into the web server's configuration: nothing that has a meaning there.
  validation {
    condition     = can(regex("^/[A-Za-z0-9/._~-]*$", var.web.health_check_path)) && length(var.web.health_check_path) <= 1024
    error_message = "Begin health_check_path with a slash and use letters, digits and / . _ ~ - only, like /healthz."
  }

  # The address is written into a shell command: nothing that has a meaning there.
  validation {
    condition     = can(regex("^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9/._=+@-]+\\.(tar\\.gz|tgz))?$", var.web.artifact))
    error_message = "Leave artifact empty or give s3://bucket/key.tar.gz with letters, digits and / . _ = + @ - only in the key."
  }

  validation {
    condition     = can(regex("^(arn:[a-z-]+:(acm|iam):.+)?$", var.web.certificate_arn))
    error_message = "Leave certificate_arn empty or give the ARN of an ACM certificate in the environment's region."
  }

  validation {
    condition     = can(regex("^(ami-[0-9a-f]+)?$", var.web.ami))
    error_message = "Leave ami empty for Amazon Linux 2023 or give an image id, like ami-0123456789abcdef0."
  }
}
