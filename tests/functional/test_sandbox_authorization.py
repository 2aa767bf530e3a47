"""The local AWS under IAM: resources, tags and boundaries count, and what was asked is noted."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from orchestrator.sandbox import control

ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
}
SHOP = {"Key": "envctl:project", "Value": "shop"}
Clients = Callable[[str], Any]


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("noted") / "calls.jsonl"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, noted: Path) -> Iterator[control.Sandbox]:
    directory = tmp_path_factory.mktemp("authorization")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDBOX_CALLS", str(noted))
        started = control.start(directory)
    yield started
    control.stop(directory)


def clients(sandbox: control.Sandbox, *credentials: str) -> Clients:
    session: Any = boto3.Session(*credentials, region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
    return lambda service: session.client(service, endpoint_url=sandbox.endpoint, config=config)


@pytest.fixture(scope="module")
def anybody(sandbox: control.Sandbox) -> Clients:
    return clients(sandbox, "sandbox", "sandbox")


@pytest.fixture
def role(sandbox: control.Sandbox, anybody: Clients) -> Iterator[Callable[..., Clients]]:
    """Make a role of statements, take it, and enforce from then on until the test ends."""

    def enforce(calls: bytes) -> None:
        headers = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(f"{sandbox.endpoint}/moto-api/reset-auth", calls, headers))

    def make(*statements: dict[str, Any], boundary: str = "") -> Clients:
        iam, name = anybody("iam"), f"tested-{id(statements)}"
        bounded = {"PermissionsBoundary": boundary} if boundary else {}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ASSUME), **bounded)["Role"]["Arn"]
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Resource": "*", **s} for s in statements],
        }
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        found = anybody("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        enforce(b"0")
        return clients(sandbox, found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    yield make
    enforce(b"inf")


def may(call: Callable[..., Any], **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def tagged(kind: str, *tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": list(tags)}]


def test_tags_in_the_request_and_on_the_resource(role: Callable[..., Clients], anybody: Clients) -> None:
    foreign = anybody("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    own = anybody("ec2").create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tagged("vpc", SHOP))["Vpc"]["VpcId"]
    ec2 = role(
        {"Action": "ec2:CreateVpc", "Condition": {"StringEquals": {"aws:RequestTag/envctl:project": "shop"}}},
        {"Action": "ec2:DeleteVpc", "Condition": {"StringEquals": {"aws:ResourceTag/envctl:project": "shop"}}},
        {"Action": "ec2:CreateTags", "Condition": {"StringEquals": {"ec2:CreateAction": "CreateVpc"}}},
    )("ec2")
    assert not may(ec2.create_vpc, CidrBlock="10.2.0.0/16")
    assert may(ec2.create_vpc, CidrBlock="10.2.0.0/16", TagSpecifications=tagged("vpc", SHOP))
    assert not may(ec2.create_tags, Resources=[foreign], Tags=[SHOP])
    assert not may(ec2.delete_vpc, VpcId=foreign)
    assert may(ec2.delete_vpc, VpcId=own)
    assert not may(ec2.describe_vpcs)


def test_resources_by_name(role: Callable[..., Clients], anybody: Clients) -> None:
    for name in ("shop-pr-1-web", "other"):
        anybody("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ASSUME))
    iam = role({"Action": ["iam:DeleteRole", "iam:GetRole"], "Resource": "arn:aws:iam::*:role/shop-pr-*"})("iam")
    assert may(iam.get_role, RoleName="shop-pr-1-web")
    assert may(iam.delete_role, RoleName="shop-pr-1-web")
    assert not may(iam.delete_role, RoleName="other")


def test_a_boundary_bounds(role: Callable[..., Clients], anybody: Clients) -> None:
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}
    made = anybody("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(allow))["Policy"]["Arn"]
    taken = role({"Action": "*"}, boundary=made)
    assert may(taken("ec2").describe_vpcs)
    assert not may(taken("ec2").create_vpc, CidrBlock="10.1.0.0/16")
    assert may(taken("sts").get_caller_identity)


def test_every_object_of_a_bulk_deletion_is_asked_about(role: Callable[..., Clients], anybody: Clients) -> None:
    anybody("s3").create_bucket(Bucket="asked")
    for key in ("own/a", "other/b"):
        anybody("s3").put_object(Bucket="asked", Key=key, Body=b"x")
    s3 = role({"Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::asked/own/*"})("s3")
    assert may(s3.delete_object, Bucket="asked", Key="own/none")
    assert not may(s3.delete_object, Bucket="asked", Key="other/b")


def test_a_bucket_that_wants_tls_answers(anybody: Clients) -> None:
    """moto alone ignores the condition and refuses everybody, once the policy is there."""
    s3 = anybody("s3")
    s3.create_bucket(Bucket="tls-only")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::tls-only/*"}
    condition = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(
        Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny | condition]})
    )
    assert may(s3.put_object, Bucket="tls-only", Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    with pytest.raises(ClientError):
        s3.get_object(Bucket="tls-only", Key="k")


def test_what_was_asked_is_noted(role: Callable[..., Clients], noted: Path) -> None:
    ec2 = role({"Action": "ec2:DescribeVpcs"})("ec2")
    may(ec2.describe_vpcs)
    may(ec2.create_vpc, CidrBlock="10.1.0.0/16")
    lines = [json.loads(line) for line in noted.read_text().splitlines()][-2:]
    assert [(line["action"], line["allowed"]) for line in lines] == [
        ("ec2:DescribeVpcs", True),
        ("ec2:CreateVpc", False),
    ]
    assert ":assumed-role/tested-" in lines[0]["who"]
