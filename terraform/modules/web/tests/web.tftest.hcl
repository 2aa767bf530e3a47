mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "ami-0aaaaaaaaaaaaaaaa" }
  }
  mock_resource "aws_lb" {
    defaults = {
      arn      = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:loadbalancer/app/shop-pr-42/0123456789abcdef"
      dns_name = "shop-pr-42-1.eu-north-1.elb.amazonaws.com"
    }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/shop-pr-42/0123456789abcdef" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:listener/app/shop-pr-42/0123456789abcdef/0123456789abcdef" }
  }
  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/shop-pr-42-web" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 7 }
  }
}

variables {
  name               = "shop-pr-42"
  tags               = { "envctl:environment" = "shop-pr-42", "envctl:pr" = "42" }
  vpc_id             = "vpc-0123456789abcdef0"
  public_subnet_ids  = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
  private_subnet_ids = ["subnet-1000000000000000a", "subnet-1000000000000000b"]
}

run "bounded_where_a_boundary_is_given" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/envctl/shop-instances"
  }

  assert {
    condition     = aws_iam_role.instance.permissions_boundary == "arn:aws:iam::123456789012:policy/envctl/shop-instances"
    error_message = "The role has no boundary."
  }
}

run "launch_template_is_hardened_and_tagged" {
  command = apply

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required"
    error_message = "Instances answer to IMDSv1."
  }
  assert {
    condition     = aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted == "true" && aws_launch_template.this.block_device_mappings[0].ebs[0].volume_type == "gp3"
    error_message = "The disk is not an encrypted gp3 volume."
  }
  assert {
    condition     = aws_launch_template.this.key_name == null
    error_message = "Instances have a key pair."
  }
  assert {
    condition = alltrue([for type in ["instance", "volume", "network-interface"] : anytrue([
      for specification in aws_launch_template.this.tag_specifications : specification.resource_type == type && specification.tags["envctl:environment"] == "shop-pr-42"
    ])])
    error_message = "Instances, volumes or interfaces are made without the environment's tags."
  }
  assert {
    condition     = aws_launch_template.this.instance_type == "t3.micro" && aws_launch_template.this.image_id == "ami-0aaaaaaaaaaaaaaaa"
    error_message = "The default is a t3.micro with the image of the public parameter."
  }
}

run "group_scales_heals_and_rolls" {
  command = apply

  assert {
    condition     = aws_autoscaling_group.this.min_size == 2 && aws_autoscaling_group.this.max_size == 4 && aws_autoscaling_group.this.desired_capacity == 2
    error_message = "Sizes are not 2 to 4, beginning with 2."
  }
  assert {
    condition     = aws_autoscaling_group.this.health_check_type == "ELB" && toset(aws_autoscaling_group.this.target_group_arns) == toset([aws_lb_target_group.this.arn])
    error_message = "An instance that fails the load balancer's check is not replaced."
  }
  assert {
    condition     = aws_autoscaling_group.this.force_delete
    error_message = "The group refuses to go while it has instances."
  }
  assert {
    condition     = aws_autoscaling_group.this.launch_template[0].version == "7" && aws_autoscaling_group.this.instance_refresh[0].strategy == "Rolling"
    error_message = "A new template version does not roll the instances."
  }
  assert {
    condition     = anytrue([for tag in aws_autoscaling_group.this.tag : tag.key == "envctl:environment" && tag.value == "shop-pr-42"]) && alltrue([for tag in aws_autoscaling_group.this.tag : tag.propagate_at_launch])
    error_message = "Tags do not reach the group's instances."
  }
  assert {
    condition     = aws_autoscaling_policy.cpu.policy_type == "TargetTrackingScaling" && aws_autoscaling_policy.cpu.target_tracking_configuration[0].target_value == 60
    error_message = "The group does not follow its CPU target."
  }
  assert {
    condition     = aws_autoscaling_policy.cpu.target_tracking_configuration[0].disable_scale_in != true
    error_message = "The group grows but never shrinks."
  }
}

run "a_pause_empties_the_group" {
  command = plan

  variables {
    web = { min_size = 3, max_size = 6, paused = true }
  }

  assert {
    condition     = aws_autoscaling_group.this.min_size == 0 && aws_autoscaling_group.this.max_size == 0
    error_message = "A paused group keeps instances, or may start some."
  }
  assert {
    condition     = aws_autoscaling_group.this.wait_for_capacity_timeout == "0"
    error_message = "The provider waits ten minutes for instances that nobody wants."
  }
}

run "private_by_default" {
  command = plan

  assert {
    condition     = toset(aws_autoscaling_group.this.vpc_zone_identifier) == toset(var.private_subnet_ids)
    error_message = "Instances are not in the private subnets."
  }
  assert {
    condition     = aws_launch_template.this.network_interfaces[0].associate_public_ip_address == "false"
    error_message = "Instances have public addresses."
  }
  assert {
    condition     = toset(aws_lb.this.subnets) == toset(var.public_subnet_ids) && !aws_lb.this.internal
    error_message = "The load balancer is not in the public subnets."
  }
  assert {
    condition     = !aws_lb.this.enable_deletion_protection
    error_message = "The load balancer refuses to go."
  }
}

run "public_on_request" {
  command = plan

  variables {
    web = { placement = "public" }
  }

  assert {
    condition     = toset(aws_autoscaling_group.this.vpc_zone_identifier) == toset(var.public_subnet_ids)
    error_message = "Instances are not in the public subnets."
  }
  assert {
    condition     = aws_launch_template.this.network_interfaces[0].associate_public_ip_address == "true"
    error_message = "Without a public address, an instance in a public subnet reaches nothing."
  }
}

run "http_only_without_certificate" {
  command = apply

  assert {
    condition     = length(aws_lb_listener.https) == 0 && aws_lb_listener.http.default_action[0].type == "forward" && aws_lb_listener.http.default_action[0].target_group_arn == aws_lb_target_group.this.arn
    error_message = "Without a certificate, HTTP serves the site."
  }
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.load_balancer) == ["http"]
    error_message = "Port 443 is open although nothing listens."
  }
  assert {
    condition     = output.url == "http://shop-pr-42-1.eu-north-1.elb.amazonaws.com"
    error_message = "The URL is not the load balancer's over HTTP."
  }
}

run "https_with_certificate" {
  command = apply

  variables {
    web = { certificate_arn = "arn:aws:acm:eu-north-1:123456789012:certificate/0123" }
  }

  assert {
    condition     = aws_lb_listener.https[0].port == 443 && aws_lb_listener.https[0].default_action[0].type == "forward" && aws_lb_listener.https[0].certificate_arn == var.web.certificate_arn
    error_message = "HTTPS does not serve the site with the certificate."
  }
  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "HTTP does not redirect to HTTPS."
  }
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.load_balancer) == ["http", "https"]
    error_message = "The load balancer's group does not open both ports."
  }
  assert {
    condition     = startswith(output.url, "https://")
    error_message = "The URL is not HTTPS."
  }
}

run "only_the_load_balancer_reaches_instances" {
  command = apply

  assert {
    condition     = aws_vpc_security_group_ingress_rule.instances.referenced_security_group_id == aws_security_group.load_balancer.id && aws_vpc_security_group_ingress_rule.instances.cidr_ipv4 == null
    error_message = "Instances are open to more than the load balancer."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.instances.from_port == 80 && aws_vpc_security_group_ingress_rule.instances.to_port == 80 && aws_lb_target_group.this.port == 80
    error_message = "Rule and target group disagree about the port."
  }
}

run "role_reads_nothing_without_an_artifact" {
  command = apply

  assert {
    condition     = length(aws_iam_role_policy.artifact) == 0
    error_message = "The role may read S3 although there is no artifact."
  }
  assert {
    condition     = endswith(aws_iam_role_policy_attachment.session_manager.policy_arn, ":iam::aws:policy/AmazonSSMManagedInstanceCore")
    error_message = "Session Manager does not reach the instances."
  }
}

run "role_reads_exactly_the_artifact" {
  command = apply

  variables {
    web = { artifact = "s3://acme-artifacts/shop/pr-42.tar.gz" }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.artifact[0].policy).Statement == [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::acme-artifacts/shop/pr-42.tar.gz" }]
    error_message = "The role may do something else than read the artifact."
  }
  assert {
    condition     = strcontains(join(" ", yamldecode(base64decode(aws_launch_template.this.user_data)).runcmd), "aws s3 cp --only-show-errors 's3://acme-artifacts/shop/pr-42.tar.gz'")
    error_message = "Instances do not fetch the artifact."
  }
}

run "user_data_installs_and_serves" {
  command = plan

  variables {
    web = { health_check_path = "/alive" }
    page = {
      pull_request      = "42"
      commit            = "0123abc"
      database_endpoint = "db.example:5432"
      repository        = "<script>&'\""
    }
  }

  assert {
    condition     = contains(yamldecode(base64decode(aws_launch_template.this.user_data)).packages, "nginx") && yamldecode(base64decode(aws_launch_template.this.user_data)).runcmd == ["systemctl enable --now nginx"]
    error_message = "nginx is not installed and started."
  }
  assert {
    condition     = strcontains(base64decode({ for file in yamldecode(base64decode(aws_launch_template.this.user_data)).write_files : file.path => file.content }["/etc/nginx/nginx.conf"]), "location = /alive {")
    error_message = "nginx does not answer the health check path."
  }
  assert {
    condition = alltrue([for text in ["shop-pr-42", "#42", "0123abc", "db.example:5432", "&lt;script&gt;&amp;&#39;&quot;"] :
    strcontains(base64decode({ for file in yamldecode(base64decode(aws_launch_template.this.user_data)).write_files : file.path => file.content }["/usr/share/nginx/html/envctl/index.html"]), text)])
    error_message = "The page does not show the environment, or shows it unescaped."
  }
  assert {
    condition     = !strcontains(local.user_data, "<script>") && length(local.user_data) < 16384
    error_message = "User data holds markup of a value, or is above EC2's 16 KiB."
  }
  assert {
    condition     = aws_lb_target_group.this.health_check[0].path == "/alive"
    error_message = "The target group checks another path."
  }
}

run "a_site_may_answer_health_itself" {
  command = plan

  variables {
    web = { health_check_path = "/" }
  }

  assert {
    condition     = !strcontains(base64decode({ for file in yamldecode(local.user_data).write_files : file.path => file.content }["/etc/nginx/nginx.conf"]), "location = /")
    error_message = "The health answer hides the site's first page."
  }
}

run "graviton_gets_its_own_image" {
  command = plan

  variables {
    web = { instance_type = "t4g.small" }
  }

  assert {
    condition     = endswith(data.aws_ssm_parameter.ami[0].name, "-arm64")
    error_message = "A Graviton instance does not boot an x86 image."
  }
}

run "gpu_families_are_not_graviton" {
  command = plan

  variables {
    web = { instance_type = "g4dn.xlarge" }
  }

  assert {
    condition     = endswith(data.aws_ssm_parameter.ami[0].name, "-x86_64")
    error_message = "g4dn is an x86 family."
  }
}

run "given_image_needs_no_parameter" {
  command = plan

  variables {
    web = { ami = "ami-0123456789abcdef0" }
  }

  assert {
    condition     = length(data.aws_ssm_parameter.ami) == 0 && aws_launch_template.this.image_id == "ami-0123456789abcdef0"
    error_message = "The given image is not used."
  }
}

run "names_are_the_environment" {
  command = plan

  variables {
    name = "abcdefghijkl-pr-1234567890"
  }

  assert {
    condition     = aws_lb.this.name == var.name && aws_lb_target_group.this.name == var.name && aws_autoscaling_group.this.name == var.name && aws_launch_template.this.name == var.name
    error_message = "A name is not the environment's."
  }
  assert {
    condition = alltrue([for name in [aws_iam_role.instance.name, aws_iam_instance_profile.instance.name, aws_security_group.load_balancer.name, aws_security_group.instances.name, aws_autoscaling_policy.cpu.name] :
    startswith(name, "${var.name}-")])
    error_message = "A name does not begin with the environment's and a hyphen."
  }
}
