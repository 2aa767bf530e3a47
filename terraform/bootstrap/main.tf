module "policies" {
  source = "./policies"

  project = var.project

  account = {
    partition = data.aws_partition.current.partition
    id        = data.aws_caller_identity.current.account_id
    region    = var.region
  }

  github       = merge(var.github, { provider_arn = local.provider_arn })
  state        = { bucket = var.bucket, prefix = var.state_prefix, key_arn = aws_kms_key.state.arn }
  production   = var.production
  boundary_arn = local.instance_boundary_arn
}

locals {
  # No environment's name has a slash: with this path, nothing that is made here matches a name that the roles may change.
  path = "/envctl/"

  # Written and not referred to, because the policies that name it are its neighbours.
  instance_boundary_arn = "${local.policies_arn}${var.project}-instances"
  policies_arn          = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy${local.path}"

  provider_arn = var.github.provider_arn == null ? aws_iam_openid_connect_provider.github[0].arn : var.github.provider_arn
}

# One for each account: a second project uses the first one's.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github.provider_arn == null ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_policy" "instance_boundary" {
  name        = "${var.project}-instances"
  path        = local.path
  description = "The most that a role of one of ${var.project}'s environments can do."
  policy      = module.policies.instance_boundary
}

resource "aws_iam_policy" "boundary" {
  name        = "${var.project}-workflows"
  path        = local.path
  description = "The most that a role of ${var.project}'s workflows can do."
  policy      = module.policies.boundary
}

resource "aws_iam_policy" "topic" {
  for_each = module.policies.documents

  name   = "${var.project}-${each.key}"
  path   = local.path
  policy = each.value
}

resource "aws_iam_role" "workflow" {
  for_each = module.policies.trust

  name                 = "${var.project}-${each.key}"
  path                 = local.path
  description          = "Taken by GitHub's jobs of ${var.github.repository}."
  assume_role_policy   = each.value
  permissions_boundary = aws_iam_policy.boundary.arn
  max_session_duration = var.max_session_hours * 3600
}

resource "aws_iam_role_policy_attachment" "workflow" {
  for_each = merge([for role, topics in module.policies.roles : { for topic in topics : "${role}/${topic}" => { role = role, topic = topic } }]...)

  role       = aws_iam_role.workflow[each.value.role].name
  policy_arn = aws_iam_policy.topic[each.value.topic].arn
}
