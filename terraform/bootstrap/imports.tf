# What is in the state already is not imported again.

import {
  for_each = toset(var.adopt.bucket ? [var.bucket] : [])

  to = aws_s3_bucket.state
  id = each.value
}

import {
  for_each = toset(compact([var.adopt.key_id]))

  to = aws_kms_key.state
  id = each.value
}

import {
  for_each = toset(compact([var.adopt.provider_arn]))

  to = aws_iam_openid_connect_provider.github[0]
  id = each.value
}

import {
  for_each = var.adopt.roles

  to = aws_iam_role.workflow[each.value]
  id = "${var.project}-${each.value}"
}

import {
  for_each = setsubtract(var.adopt.policies, ["workflows", "instances"])

  to = aws_iam_policy.topic[each.value]
  id = "${local.policies_arn}${var.project}-${each.value}"
}

import {
  for_each = setintersection(var.adopt.policies, ["workflows"])

  to = aws_iam_policy.boundary
  id = "${local.policies_arn}${var.project}-${each.value}"
}

import {
  for_each = setintersection(var.adopt.policies, ["instances"])

  to = aws_iam_policy.instance_boundary
  id = "${local.policies_arn}${var.project}-${each.value}"
}
