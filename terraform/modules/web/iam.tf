data "aws_partition" "current" {}

resource "aws_iam_role" "instance" {
  name                 = "${var.name}-web"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })

  force_detach_policies = local.temporary.force_delete
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  role       = aws_iam_role.instance.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

# The managed policy above also allows every SSM parameter of the account to be read, production's secrets included.
resource "aws_iam_role_policy" "no_parameters" {
  name = "${var.name}-no-parameters"
  role = aws_iam_role.instance.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Deny"
      Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"]
      Resource = "*"
    }]
  })
}

# Exactly the one object, and nothing when there is none.
resource "aws_iam_role_policy" "artifact" {
  count = local.artifact_arn == null ? 0 : 1

  name = "${var.name}-artifact"
  role = aws_iam_role.instance.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = local.artifact_arn
    }]
  })
}

resource "aws_iam_instance_profile" "instance" {
  name = "${var.name}-web"
  role = aws_iam_role.instance.name
}
