resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-alb"
  description = "Load balancer: open to the world on the ports of its listeners."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-alb" }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = merge({ http = 80 }, local.https ? { https = 443 } : {})

  security_group_id = aws_security_group.load_balancer.id
  description       = "World to load balancer, ${each.key}."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "Load balancer to instances."
  referenced_security_group_id = aws_security_group.instances.id
  ip_protocol                  = "tcp"
  from_port                    = local.instance_port
  to_port                      = local.instance_port
}

resource "aws_security_group" "instances" {
  name        = "${var.name}-web"
  description = "Web instances: reached by the load balancer only."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-web" }
}

resource "aws_vpc_security_group_ingress_rule" "instances" {
  security_group_id            = aws_security_group.instances.id
  description                  = "Load balancer to instances."
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.instance_port
  to_port                      = local.instance_port
}

resource "aws_vpc_security_group_egress_rule" "instances" {
  security_group_id = aws_security_group.instances.id
  description       = "Packages, S3, Session Manager and the database."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
