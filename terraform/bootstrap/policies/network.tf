# EC2 knows its resources by ids that nobody can foretell, so tags decide: what is made must be given the project's tag,
# and what is used, changed or deleted must carry it. Both conditions of one call fall on different resources: a new
# subnet is tagged in the request, the VPC that it lies in was tagged before.
locals {
  # What each call makes. One statement for each: together, a tag in the request for a new subnet would also open somebody
  # else's VPC to it.
  makes = {
    AllocateAddress               = "elastic-ip"
    AuthorizeSecurityGroupEgress  = "security-group-rule"
    AuthorizeSecurityGroupIngress = "security-group-rule"
    CreateInternetGateway         = "internet-gateway"
    CreateNatGateway              = "natgateway"
    CreateRouteTable              = "route-table"
    CreateSecurityGroup           = "security-group"
    CreateSubnet                  = "subnet"
    CreateVpc                     = "vpc"
    CreateVpcEndpoint             = "vpc-endpoint"
  }

  network = concat([for action, type in local.makes : {
    Effect    = "Allow"
    Action    = "ec2:${action}"
    Resource  = "${local.arn.ec2}:${type}/*"
    Condition = local.requested
    }], [
    {
      Sid    = "Change"
      Effect = "Allow"
      Action = [
        "ec2:AssociateAddress",
        "ec2:AssociateRouteTable",
        "ec2:AttachInternetGateway",
        "ec2:CreateNatGateway",
        "ec2:CreateRoute",
        "ec2:CreateRouteTable",
        "ec2:CreateSecurityGroup",
        "ec2:CreateSubnet",
        "ec2:CreateVpcEndpoint",
        "ec2:DeleteInternetGateway",
        "ec2:DeleteNatGateway",
        "ec2:DeleteNetworkAcl",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteRoute",
        "ec2:DeleteRouteTable",
        "ec2:DeleteSubnet",
        "ec2:DeleteVpc",
        "ec2:DeleteVpcEndpoints",
        "ec2:DetachInternetGateway",
        "ec2:DetachNetworkInterface",
        "ec2:DisassociateAddress",
        "ec2:DisassociateRouteTable",
        "ec2:ModifySubnetAttribute",
        "ec2:ModifyVpcAttribute",
        "ec2:ReleaseAddress",
        "ec2:ReplaceRoute",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
      ]
      Resource  = "${local.arn.ec2}:*"
      Condition = local.owned
    },
    {
      # A group that was adopted (below) can be closed, but neither opened nor deleted.
      Sid    = "OpenOrDeleteGroups"
      Effect = "Allow"
      Action = [
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup",
      ]
      Resource = "${local.arn.ec2}:security-group/*"
      Condition = merge(local.owned, {
        StringNotLike = { "aws:ResourceTag/Name" = "*-closed" }
      })
    },
    {
      # The rules that a VPC's default group is born with have no tags. The group itself is asked about as well.
      Sid      = "CloseGroups"
      Effect   = "Allow"
      Action   = ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"]
      Resource = "${local.arn.ec2}:security-group-rule/*"
    },
    {
      Sid      = "TagWhatIsMade"
      Effect   = "Allow"
      Action   = "ec2:CreateTags"
      Resource = "${local.arn.ec2}:*"
      Condition = {
        StringEquals = {
          "aws:RequestTag/envctl:project" = var.project
          "ec2:CreateAction"              = concat(keys(local.makes), ["CreateLaunchTemplate", "RunInstances"])
        }
      }
    },
    {
      # A VPC's default security group is made by AWS, without tags; the network module adopts it to close it.
      Sid      = "AdoptDefaultGroups"
      Effect   = "Allow"
      Action   = "ec2:CreateTags"
      Resource = "${local.arn.ec2}:security-group/*"
      Condition = {
        Null         = { "aws:ResourceTag/envctl:project" = "true" }
        StringEquals = { "aws:RequestTag/envctl:project" = var.project }
        StringLike   = { "aws:RequestTag/Name" = "${local.name}-closed" }
      }
    },
    {
      # A team's own tags may change; those that permissions hang on may not.
      Sid      = "Retag"
      Effect   = "Allow"
      Action   = ["ec2:CreateTags", "ec2:DeleteTags"]
      Resource = "${local.arn.ec2}:*"
      Condition = merge(local.owned, {
        "ForAllValues:StringNotLike" = { "aws:TagKeys" = ["envctl:*", "Name"] }
      })
    },
  ])
}
