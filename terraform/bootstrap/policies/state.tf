locals {
  bucket_arn = "arn:${local.p}:s3:::${var.state.bucket}"
  # Only what belongs to this repository: neither another one's environments nor the state of the bootstrap itself.
  objects = "${local.bucket_arn}/${var.state.prefix}/${var.github.repository}/*"

  state_read = [
    {
      # Without this on the whole bucket, S3 answers 403 instead of 404 for an object that is not there.
      Sid      = "Bucket"
      Effect   = "Allow"
      Action   = ["s3:GetBucketVersioning", "s3:ListBucket"]
      Resource = local.bucket_arn
    },
    {
      # A version, because the code that was applied is kept as one and the record names it.
      Sid      = "Read"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = local.objects
    },
    {
      Sid       = "Decrypt"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = var.state.key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
    },
  ]

  state_write = [
    {
      Sid       = "Versions"
      Effect    = "Allow"
      Action    = "s3:ListBucketVersions"
      Resource  = local.bucket_arn
      Condition = { StringLike = { "s3:prefix" = "${var.state.prefix}/${var.github.repository}/*" } }
    },
    {
      # What is gone is gone with all its versions.
      Sid      = "Write"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"]
      Resource = local.objects
    },
    {
      Sid       = "Encrypt"
      Effect    = "Allow"
      Action    = "kms:GenerateDataKey"
      Resource  = var.state.key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
    },
  ]
}
