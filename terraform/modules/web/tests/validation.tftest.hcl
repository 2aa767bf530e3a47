mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name               = "shop-pr-42"
  vpc_id             = "vpc-0123456789abcdef0"
  public_subnet_ids  = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
  private_subnet_ids = ["subnet-1000000000000000a", "subnet-1000000000000000b"]
}

run "refuses_a_name_longer_than_load_balancers_allow_for" {
  command = plan
  variables {
    name = "abcdefghijklm-pr-1234567890"
  }
  expect_failures = [var.name]
}

run "refuses_the_prefix_of_internal_load_balancers" {
  command = plan
  variables {
    name = "internal-pr-1"
  }
  expect_failures = [var.name]
}

run "refuses_a_maximum_below_the_minimum" {
  command = plan
  variables {
    web = { min_size = 5 }
  }
  expect_failures = [var.web]
}

run "refuses_half_instances" {
  command = plan
  variables {
    web = { min_size = 1.5 }
  }
  expect_failures = [var.web]
}

run "refuses_an_impossible_target" {
  command = plan
  variables {
    web = { cpu_target = 101 }
  }
  expect_failures = [var.web]
}

run "refuses_an_unknown_placement" {
  command = plan
  variables {
    web = { placement = "edge" }
  }
  expect_failures = [var.web]
}

run "refuses_configuration_in_the_health_path" {
  command = plan
  variables {
    web = { health_check_path = "/ { return 200; } #" }
  }
  expect_failures = [var.web]
}

run "refuses_shell_in_the_artifact" {
  command = plan
  variables {
    web = { artifact = "s3://bucket/$(reboot).tar.gz" }
  }
  expect_failures = [var.web]
}

run "refuses_an_artifact_that_is_no_archive" {
  command = plan
  variables {
    web = { artifact = "s3://bucket/site.zip" }
  }
  expect_failures = [var.web]
}

run "refuses_what_is_no_certificate" {
  command = plan
  variables {
    web = { certificate_arn = "preview.example.com" }
  }
  expect_failures = [var.web]
}

run "refuses_what_is_no_image" {
  command = plan
  variables {
    web = { ami = "amazon-linux" }
  }
  expect_failures = [var.web]
}
