"""The whole story under IAM: an account is bootstrapped, and the roles do their work with what their policies allow.

The local AWS asks for each call what AWS would ask (orchestrator/sandbox/needs.py): resources, condition keys and
permissions boundaries included. What only AWS itself needs, or another run, stands in unseen_actions.toml.
"""

from __future__ import annotations

import json
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import inventory
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import World

COMMIT, PUSHED = "a" * 40, "b" * 40
IDS = ("--owner-id", "1001", "--repository-id", "2002")
UNSEEN = tomllib.loads((Path(__file__).parent / "unseen_actions.toml").read_text())["unseen"]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the local AWS notes what it was asked: before `world`, because it is told when it starts."""
    path = tmp_path / "calls.jsonl"
    monkeypatch.setenv("SANDBOX_CALLS", str(path))
    return path


@contextmanager
def enforced(world: World) -> Iterator[None]:
    """Let identity policies count; outside of it everybody may do everything."""

    def after(calls: str) -> None:
        url = world.environ["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth"
        urllib.request.urlopen(urllib.request.Request(url, calls.encode(), {"Content-Type": "text/plain"}))

    after("0")
    try:
        yield
    finally:
        after("inf")


def taken(role: str) -> dict[str, str]:
    """Return the credentials that a job gets for GitHub's token."""
    found = boto3.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="job", WebIdentityToken="of-a-job"
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


def acting(world: World, credentials: dict[str, str]) -> World:
    return replace(world, environ=world.environ | credentials)


def clients(world: World, credentials: dict[str, str]) -> Callable[[str], Any]:
    names = dict(
        zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), credentials.values(), strict=True)
    )
    session: Any = boto3.Session(region_name="us-east-1", **names)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
    return lambda service: session.client(service, endpoint_url=world.environ["AWS_ENDPOINT_URL"], config=config)


def allowed_to(role: str) -> set[str]:
    """Return every action that the role's attached policies allow, as they stand in the account."""
    iam, found = boto3.client("iam"), set()
    for attached in iam.list_attached_role_policies(RoleName=role.rpartition("/")[2])["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        for statement in document["Statement"]:
            actions = statement["Action"]
            found |= set(actions if isinstance(actions, list) else [actions])
    return found


def refused(call: Callable[..., Any], **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "UnauthorizedOperation")
    return False


def test_the_roles_do_their_work_and_nothing_else(calls: Path, world: World) -> None:
    outputs = world.run("bootstrap", *IDS, "--yes")["outputs"]
    roles = {name: taken(arn) for name, arn in outputs["role_arns"].items()}
    world.environ["ENVCTL_TERRAFORM__PERMISSIONS_BOUNDARY_ARN"] = outputs["permissions_boundary_arn"]
    foreign = boto3.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    before = world.account()
    leave_a_volume()

    with enforced(world):
        plan, preview = acting(world, roles["plan"]), acting(world, roles["preview"])
        assert plan.run("plan", "--pr", "4")["changes"]["add"] > 40
        denied = plan.run("up", "--pr", "4", "--yes", expected=3)
        assert denied["error"]["code"] == "credentials"

        assert plan.run("doctor")["ok"]
        assert preview.run("doctor")["ok"]
        assert preview.run("up", "--pr", "4", "--commit", COMMIT, "--yes")["environment"]["status"] == "ready"
        again = preview.run("up", "--pr", "4", "--commit", COMMIT, "--yes")
        assert not any(again["changes"].values()), again["resources"]
        assert preview.run("up", "--pr", "4", "--commit", PUSHED, "--yes")["ok"]

        aws = clients(world, roles["preview"])
        # Production is restored from and never changed, whatever else is allowed.
        assert refused(aws("rds").delete_db_cluster, DBClusterIdentifier="shop-prod", SkipFinalSnapshot=True)
        assert refused(aws("rds").stop_db_cluster, DBClusterIdentifier="shop-prod")
        # What is not tagged as the project's is not its to use or delete.
        assert refused(aws("ec2").delete_vpc, VpcId=foreign)
        assert refused(aws("ec2").create_subnet, VpcId=foreign, CidrBlock="10.9.1.0/24")
        assert refused(aws("ec2").create_vpc, CidrBlock="10.8.0.0/16")
        # No role can be made that could do more than its maker, nor one's own be changed.
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        tags = [{"Key": "envctl:project", "Value": "shop"}]
        unbound = {"RoleName": "shop-pr-4-x", "AssumeRolePolicyDocument": trust, "Tags": tags}
        assert refused(aws("iam").create_role, **unbound)
        assert refused(aws("iam").delete_role, RoleName="shop-preview")
        # The bootstrap's own state is out of reach.
        assert refused(aws("s3").put_object, Bucket=outputs["bucket"], Key="bootstrap/terraform.tfstate", Body=b"")

        destroyed = preview.run("destroy", "--pr", "4", "--yes")
        assert destroyed["left"] == []

    left = inventory.difference(before, world.account())
    assert not left, f"not as before:\n{left}"
    judge(calls, allowed_to(outputs["role_arns"]["preview"]))


def leave_a_volume() -> None:
    """A disk of the environment that its instance has lost: no state knows it, the sweep deletes it."""
    names = {"project": "shop", "repository": "acme/shop", "environment": "shop-pr-4"}
    tags = [{"Key": f"envctl:{name}", "Value": value} for name, value in names.items()]
    boto3.client("ec2").create_volume(
        AvailabilityZone="us-east-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )


def judge(calls: Path, allowed: set[str]) -> None:
    """Hold every allowed action against what was asked for and granted."""
    noted = [json.loads(line) for line in calls.read_text().splitlines()]
    seen = {each["action"] for each in noted if each["allowed"] and ":assumed-role/shop-preview/" in each["who"]}
    unexplained = sorted(allowed - seen - UNSEEN.keys())
    assert not unexplained, f"allowed, not seen and not explained in unseen_actions.toml: {unexplained}"
    stale = sorted(UNSEEN.keys() & seen)
    assert not stale, f"explained in unseen_actions.toml as not seen, but they were: {stale}"
    unknown = sorted(UNSEEN.keys() - allowed)
    assert not unknown, f"explained in unseen_actions.toml, but not allowed: {unknown}"
