# What can go wrong in an environment, without what takes long: things that depend on each other's removal
# (VPC, subnets, gateway, groups that know each other), things with names that AWS refuses twice (roles, log groups),
# things that EC2 makes a second time when it is asked twice (VPC, subnets), one that a new commit changes
# and one that it replaces. With `database.replicas` above 0 there is a database: half a minute more.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  backend "s3" {}
}

variable "name" { type = string }
variable "region" { type = string }
variable "tags" { type = map(string) }
variable "commit" { type = string }
variable "network" { type = any }
variable "web" { type = any }
variable "database" { type = any }
variable "bastion" { type = any }
variable "provider_max_retries" { type = number }

provider "aws" {
  region      = var.region
  max_retries = var.provider_max_retries

  default_tags {
    tags = var.tags
  }
}

locals {
  short = substr(var.commit, 0, 7)
}

resource "aws_vpc" "this" {
  cidr_block = var.network.cidr
}

resource "aws_subnet" "this" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(var.network.cidr, 4, count.index)
  availability_zone = "${var.region}${["a", "b"][count.index]}"
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_route_table" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.this.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "this" {
  count          = 2
  route_table_id = aws_route_table.this.id
  subnet_id      = aws_subnet.this[count.index].id
}

resource "aws_security_group" "this" {
  for_each    = toset(["data", "web"])
  name        = "${var.name}-${each.key}"
  description = "Of the ${each.key} tier."
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "from" {
  for_each                     = { data = "web", web = "data" }
  security_group_id            = aws_security_group.this[each.key].id
  referenced_security_group_id = aws_security_group.this[each.value].id
  ip_protocol                  = "tcp"
  from_port                    = 3306
  to_port                      = 3306
}

resource "aws_iam_role" "this" {
  name = "${var.name}-web"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "changed" {
  name = "logs"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "commit${local.short}", Effect = "Allow", Action = "logs:PutLogEvents", Resource = aws_cloudwatch_log_group.this.arn }]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/envctl/${var.name}/web"
  retention_in_days = 1
}

resource "aws_cloudwatch_log_group" "replaced" {
  name              = "/envctl/${var.name}/${local.short}"
  retention_in_days = 1
}

resource "aws_db_subnet_group" "this" {
  count      = var.database.replicas > 0 ? 1 : 0
  name       = var.name
  subnet_ids = aws_subnet.this[*].id
}

resource "aws_rds_cluster" "this" {
  count                   = var.database.replicas > 0 ? 1 : 0
  cluster_identifier      = var.name
  engine                  = var.database.engine
  engine_version          = var.database.engine_version
  snapshot_identifier     = var.database.snapshot_arn
  db_subnet_group_name    = aws_db_subnet_group.this[0].name
  vpc_security_group_ids  = [aws_security_group.this["data"].id]
  skip_final_snapshot     = true
  backup_retention_period = 1

  # envctl switches this on after the first complete apply.
  iam_database_authentication_enabled = true

  lifecycle {
    ignore_changes = [snapshot_identifier]
  }
}

output "vpc_id" {
  value = aws_vpc.this.id
}

output "database_cluster_id" {
  value = one(aws_rds_cluster.this[*].cluster_identifier)
}
