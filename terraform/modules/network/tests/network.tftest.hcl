mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-north-1a", "eu-north-1b", "eu-north-1c"] }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-north-1" }
  }
}

variables {
  name = "shop-pr-42"
}

run "two_zones_of_the_account" {
  command = plan

  assert {
    condition     = [for zone in ["a", "b"] : aws_subnet.public[zone].availability_zone] == ["eu-north-1a", "eu-north-1b"]
    error_message = "Public subnets do not lie in the account's first two zones."
  }
  assert {
    condition     = [for zone in ["a", "b"] : aws_subnet.private[zone].availability_zone] == ["eu-north-1a", "eu-north-1b"]
    error_message = "Private subnets do not lie in the account's first two zones."
  }
  assert {
    condition     = length(toset(concat(values(aws_subnet.public)[*].cidr_block, values(aws_subnet.private)[*].cidr_block))) == 4
    error_message = "Subnets overlap."
  }
  assert {
    condition     = aws_vpc.this.enable_dns_support && aws_vpc.this.enable_dns_hostnames
    error_message = "The VPC lacks DNS, so endpoints do not resolve."
  }
  assert {
    condition     = alltrue([for subnet in values(aws_subnet.public) : subnet.map_public_ip_on_launch != true])
    error_message = "Subnets hand out public addresses by themselves."
  }
}

run "default_group_is_closed" {
  command = apply

  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default security group still has rules."
  }
}

run "s3_endpoint_serves_every_table" {
  command = apply

  assert {
    condition     = aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-north-1.s3" && aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
    error_message = "The S3 endpoint is not the region's gateway endpoint."
  }
  assert {
    condition     = toset(aws_vpc_endpoint.s3.route_table_ids) == toset(concat([aws_route_table.public.id], values(aws_route_table.private)[*].id))
    error_message = "A route table lacks the S3 endpoint."
  }
}

run "single_nat" {
  command = apply

  assert {
    condition     = keys(aws_nat_gateway.this) == ["a"] && keys(aws_eip.nat) == ["a"]
    error_message = "`single` makes one NAT gateway with one address."
  }
  assert {
    condition     = keys(aws_route.private) == ["a", "b"] && alltrue([for route in values(aws_route.private) : route.nat_gateway_id == aws_nat_gateway.this["a"].id])
    error_message = "Both private tables go out through the one gateway."
  }
  assert {
    condition     = aws_route.public.destination_cidr_block == "0.0.0.0/0" && aws_route.public.gateway_id == aws_internet_gateway.this.id
    error_message = "Public subnets have no way out."
  }
  assert {
    condition     = alltrue([for zone in ["a", "b"] : aws_route_table_association.private[zone].subnet_id == aws_subnet.private[zone].id])
    error_message = "A private subnet is not associated with its own table."
  }
  assert {
    condition     = output.private_egress
    error_message = "With a gateway, private subnets do reach the internet."
  }
}

run "nat_in_each_zone" {
  command = apply

  variables {
    network = { nat = "per_az" }
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["a", "b"]
    error_message = "`per_az` makes a NAT gateway in each zone."
  }
  assert {
    condition     = alltrue([for zone in ["a", "b"] : aws_route.private[zone].nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "A zone goes out through another zone's gateway."
  }
}

run "no_nat" {
  command = plan

  variables {
    network = { nat = "none" }
  }

  assert {
    condition     = length(aws_nat_gateway.this) + length(aws_eip.nat) + length(aws_route.private) == 0
    error_message = "`none` still pays for a gateway or an address, or routes to one."
  }
  assert {
    condition     = !output.private_egress
    error_message = "Without a gateway, private subnets do not reach the internet."
  }
}

run "a_pause_takes_the_gateways_only" {
  command = plan

  variables {
    network = { nat = "per_az", paused = true }
  }

  assert {
    condition     = length(aws_nat_gateway.this) + length(aws_eip.nat) + length(aws_route.private) == 0 && length(aws_route_table.private) == 2
    error_message = "A paused environment pays for gateways, or loses more than they."
  }
  assert {
    condition     = output.private_egress
    error_message = "A pause moves what lies in private subnets."
  }
}

run "refuses_an_unknown_nat" {
  command = plan
  variables {
    network = { nat = "double" }
  }
  expect_failures = [var.network]
}

run "refuses_a_range_too_small_for_load_balancers" {
  command = plan
  variables {
    network = { cidr = "10.0.0.0/24" }
  }
  expect_failures = [var.network]
}

run "refuses_what_is_no_range" {
  command = plan
  variables {
    network = { cidr = "10.0.0.300/16" }
  }
  expect_failures = [var.network]
}

run "refuses_a_name_databases_refuse" {
  command = plan
  variables {
    name = "shop--pr-42"
  }
  expect_failures = [var.name]
}
