locals {
  balancing = { for kind in ["loadbalancer/app", "targetgroup", "listener/app"] :
    kind => "${local.arn.elasticloadbalancing}:${kind}/${local.name}/*"
  }
  group = "${local.arn.autoscaling}:autoScalingGroup:*:autoScalingGroupName/${local.name}"

  compute = [
    {
      Sid       = "MakeTemplates"
      Effect    = "Allow"
      Action    = "ec2:CreateLaunchTemplate"
      Resource  = "${local.arn.ec2}:launch-template/*"
      Condition = local.requested
    },
    {
      Sid       = "MakeInstances"
      Effect    = "Allow"
      Action    = "ec2:RunInstances"
      Resource  = ["${local.arn.ec2}:instance/*", "${local.arn.ec2}:volume/*"]
      Condition = local.requested
    },
    {
      # What an instance is made of and lies in. Images are public ones; its interface is made with it and cannot be tagged.
      Sid    = "RunIn"
      Effect = "Allow"
      Action = "ec2:RunInstances"
      Resource = concat(
        ["arn:${local.p}:ec2:${local.region}::image/*"],
        ["${local.arn.ec2}:network-interface/*"],
      )
    },
    {
      Sid       = "RunInOwn"
      Effect    = "Allow"
      Action    = "ec2:RunInstances"
      Resource  = [for type in ["launch-template", "security-group", "subnet"] : "${local.arn.ec2}:${type}/*"]
      Condition = local.owned
    },
    {
      Sid    = "ChangeInstances"
      Effect = "Allow"
      Action = [
        "ec2:CreateLaunchTemplateVersion",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteVolume",
        "ec2:ModifyInstanceAttribute",
        "ec2:ModifyLaunchTemplate",
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:TerminateInstances",
      ]
      Resource  = "${local.arn.ec2}:*"
      Condition = local.owned
    },
    {
      Sid    = "MakeBalancing"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup",
      ]
      Resource  = values(local.balancing)
      Condition = local.requested
    },
    {
      Sid    = "ChangeBalancing"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:RemoveTags",
      ]
      Resource  = values(local.balancing)
      Condition = local.owned
    },
    {
      Sid       = "MakeGroups"
      Effect    = "Allow"
      Action    = ["autoscaling:CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags"]
      Resource  = local.group
      Condition = local.requested
    },
    {
      Sid    = "ChangeGroups"
      Effect = "Allow"
      Action = [
        "autoscaling:CancelInstanceRefresh",
        "autoscaling:CreateOrUpdateTags",
        "autoscaling:DeleteAutoScalingGroup",
        "autoscaling:DeletePolicy",
        "autoscaling:DeleteTags",
        "autoscaling:PutScalingPolicy",
        "autoscaling:StartInstanceRefresh",
        "autoscaling:UpdateAutoScalingGroup",
      ]
      Resource  = local.group
      Condition = local.owned
    },
  ]
}
