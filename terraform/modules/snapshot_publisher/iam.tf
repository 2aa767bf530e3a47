data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  rds = "arn:${data.aws_partition.current.partition}:rds:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
}

resource "aws_iam_role" "this" {
  name = var.name

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

# Production is only read: this role can neither restore, copy, share nor delete anything of RDS.
resource "aws_iam_role_policy" "this" {
  name = "publish"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "LookAtSnapshots"
        Effect = "Allow"
        Action = ["rds:DescribeDBClusterSnapshots", "rds:DescribeDBSnapshots", "rds:ListTagsForResource"]
        # A listing is held against the database it is about, a single snapshot against itself.
        Resource = [
          "${local.rds}:cluster:${lower(var.source_identifier)}",
          "${local.rds}:db:${lower(var.source_identifier)}",
          "${local.rds}:cluster-snapshot:*",
          "${local.rds}:snapshot:*",
        ]
      },
      {
        Sid      = "Announce"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:PutParameter"]
        Resource = aws_ssm_parameter.this.arn
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this.arn}:*"
      },
      {
        Sid      = "LeaveWhatFailed"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.dead_letters.arn
      },
    ]
  })
}
