# Who may take a role: jobs of exactly this repository. GitHub writes `repo:owner/name:...` or, for repositories created,
# renamed or transferred after 2026-07-15, `repo:owner@id/name@id:...`; both are named in full. The number stays when a
# name changes hands, and a new owner of the name has another one.
locals {
  owner      = split("/", var.github.repository)[0]
  repository = split("/", var.github.repository)[1]
  prefixes = [
    "repo:${var.github.repository}",
    "repo:${local.owner}@${var.github.owner_id}/${local.repository}@${var.github.repository_id}",
  ]

  # A job on `pull_request` runs the pull request's own workflow. `pull_request_target`, `issue_comment`, `schedule` and
  # `workflow_dispatch` run the default branch's. A fork's job gets no token at all.
  events = {
    pull_request   = "pull_request"
    default_branch = "ref:refs/heads/${var.github.default_branch}"
  }
  takes = {
    preview = ["pull_request", "default_branch"]
    reaper  = ["default_branch"]
    plan    = ["pull_request", "default_branch"]
  }

  trust = { for role, events in local.takes : role => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.github.provider_arn }
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud"           = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:repository_id" = var.github.repository_id
        "token.actions.githubusercontent.com:sub"           = [for pair in setproduct(local.prefixes, events) : "${pair[0]}:${local.events[pair[1]]}"]
      } }
    }]
  }) }
}
