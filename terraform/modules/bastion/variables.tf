variable "name" {
  description = "Name of the environment, from the root's `name`; everything here is called this and `-bastion`."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.name)) && length(var.name) <= 26
    error_message = "Use 1 to 26 of a-z, 0-9 and single hyphens, a letter first and no hyphen last."
  }
}

variable "vpc_id" {
  description = "VPC of the bastion, from `module.network.vpc_id`."
  type        = string
}

variable "subnet_id" {
  description = "Subnet of the bastion: a private one with a NAT gateway, from `module.network.routed_private_subnet_ids`, or a public one."
  type        = string
}

variable "public_address" {
  description = "Whether it needs an address of its own to reach Session Manager: true in a public subnet, from `module.network.private_egress`."
  type        = bool
  default     = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the instance's role, from the root's `permissions_boundary_arn`; null for none."
  type        = string
  default     = null
}

variable "bastion" {
  description = "Size, from the root's `bastion`."
  type = object({
    instance_type = optional(string, "t4g.nano")
  })
  default = {}

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.bastion.instance_type))
    error_message = "Set instance_type to an EC2 instance type, like t4g.nano."
  }
}
