locals {
  # An environment is temporary: nothing of it may refuse to go or leave something behind. Every deletion guard of this
  # module hangs on this block. One day is the least backup that Aurora allows and that read replicas are made from.
  temporary = {
    deletion_protection      = false
    skip_final_snapshot      = true
    delete_automated_backups = true
    backup_retention_period  = 1
    recovery_window_in_days  = 0
  }

  cluster    = var.database.kind == "cluster"
  serverless = var.database.instance_class == "db.serverless"
  postgres   = endswith(var.database.engine, "postgres") || endswith(var.database.engine, "postgresql")
  port       = local.postgres ? 5432 : 3306

  # Names that both generations of each family know, and that need no parameter group.
  log_types = local.postgres ? ["postgresql"] : ["error", "slowquery"]

  # MariaDB learnt it in 10.6; every other engine here knows it.
  engine_release     = [for part in slice(concat(split(".", var.database.engine_version), ["0"]), 0, 2) : try(tonumber(part), 0)]
  iam_authentication = var.database.engine != "mariadb" || local.engine_release[0] > 10 || local.engine_release[0] == 10 && local.engine_release[1] >= 6

  readers    = [for number in range(var.database.replicas) : tostring(number + 1)]
  replicas   = var.database.paused && !local.cluster ? [] : local.readers
  identifier = local.cluster ? { writer = var.name } : merge({ writer = var.name }, { for number in local.readers : number => "${var.name}-replica-${number}" })
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Private subnets of ${var.name}."
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = "${var.name}-db"
  description = "Database: reached by its clients only, reaches nobody."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-db" }
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.clients

  security_group_id            = aws_security_group.this.id
  description                  = "From ${each.key}."
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

# RDS makes a missing log group itself, without retention, and leaves it behind: these are there first.
resource "aws_cloudwatch_log_group" "this" {
  for_each = { for pair in setproduct(values(local.identifier), local.log_types) : join("/", pair) => pair }

  name              = "/aws/rds/${var.database.kind}/${each.key}"
  retention_in_days = var.log_retention_days
}
