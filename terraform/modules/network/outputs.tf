output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Public subnets, one for each zone, usable at once: their way to the internet stands."
  value       = values(aws_subnet.public)[*].id

  # A load balancer is refused in a VPC without a gateway, and the gateway cannot go before the load balancer.
  depends_on = [aws_route.public, aws_route_table_association.public]
}

output "private_subnet_ids" {
  description = "Private subnets, one for each zone, for what only listens: a database need not wait for a NAT gateway."
  value       = values(aws_subnet.private)[*].id
}

output "routed_private_subnet_ids" {
  description = "The same private subnets once their routes stand, for instances that fetch packages while they boot."
  value       = values(aws_subnet.private)[*].id

  depends_on = [aws_route.private, aws_route_table_association.private, aws_vpc_endpoint.s3]
}

output "private_egress" {
  description = "Whether private subnets reach the internet, which Session Manager needs."
  value       = local.private_egress
}
