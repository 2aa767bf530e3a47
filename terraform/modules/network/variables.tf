variable "name" {
  description = "Name of the environment, from the root's `name`; every resource is called this or begins with it and a hyphen."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.name)) && length(var.name) <= 26
    error_message = "Use 1 to 26 of a-z, 0-9 and single hyphens, a letter first and no hyphen last: load balancers and databases accept no other name."
  }
}

variable "network" {
  description = <<-EOT
    Address range and way out, from the root's `network`. `nat` is `single` (one gateway for both zones), `per_az` (one in each) or `none`;
    `paused` takes the gateways away for a while and leaves everything else where it is.
  EOT
  type = object({
    cidr   = optional(string, "10.42.0.0/16")
    nat    = optional(string, "single")
    paused = optional(bool, false)
  })
  default = {}

  validation {
    condition     = can(regex("^[0-9.]+/(1[6-9]|2[0-2])$", var.network.cidr)) && can(cidrsubnet(var.network.cidr, 4, 0))
    error_message = "Give an IPv4 range from /16 to /22, like 10.42.0.0/16: a smaller one has no room for a load balancer in each zone."
  }

  validation {
    condition     = contains(["single", "per_az", "none"], var.network.nat)
    error_message = "Set nat to single, per_az or none."
  }
}
