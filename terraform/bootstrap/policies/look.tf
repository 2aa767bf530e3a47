# What Terraform reads and what `destroy` asks before it says that nothing is left. Most services cannot narrow a listing
# to resources: reading is allowed by name of the action, each one written out.
locals {
  # By name it is of this account; by ARN of production's, which shares it.
  parameter = (
    startswith(var.production.parameter, "arn:") ? [var.production.parameter] :
    var.production.parameter == "" ? [] :
    ["arn:${local.p}:ssm:${local.region}:${local.account}:parameter/${trimprefix(var.production.parameter, "/")}"]
  )

  look = [
    {
      Sid    = "Describe"
      Effect = "Allow"
      Action = [
        "autoscaling:DescribeAccountLimits",
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeInstanceRefreshes",
        "autoscaling:DescribePolicies",
        "autoscaling:DescribeScalingActivities",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:ListTagsForResource",
        "ec2:DescribeAddresses",
        "ec2:DescribeAddressesAttribute",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeInstanceCreditSpecifications",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribeNatGateways",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribePrefixLists",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
        "ec2:DescribeVolumes",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "elasticloadbalancing:DescribeAccountLimits",
        "elasticloadbalancing:DescribeCapacityReservation",
        "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "iam:GetAccountSummary",
        "iam:ListInstanceProfiles",
        "iam:ListPolicies",
        "iam:ListRoles",
        "logs:DescribeLogGroups",
        "logs:ListTagsForResource",
        "rds:DescribeAccountAttributes",
        "rds:DescribeDBClusterParameterGroups",
        "rds:DescribeDBClusterSnapshots",
        "rds:DescribeDBClusters",
        "rds:DescribeDBEngineVersions",
        "rds:DescribeDBInstances",
        "rds:DescribeDBMajorEngineVersions",
        "rds:DescribeDBParameterGroups",
        "rds:DescribeDBSnapshots",
        "rds:DescribeDBSubnetGroups",
        "rds:DescribeGlobalClusters",
        "rds:DescribeOrderableDBInstanceOptions",
        "rds:ListTagsForResource",
        "secretsmanager:GetRandomPassword",
        "secretsmanager:ListSecrets",
        "servicequotas:GetServiceQuota",
        "sts:GetCallerIdentity",
      ]
      Resource = "*"
    },
    {
      Sid    = "Roles"
      Effect = "Allow"
      Action = [
        "iam:GetInstanceProfile",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:ListPolicyTags",
        "iam:ListRolePolicies",
        "iam:ListRoleTags",
      ]
      Resource = ["${local.iam}:role/${local.name}", "${local.iam}:instance-profile/${local.name}", "${local.iam}:policy/${local.name}"]
    },
    {
      Sid    = "Secrets"
      Effect = "Allow"
      # Terraform reads the one password that it makes (an RDS instance with replicas) to see whether it changed.
      Action = [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "secretsmanager:GetSecretValue",
      ]
      Resource = "${local.arn.secretsmanager}:secret:${local.name}"
    },
    {
      Sid      = "ImagesAndSnapshot"
      Effect   = "Allow"
      Action   = "ssm:GetParameter"
      Resource = concat(["arn:${local.p}:ssm:${local.region}::parameter/aws/service/ami-amazon-linux-latest/*"], local.parameter)
    },
  ]
}
