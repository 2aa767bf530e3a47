mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "ami-0aaaaaaaaaaaaaaaa" }
  }
  # A mock invents computed values; these are what AWS answers when nothing is asked for.
  mock_resource "aws_instance" {
    defaults = { key_name = "" }
  }
  mock_resource "aws_security_group" {
    defaults = { ingress = [] }
  }
}

variables {
  name      = "shop-pr-42"
  vpc_id    = "vpc-0123456789abcdef0"
  subnet_id = "subnet-1000000000000000a"
}

run "bounded_where_a_boundary_is_given" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/envctl/shop-instances"
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/envctl/shop-instances"
    error_message = "The role has no boundary."
  }
}

run "no_way_in_but_session_manager" {
  command = apply

  assert {
    condition     = length(aws_security_group.this.ingress) == 0
    error_message = "The bastion has an open port."
  }
  assert {
    condition     = aws_instance.this.key_name == ""
    error_message = "The bastion has a key pair."
  }
  assert {
    condition     = endswith(aws_iam_role_policy_attachment.session_manager.policy_arn, ":iam::aws:policy/AmazonSSMManagedInstanceCore") && aws_iam_role_policy_attachment.session_manager.role == aws_iam_role.this.name
    error_message = "Session Manager does not reach the bastion."
  }
  assert {
    condition     = toset(aws_instance.this.vpc_security_group_ids) == toset([aws_security_group.this.id])
    error_message = "The bastion has other security groups than its own."
  }
}

run "hardened" {
  command = plan

  assert {
    condition     = aws_instance.this.metadata_options[0].http_tokens == "required"
    error_message = "The bastion answers to IMDSv1."
  }
  assert {
    condition     = aws_instance.this.root_block_device[0].encrypted && aws_instance.this.root_block_device[0].delete_on_termination
    error_message = "The disk is not encrypted, or stays."
  }
  assert {
    condition     = aws_instance.this.instance_type == "t4g.nano" && endswith(data.aws_ssm_parameter.ami.name, "-arm64")
    error_message = "The default is not a t4g.nano with an arm64 image."
  }
  assert {
    condition     = alltrue([for name in [aws_iam_role.this.name, aws_iam_instance_profile.this.name, aws_security_group.this.name] : name == "shop-pr-42-bastion"])
    error_message = "A name is not the environment's with -bastion."
  }
}

run "private_needs_no_address" {
  command = plan

  assert {
    condition     = length(aws_eip.this) == 0
    error_message = "An address is paid for behind a NAT gateway."
  }
}

run "public_has_an_address" {
  command = apply

  variables {
    public_address = true
  }

  assert {
    condition     = aws_eip.this[0].instance == aws_instance.this.id
    error_message = "Without an address, Session Manager does not reach a bastion in a public subnet."
  }
}

run "x86_gets_its_own_image" {
  command = plan

  variables {
    bastion = { instance_type = "t3.nano" }
  }

  assert {
    condition     = endswith(data.aws_ssm_parameter.ami.name, "-x86_64")
    error_message = "An x86 instance does not boot an arm64 image."
  }
}

run "refuses_what_is_no_type" {
  command = plan
  variables {
    bastion = { instance_type = "small" }
  }
  expect_failures = [var.bastion]
}
