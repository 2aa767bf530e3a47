locals {
  p       = var.account.partition
  account = var.account.id
  region  = var.account.region

  # Of this account and region alone; a service's ARNs all begin with this.
  arn = { for service in ["autoscaling", "ec2", "elasticloadbalancing", "kms", "logs", "rds", "secretsmanager"] :
    service => "arn:${local.p}:${service}:${local.region}:${local.account}"
  }
  iam = "arn:${local.p}:iam::${local.account}"

  # Every name of an environment is this, or begins with it. The roles made here have a path, which no name can hold.
  name = "${var.project}-pr-*"

  requested = { StringEquals = { "aws:RequestTag/envctl:project" = var.project } }
  owned     = { StringEquals = { "aws:ResourceTag/envctl:project" = var.project } }

  managed_policy_arn = "arn:${local.p}:iam::aws:policy/AmazonSSMManagedInstanceCore"

  document = { for name, statements in merge(local.shared, local.changing) :
    name => jsonencode({ Version = "2012-10-17", Statement = statements })
  }

  # Each of a kind of its own, which is why these are tuples and stay so.
  shared = {
    look       = local.look
    state-read = local.state_read
  }
  changing = {
    state    = local.state_write
    network  = local.network
    compute  = local.compute
    database = local.database
    identity = local.identity
  }
}
