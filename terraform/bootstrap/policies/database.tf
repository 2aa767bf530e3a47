locals {
  databases = [for kind in ["cluster", "cluster-pg", "db", "pg", "subgrp"] : "${local.arn.rds}:${kind}:${local.name}"]
  # Snapshots are restored from, and nothing else: of this account, or of production's when it shares them.
  snapshots = flatten([for account in compact(distinct([local.account, var.production.account_id])) : [
    "arn:${local.p}:rds:${local.region}:${account}:cluster-snapshot:*",
    "arn:${local.p}:rds:${local.region}:${account}:snapshot:*",
  ]])

  database = concat(
    [
      {
        Sid    = "Make"
        Effect = "Allow"
        Action = [
          "rds:AddTagsToResource",
          "rds:CreateDBInstance",
          "rds:CreateDBInstanceReadReplica",
          "rds:CreateDBSubnetGroup",
          "rds:RestoreDBClusterFromSnapshot",
          "rds:RestoreDBInstanceFromDBSnapshot",
        ]
        Resource  = local.databases
        Condition = local.requested
      },
      {
        Sid      = "RestoreFrom"
        Effect   = "Allow"
        Action   = ["rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBInstanceFromDBSnapshot"]
        Resource = local.snapshots
      },
      {
        Sid    = "UseDefaults"
        Effect = "Allow"
        Action = [
          "rds:CreateDBInstance",
          "rds:CreateDBInstanceReadReplica",
          "rds:ModifyDBCluster",
          "rds:ModifyDBInstance",
          "rds:RestoreDBClusterFromSnapshot",
          "rds:RestoreDBInstanceFromDBSnapshot",
        ]
        Resource = ["${local.arn.rds}:cluster-pg:default.*", "${local.arn.rds}:og:default:*", "${local.arn.rds}:pg:default.*"]
      },
      {
        Sid    = "Change"
        Effect = "Allow"
        Action = [
          "rds:AddTagsToResource",
          "rds:CreateDBInstance",
          "rds:CreateDBInstanceReadReplica",
          "rds:DeleteDBCluster",
          "rds:DeleteDBClusterParameterGroup",
          "rds:DeleteDBInstance",
          "rds:DeleteDBParameterGroup",
          "rds:DeleteDBSubnetGroup",
          "rds:ModifyDBCluster",
          "rds:ModifyDBInstance",
          "rds:ModifyDBSubnetGroup",
          "rds:RemoveTagsFromResource",
          "rds:RestoreDBClusterFromSnapshot",
          "rds:RestoreDBInstanceFromDBSnapshot",
          "rds:StartDBCluster",
          "rds:StartDBInstance",
          "rds:StopDBCluster",
          "rds:StopDBInstance",
        ]
        Resource  = local.databases
        Condition = local.owned
      },
    ],
    [for keys in [var.production.kms_key_arns] : {
      # A restored copy stays under its snapshot's key, which RDS uses in the caller's name.
      Sid    = "Keys"
      Effect = "Allow"
      Action = [
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
      ]
      Resource  = keys
      Condition = { StringEquals = { "kms:ViaService" = "rds.${local.region}.amazonaws.com" } }
    } if length(keys) > 0],
  )
}
