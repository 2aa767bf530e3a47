"""An account is prepared by the real Terraform; a run that was killed before its state was saved is carried on."""

from __future__ import annotations

import boto3
from conftest import World

IDS = ("--owner-id", "1001", "--repository-id", "2002", "--bucket", "acme-new-state", "--yes")
STATE = {"Bucket": "acme-new-state", "Key": "bootstrap/terraform.tfstate"}


def test_a_lost_state_is_made_anew_from_what_is_there(world: World) -> None:
    first = world.run("bootstrap", *IDS)
    assert first["changes"]["add"] > 30
    again = world.run("bootstrap", *IDS)
    assert not any(again["changes"].values()), again["resources"]
    assert again["outputs"] == first["outputs"]

    s3 = boto3.client("s3")
    assert s3.get_bucket_encryption(Bucket=STATE["Bucket"])["ServerSideEncryptionConfiguration"]["Rules"][0][
        "ApplyServerSideEncryptionByDefault"
    ] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": first["outputs"]["key_arn"]}
    s3.delete_object(**STATE)

    carried_on = world.run("bootstrap", *IDS)
    made = {r["type"] for r in carried_on["resources"] if r["action"] == "create"}
    # What has a name is taken over; what only sets something of it is set again.
    assert not made & {
        "aws_s3_bucket",
        "aws_kms_key",
        "aws_iam_role",
        "aws_iam_policy",
        "aws_iam_openid_connect_provider",
    }
    assert carried_on["outputs"] == first["outputs"]
    assert not any(world.run("bootstrap", *IDS)["changes"].values())
