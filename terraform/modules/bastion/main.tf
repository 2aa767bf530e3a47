locals {
  name = "${var.name}-bastion"

  # Graviton families carry a g after their generation: t4g, m7gd, im4gn.
  architecture = can(regex("^(a1|[a-z]+[0-9]+g[a-z]*)\\.", var.bastion.instance_type)) ? "arm64" : "x86_64"
}

data "aws_ssm_parameter" "ami" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.architecture}"
}

resource "aws_instance" "this" {
  ami           = data.aws_ssm_parameter.ami.insecure_value
  instance_type = var.bastion.instance_type
  subnet_id     = var.subnet_id

  vpc_security_group_ids = [aws_security_group.this.id]
  iam_instance_profile   = aws_iam_instance_profile.this.name

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = 8
    encrypted             = true
    delete_on_termination = true
  }

  tags = { Name = local.name }

  lifecycle {
    # A new Amazon Linux every other week is no reason to cut somebody's session.
    ignore_changes = [ami]
  }

  # The agent registers once, while it boots.
  depends_on = [aws_iam_role_policy_attachment.session_manager, aws_vpc_security_group_egress_rule.all]
}

# An address, not associate_public_ip_address: that one shows a change in every plan.
resource "aws_eip" "this" {
  count = var.public_address ? 1 : 0

  domain   = "vpc"
  instance = aws_instance.this.id

  tags = { Name = local.name }
}

# No ingress rule and no key pair: Session Manager is the only way in, and IAM decides who takes it.
resource "aws_security_group" "this" {
  name        = local.name
  description = "Bastion: nobody connects to it."
  vpc_id      = var.vpc_id

  tags = { Name = local.name }
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.this.id
  description       = "Session Manager, packages and the database."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
