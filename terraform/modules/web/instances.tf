data "aws_ssm_parameter" "ami" {
  count = var.web.ami == "" ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.architecture}"
}

resource "aws_launch_template" "this" {
  name                   = var.name
  update_default_version = true

  image_id      = var.web.ami == "" ? data.aws_ssm_parameter.ami[0].insecure_value : var.web.ami
  instance_type = var.web.instance_type
  user_data     = base64encode(local.user_data)

  iam_instance_profile {
    arn = aws_iam_instance_profile.instance.arn
  }

  network_interfaces {
    associate_public_ip_address = var.web.placement == "public"
    delete_on_termination       = true
    security_groups             = [aws_security_group.instances.id]
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 8
      encrypted             = true
      delete_on_termination = true
    }
  }

  # Metrics each minute instead of each five: the group answers to load before people leave.
  monitoring {
    enabled = true
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.value
      tags          = local.instance_tags
    }
  }
}

resource "aws_autoscaling_group" "this" {
  name                = var.name
  vpc_zone_identifier = var.web.placement == "public" ? var.public_subnet_ids : var.private_subnet_ids
  target_group_arns   = [aws_lb_target_group.this.arn]

  # A maximum of zero ends every instance, and a minimum that is raised again brings them back, without a word about how many
  # are wanted, which is not ours to say (see below).
  min_size         = var.web.paused ? 0 : var.web.min_size
  max_size         = var.web.paused ? 0 : var.web.max_size
  desired_capacity = var.web.min_size

  health_check_type         = "ELB"
  health_check_grace_period = 300
  default_instance_warmup   = 60
  force_delete              = local.temporary.force_delete

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  # A new template version alone changes no running instance; new ones come up before old ones go.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 200
      skip_matching          = true
    }
  }

  dynamic "tag" {
    for_each = local.instance_tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # Load decides it from here on.
    ignore_changes = [desired_capacity]
  }

  # The first boot fetches the archive and registers with Session Manager.
  depends_on = [aws_iam_role_policy.artifact, aws_iam_role_policy_attachment.session_manager]
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "${var.name}-cpu"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.web.cpu_target

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}
