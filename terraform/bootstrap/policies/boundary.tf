# The most that a role can ever do, whatever is attached to it later.
locals {
  # Production's own database. Snapshots may be restored from, which asks about the snapshot and the new database only.
  source_family = startswith("${var.project}-pr-", "${var.production.source}-") ? [] : ["${var.production.source}-*"]
  production_arns = flatten([for name in concat([var.production.source], local.source_family) : [
    "${local.arn.rds}:cluster:${name}",
    "${local.arn.rds}:db:${name}",
    "${local.arn.rds}:cluster-snapshot:${name}",
    "${local.arn.rds}:cluster-snapshot:rds:${name}",
    "${local.arn.rds}:snapshot:${name}",
    "${local.arn.rds}:snapshot:rds:${name}",
  ]])

  # Of the roles that workflows take.
  boundary = [
    {
      Sid    = "Services"
      Effect = "Allow"
      Action = [
        "autoscaling:*",
        "cloudwatch:*",
        "ec2:*",
        "elasticloadbalancing:*",
        "kms:*",
        "logs:*",
        "rds:*",
        "secretsmanager:*",
        "servicequotas:Get*",
        "servicequotas:List*",
        "ssm:GetParameter*",
        "sts:GetCallerIdentity",
      ]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = local.region } }
    },
    {
      Sid      = "State"
      Effect   = "Allow"
      Action   = "s3:*"
      Resource = [local.bucket_arn, local.objects]
    },
    {
      Sid    = "Roles"
      Effect = "Allow"
      Action = "iam:*"
      Resource = concat(
        [local.role, local.profile, local.policy],
        [for service in local.linked : "${local.iam}:role/aws-service-role/${service}/*"],
      )
    },
    {
      Sid      = "LookAtRoles"
      Effect   = "Allow"
      Action   = ["iam:GetAccountSummary", "iam:List*"]
      Resource = "*"
    },
    {
      # No role without the environments' own boundary, none that outgrows it, and none that others than EC2 may take.
      Sid       = "NoUnboundRoles"
      Effect    = "Deny"
      Action    = ["iam:CreateRole", "iam:PutRolePermissionsBoundary"]
      Resource  = "*"
      Condition = { StringNotEquals = { "iam:PermissionsBoundary" = var.boundary_arn } }
    },
    {
      Sid      = "NoLooserRoles"
      Effect   = "Deny"
      Action   = ["iam:DeleteRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"]
      Resource = "*"
    },
    {
      Sid       = "ProductionIsRead"
      Effect    = "Deny"
      NotAction = ["rds:Describe*", "rds:ListTagsForResource", "rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBInstanceFromDBSnapshot"]
      Resource  = local.production_arns
    },
    {
      Sid      = "StateIsPrivate"
      Effect   = "Deny"
      Action   = ["s3:DeleteBucket*", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"]
      Resource = local.bucket_arn
    },
  ]

  # Of the roles that environments make for their instances: Session Manager, and the archives of the site.
  instances = concat(
    [
      {
        Sid    = "SessionManager"
        Effect = "Allow"
        Action = [
          "ec2messages:*",
          "ssm:DescribeAssociation",
          "ssm:DescribeDocument",
          "ssm:GetDeployablePatchSnapshotForInstance",
          "ssm:GetDocument",
          "ssm:GetManifest",
          "ssm:ListAssociations",
          "ssm:ListInstanceAssociations",
          "ssm:PutComplianceItems",
          "ssm:PutConfigurePackageResult",
          "ssm:PutInventory",
          "ssm:UpdateAssociationStatus",
          "ssm:UpdateInstanceAssociationStatus",
          "ssm:UpdateInstanceInformation",
          "ssmmessages:*",
        ]
        Resource = "*"
      },
    ],
    [for buckets in [var.production.artifact_buckets] : {
      Sid      = "Archives"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = [for bucket in buckets : "arn:${local.p}:s3:::${bucket}/*"]
    } if length(buckets) > 0],
  )
}
