# Only a parameter of the advanced tier can be shared; those it is shared with read it by its ARN.
resource "aws_ram_resource_share" "this" {
  count = local.shared ? 1 : 0

  name                      = var.name
  allow_external_principals = var.share_outside_organization
}

resource "aws_ram_resource_association" "this" {
  count = local.shared ? 1 : 0

  resource_share_arn = aws_ram_resource_share.this[0].arn
  resource_arn       = aws_ssm_parameter.this.arn
}

resource "aws_ram_principal_association" "this" {
  for_each = var.share_with

  resource_share_arn = aws_ram_resource_share.this[0].arn
  principal          = each.value
}
