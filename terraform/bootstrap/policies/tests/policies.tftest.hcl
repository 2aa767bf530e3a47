variables {
  project = "shop"
  account = { id = "123456789012", region = "eu-north-1" }
  github = {
    repository     = "acme/shop"
    owner_id       = "1001"
    repository_id  = "2002"
    default_branch = "main"
    provider_arn   = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }
  state        = { bucket = "acme-preview-state", prefix = "environments", key_arn = "arn:aws:kms:eu-north-1:123456789012:key/1" }
  production   = { source = "shop-prod" }
  boundary_arn = "arn:aws:iam::123456789012:policy/envctl/shop-instances"
}

run "fits_into_what_iam_takes" {
  command = plan

  variables {
    project = "internal1-ab"
    account = { id = "123456789012", region = "ap-southeast-4", partition = "aws-us-gov" }
    github = {
      repository     = "an-organisation-with-a-name-of-39-letter/a-repository-with-a-name-of-one-hundred-characters-which-is-all-that-github-allows-for-one-of-them"
      owner_id       = "1234567890"
      repository_id  = "1234567890"
      default_branch = "a-default-branch-with-a-long-name"
      provider_arn   = "arn:aws-us-gov:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
    production = {
      source       = "production-database-with-a-name-of-sixty-three-characters-12345"
      account_id   = "210987654321"
      kms_key_arns = [for n in range(5) : "arn:aws-us-gov:kms:ap-southeast-4:210987654321:key/mrk-0123456789abcdef0123456789abcde${n}"]
    }
  }

  # IAM counts no white space, and jsonencode writes none (IAM user guide, "IAM and AWS STS quotas").
  assert {
    condition     = alltrue([for text in concat(values(output.documents), [output.boundary, output.instance_boundary]) : length(text) <= 6144])
    error_message = "A managed policy is longer than 6,144 characters."
  }
  assert {
    condition     = alltrue([for topics in values(output.roles) : length(topics) <= 10])
    error_message = "A role has more than 10 managed policies."
  }
  assert {
    condition     = alltrue([for text in values(output.trust) : length(text) <= 2048])
    error_message = "A trust policy is longer than 2,048 characters."
  }
}

run "plan_only_looks" {
  command = plan

  assert {
    condition     = toset(output.roles.plan) == toset(["look", "state-read"])
    error_message = "The role plan does more than look."
  }
  assert {
    condition = alltrue(flatten([for topic in output.roles.plan : [for statement in jsondecode(output.documents[topic]).Statement : [
      for action in flatten([statement.Action]) : can(regex("^[a-z0-9]+:(Describe|List|Get|Decrypt)", action))
    ]]]))
    error_message = "The role plan has an action that is no look."
  }
}

run "no_wildcards" {
  command = plan

  assert {
    condition     = alltrue(flatten([for text in values(output.documents) : [for statement in jsondecode(text).Statement : [for action in flatten([statement.Action]) : !strcontains(action, "*")]]]))
    error_message = "An action is not written out."
  }
  assert {
    condition     = alltrue([for text in values(output.trust) : !strcontains(text, "*")])
    error_message = "Trust has a wildcard."
  }
}

run "a_source_that_begins_like_the_project_does_not_bar_its_environments" {
  command = plan

  variables {
    production = { source = "shop" }
  }

  assert {
    condition     = !strcontains(output.boundary, ":cluster:shop-*\"") && strcontains(output.boundary, ":cluster:shop\"")
    error_message = "Production's barring reaches the environments, or not production."
  }
}

run "archives_are_read_from_named_buckets_only" {
  command = plan

  assert {
    condition     = !strcontains(output.instance_boundary, "s3:")
    error_message = "Instances may read buckets that nobody named."
  }
}
