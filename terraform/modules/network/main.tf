data "aws_region" "current" {}

data "aws_availability_zones" "available" {
  state = "available"

  # Local Zones have no NAT gateways and few instance types.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  # Fixed keys, so that addresses in the state say nothing about the account's zones.
  zones = { for index, key in ["a", "b"] : key => {
    name    = data.aws_availability_zones.available.names[index]
    public  = cidrsubnet(var.network.cidr, 4, index)
    private = cidrsubnet(var.network.cidr, 4, index + 8)
  } }
}

resource "aws_vpc" "this" {
  cidr_block           = var.network.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# Nothing uses it; empty, it cannot be used by mistake.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-closed" }
}

resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.value.name
  cidr_block        = each.value.public

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.value.name
  cidr_block        = each.value.private

  tags = { Name = "${var.name}-private-${each.key}" }
}
