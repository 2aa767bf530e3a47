locals {
  role    = "${local.iam}:role/${local.name}"
  profile = "${local.iam}:instance-profile/${local.name}"
  policy  = "${local.iam}:policy/${local.name}"
  secret  = "${local.arn.secretsmanager}:secret:${local.name}"
  logs    = "${local.arn.logs}:log-group:/aws/rds/*/${local.name}"

  # The services that make a role of their own in an account where they are used for the first time.
  linked = ["autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com", "rds.amazonaws.com"]

  identity = [
    {
      # Whoever may make roles may make himself one: these can do no more than their boundary.
      Sid      = "MakeRoles"
      Effect   = "Allow"
      Action   = "iam:CreateRole"
      Resource = local.role
      Condition = { StringEquals = {
        "aws:RequestTag/envctl:project" = var.project
        "iam:PermissionsBoundary"       = var.boundary_arn
      } }
    },
    {
      # An environment from before there was a boundary takes it on with its next `up`.
      Sid      = "BindRoles"
      Effect   = "Allow"
      Action   = "iam:PutRolePermissionsBoundary"
      Resource = local.role
      Condition = { StringEquals = {
        "aws:ResourceTag/envctl:project" = var.project
        "iam:PermissionsBoundary"        = var.boundary_arn
      } }
    },
    {
      Sid       = "Make"
      Effect    = "Allow"
      Action    = ["iam:CreateInstanceProfile", "iam:TagInstanceProfile", "iam:TagRole"]
      Resource  = [local.role, local.profile]
      Condition = local.requested
    },
    {
      Sid    = "Change"
      Effect = "Allow"
      Action = [
        "iam:AddRoleToInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:DeletePolicy",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:PutRolePolicy",
        "iam:RemoveRoleFromInstanceProfile",
      ]
      Resource  = [local.role, local.profile, local.policy]
      Condition = local.owned
    },
    {
      Sid      = "Attach"
      Effect   = "Allow"
      Action   = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
      Resource = local.role
      Condition = { StringEquals = {
        "aws:ResourceTag/envctl:project" = var.project
        "iam:PolicyARN"                  = local.managed_policy_arn
      } }
    },
    {
      # IAM does not look at tags when a role is passed.
      Sid       = "Pass"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = local.role
      Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
    },
    {
      Sid       = "ServiceRoles"
      Effect    = "Allow"
      Action    = "iam:CreateServiceLinkedRole"
      Resource  = [for service in local.linked : "${local.iam}:role/aws-service-role/${service}/*"]
      Condition = { StringEquals = { "iam:AWSServiceName" = local.linked } }
    },
    {
      Sid       = "MakeLogs"
      Effect    = "Allow"
      Action    = ["logs:CreateLogGroup", "logs:TagResource"]
      Resource  = local.logs
      Condition = local.requested
    },
    {
      Sid       = "ChangeLogs"
      Effect    = "Allow"
      Action    = ["logs:DeleteLogGroup", "logs:PutRetentionPolicy"]
      Resource  = local.logs
      Condition = local.owned
    },
    {
      Sid       = "MakeSecrets"
      Effect    = "Allow"
      Action    = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
      Resource  = local.secret
      Condition = local.requested
    },
    {
      Sid       = "ChangeSecrets"
      Effect    = "Allow"
      Action    = ["secretsmanager:DeleteSecret", "secretsmanager:PutSecretValue"]
      Resource  = local.secret
      Condition = local.owned
    },
    {
      # RDS makes the secret of a managed master password in the caller's name. Only RDS can use such names.
      Sid      = "ManagedPasswords"
      Effect   = "Allow"
      Action   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
      Resource = "${local.arn.secretsmanager}:secret:rds!*"
    },
    {
      Sid      = "ManagedPasswordKey"
      Effect   = "Allow"
      Action   = "kms:DescribeKey"
      Resource = "${local.arn.kms}:key/*"
    },
    {
      # A team's own tags may change; those that permissions hang on may not.
      Sid    = "Retag"
      Effect = "Allow"
      Action = [
        "iam:TagInstanceProfile",
        "iam:TagRole",
        "iam:UntagInstanceProfile",
        "iam:UntagRole",
        "logs:TagResource",
        "logs:UntagResource",
        "secretsmanager:TagResource",
        "secretsmanager:UntagResource",
      ]
      Resource = [local.role, local.profile, local.logs, local.secret]
      Condition = merge(local.owned, {
        "ForAllValues:StringNotLike" = { "aws:TagKeys" = "envctl:*" }
      })
    },
    {
      # Of a target-tracking policy that lost its group, or of a root of a team's own.
      Sid       = "Alarms"
      Effect    = "Allow"
      Action    = "cloudwatch:DeleteAlarms"
      Resource  = "arn:${local.p}:cloudwatch:${local.region}:${local.account}:alarm:*${local.name}"
      Condition = local.owned
    },
  ]
}
