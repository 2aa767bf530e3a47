"""The documents of the bootstrap as Terraform writes them, held against requests that must pass and that must not."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from providers import cli_config

from orchestrator import toolchain
from orchestrator.lifecycle.bootstrap import POLICIES, ROLES
from orchestrator.sandbox.policies import Document, Request, permitted

CHECKOUT = Path(__file__).parents[2]
SOURCE = CHECKOUT / "terraform" / "bootstrap" / "policies"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
BOUNDARY = "arn:aws:iam::123456789012:policy/envctl/shop-instances"
VALUES = {
    "project": "shop",
    "account": {"id": "123456789012", "region": "eu-north-1"},
    "github": {
        "repository": "acme/shop",
        "owner_id": "1001",
        "repository_id": "2002",
        "default_branch": "main",
        "provider_arn": PROVIDER,
    },
    "state": {"bucket": "state", "prefix": "environments", "key_arn": "arn:aws:kms:eu-north-1:123456789012:key/1"},
    "production": {"source": "shop-prod", "artifact_buckets": ["sites"], "parameter": "/envctl/shop-prod"},
    "boundary_arn": BOUNDARY,
}
EC2, RDS = "arn:aws:ec2:eu-north-1:123456789012", "arn:aws:rds:eu-north-1:123456789012"
IAM, LOGS = "arn:aws:iam::123456789012", "arn:aws:logs:eu-north-1:123456789012"
ASG = "arn:aws:autoscaling:eu-north-1:123456789012:autoScalingGroup:u:autoScalingGroupName"
ELB = "arn:aws:elasticloadbalancing:eu-north-1:123456789012"


class Documents:
    """What the module puts out: nothing is applied, it has no resources."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.by_topic = {name: json.loads(text) for name, text in outputs["documents"]["value"].items()}
        self.roles: dict[str, list[str]] = outputs["roles"]["value"]
        self.trust = {name: json.loads(text) for name, text in outputs["trust"]["value"].items()}
        self.boundary: Document = json.loads(outputs["boundary"]["value"])
        self.instance_boundary: Document = json.loads(outputs["instance_boundary"]["value"])

    def may(self, role: str, action: str, resource: str, context: dict[str, Any]) -> bool:
        policies = [self.by_topic[topic] for topic in self.roles[role]]
        where = {"aws:RequestedRegion": "us-east-1" if action.startswith("iam:") else "eu-north-1"}
        return permitted(policies, Request(action, resource, {**where, **context}), self.boundary)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    directory = tmp_path_factory.mktemp("policies")
    for file in SOURCE.glob("*.tf"):
        (directory / file.name).write_text(file.read_text())
    (directory / "terraform.tfvars.json").write_text(json.dumps(VALUES))
    environ = {**os.environ, **cli_config(directory, directory), "CHECKPOINT_DISABLE": "1"}
    command = toolchain.find(os.environ).command

    def terraform(*arguments: str) -> str:
        found = subprocess.run([*command, *arguments], cwd=directory, env=environ, capture_output=True, text=True)
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    terraform("init", "-input=false", "-no-color")
    terraform("apply", "-auto-approve", "-input=false", "-no-color")
    return Documents(json.loads(terraform("output", "-json")))


def test_the_orchestrator_knows_all_roles_and_policies_by_name(documents: Documents) -> None:
    """It finds those of a run that was killed by their names."""
    assert documents.roles.keys() == documents.trust.keys() == ROLES
    assert {*documents.by_topic, "workflows", "instances"} == POLICIES


# --- Who may take a role ---------------------------------------------------------------------------

OLD, NEW = "repo:acme/shop", "repo:acme@1001/shop@2002"
CLAIMS = {"aud": "sts.amazonaws.com", "sub": f"{OLD}:ref:refs/heads/main", "repository_id": "2002"}


@pytest.mark.parametrize(
    ("changed", "roles"),
    [
        ({}, {"preview", "reaper", "plan"}),
        ({"sub": f"{NEW}:ref:refs/heads/main"}, {"preview", "reaper", "plan"}),
        ({"sub": f"{OLD}:pull_request"}, {"preview", "plan"}),
        ({"sub": f"{NEW}:pull_request"}, {"preview", "plan"}),
        # Other branches, tags and environments of the repository.
        ({"sub": f"{OLD}:ref:refs/heads/feature"}, set()),
        ({"sub": f"{OLD}:ref:refs/heads/main2"}, set()),
        ({"sub": f"{OLD}:ref:refs/tags/main"}, set()),
        ({"sub": f"{OLD}:environment:main"}, set()),
        # A fork, and names that only look like the repository.
        ({"sub": "repo:mallory/shop:pull_request", "repository_id": "6666"}, set()),
        ({"sub": "repo:acme/shop-2:pull_request"}, set()),
        ({"sub": "repo:acme/Shop:pull_request"}, set()),
        ({"sub": "repo:evil/acme/shop:pull_request"}, set()),
        # The name in other hands, in either format.
        ({"sub": f"{OLD}:pull_request", "repository_id": "6666"}, set()),
        ({"sub": "repo:acme@6666/shop@2002:pull_request"}, set()),
        ({"sub": "repo:acme@1001/shop@6666:pull_request"}, set()),
        # A token for somebody else, or one that says too little.
        ({"aud": "https://github.com/acme"}, set()),
        ({"aud": None}, set()),
        ({"sub": None}, set()),
        ({"repository_id": None}, set()),
    ],
)
def test_who_may_take_which_role(documents: Documents, changed: dict[str, str | None], roles: set[str]) -> None:
    claims = {k: v for k, v in {**CLAIMS, **changed}.items() if v is not None}
    context = {f"token.actions.githubusercontent.com:{name}": value for name, value in claims.items()}
    request = Request("sts:AssumeRoleWithWebIdentity", context=context, principal=PROVIDER)
    assert {name for name, trust in documents.trust.items() if permitted([trust], request)} == roles


def test_nobody_else_may_take_a_role(documents: Documents) -> None:
    context = {f"token.actions.githubusercontent.com:{name}": value for name, value in CLAIMS.items()}
    for principal in (None, "arn:aws:iam::123456789012:root", PROVIDER.replace("githubusercontent", "gitlab")):
        request = Request("sts:AssumeRoleWithWebIdentity", context=context, principal=principal)
        assert not any(permitted([trust], request) for trust in documents.trust.values())
    plain = Request("sts:AssumeRole", context=context, principal=PROVIDER)
    assert not any(permitted([trust], plain) for trust in documents.trust.values())


# --- What the role preview may do ------------------------------------------------------------------

OURS, OTHERS = {"aws:ResourceTag/envctl:project": "shop"}, {"aws:ResourceTag/envctl:project": "billing"}
MADE, WRONGLY = {"aws:RequestTag/envctl:project": "shop"}, {"aws:RequestTag/envctl:project": "billing"}
CHANGES = [
    ("ec2:DeleteVpc", f"{EC2}:vpc/vpc-1"),
    ("ec2:CreateSubnet", f"{EC2}:vpc/vpc-1"),
    ("ec2:TerminateInstances", f"{EC2}:instance/i-1"),
    ("ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-1"),
    ("ec2:RevokeSecurityGroupIngress", f"{EC2}:security-group/sg-1"),
    ("ec2:DeleteSecurityGroup", f"{EC2}:security-group/sg-1"),
    ("ec2:RunInstances", f"{EC2}:subnet/subnet-1"),
    ("ec2:ReleaseAddress", f"{EC2}:elastic-ip/eipalloc-1"),
    ("rds:DeleteDBCluster", f"{RDS}:cluster:shop-pr-4"),
    ("rds:ModifyDBInstance", f"{RDS}:db:shop-pr-4"),
    ("rds:StopDBCluster", f"{RDS}:cluster:shop-pr-4"),
    ("autoscaling:UpdateAutoScalingGroup", f"{ASG}/shop-pr-4"),
    ("elasticloadbalancing:DeleteLoadBalancer", f"{ELB}:loadbalancer/app/shop-pr-4/1"),
    ("iam:DeleteRole", f"{IAM}:role/shop-pr-4-web"),
    ("iam:PutRolePolicy", f"{IAM}:role/shop-pr-4-web"),
    ("logs:DeleteLogGroup", f"{LOGS}:log-group:/aws/rds/cluster/shop-pr-4/error"),
]
CREATIONS = [
    ("ec2:CreateVpc", f"{EC2}:vpc/*"),
    ("ec2:CreateSubnet", f"{EC2}:subnet/*"),
    ("ec2:RunInstances", f"{EC2}:instance/*"),
    ("ec2:RunInstances", f"{EC2}:volume/*"),
    ("rds:RestoreDBClusterFromSnapshot", f"{RDS}:cluster:shop-pr-4"),
    ("rds:CreateDBInstance", f"{RDS}:db:shop-pr-4-0"),
    ("autoscaling:CreateAutoScalingGroup", f"{ASG}/shop-pr-4"),
    ("elasticloadbalancing:CreateLoadBalancer", f"{ELB}:loadbalancer/app/shop-pr-4/*"),
    ("iam:CreateInstanceProfile", f"{IAM}:instance-profile/shop-pr-4-web"),
    ("logs:CreateLogGroup", f"{LOGS}:log-group:/aws/rds/cluster/shop-pr-4/error"),
]


@pytest.mark.parametrize(("action", "resource"), CHANGES, ids=lambda value: value.rpartition(":")[2])
def test_only_what_carries_the_tag_is_changed(documents: Documents, action: str, resource: str) -> None:
    assert documents.may("preview", action, resource, OURS)
    assert documents.may("reaper", action, resource, OURS)
    assert not documents.may("plan", action, resource, OURS)
    for context in ({}, OTHERS, MADE):
        assert not documents.may("preview", action, resource, context)


@pytest.mark.parametrize(("action", "resource"), CREATIONS, ids=lambda value: value.rpartition(":")[2])
def test_only_with_the_tag_is_anything_made(documents: Documents, action: str, resource: str) -> None:
    assert documents.may("preview", action, resource, MADE)
    assert not documents.may("plan", action, resource, MADE)
    for context in ({}, WRONGLY):
        assert not documents.may("preview", action, resource, context)


@pytest.mark.parametrize(
    "resource",
    [
        f"{RDS}:cluster:billing-pr-4",
        f"{RDS}:cluster:shop-prod",
        RDS.replace("eu-north-1", "us-east-1") + ":cluster:shop-pr-4",
        RDS.replace("123456789012", "210987654321") + ":cluster:shop-pr-4",
    ],
)
def test_the_tag_alone_is_not_enough_where_there_are_names(documents: Documents, resource: str) -> None:
    for action, context in (("rds:DeleteDBCluster", OURS), ("rds:RestoreDBClusterFromSnapshot", MADE)):
        assert not documents.may("preview", action, resource, context)


def test_production_is_read_whatever_is_attached_later(documents: Documents) -> None:
    anything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    where = {"aws:RequestedRegion": "eu-north-1"}

    def may(action: str, resource: str) -> bool:
        return permitted([anything], Request(action, resource, {**where, **OURS}), documents.boundary)

    for resource in (f"{RDS}:cluster:shop-prod", f"{RDS}:db:shop-prod-1", f"{RDS}:cluster-snapshot:rds:shop-prod-2026"):
        assert may("rds:DescribeDBClusters", resource)
        for action in ("DeleteDBCluster", "ModifyDBCluster", "DeleteDBClusterSnapshot", "AddTagsToResource"):
            assert not may(f"rds:{action}", resource)
    assert may("rds:RestoreDBClusterFromSnapshot", f"{RDS}:cluster-snapshot:rds:shop-prod-2026")
    assert may("rds:DeleteDBCluster", f"{RDS}:cluster:shop-pr-4")
    # Nor is any other region, another project's environment or a person touched.
    assert not permitted(
        [anything], Request("ec2:RunInstances", "*", {"aws:RequestedRegion": "us-east-1"}), documents.boundary
    )
    assert not may("iam:CreateUser", f"{IAM}:user/mallory")
    assert not may("iam:PutRolePolicy", f"{IAM}:role/envctl/shop-preview")
    assert not may("s3:GetObject", "arn:aws:s3:::production-data/x")
    assert not may("s3:PutBucketPolicy", "arn:aws:s3:::state")


def test_roles_that_are_made_are_bounded(documents: Documents) -> None:
    role, bound = f"{IAM}:role/shop-pr-4-web", {"iam:PermissionsBoundary": BOUNDARY}
    assert documents.may("preview", "iam:CreateRole", role, {**MADE, **bound})
    assert not documents.may("preview", "iam:CreateRole", role, MADE)
    assert not documents.may("preview", "iam:CreateRole", role, {**MADE, "iam:PermissionsBoundary": f"{IAM}:policy/x"})
    assert not documents.may("preview", "iam:CreateRole", f"{IAM}:role/admin", {**MADE, **bound})
    assert not documents.may("preview", "iam:DeleteRolePermissionsBoundary", role, OURS)
    assert not documents.may("preview", "iam:UpdateAssumeRolePolicy", role, OURS)
    managed = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}
    assert documents.may("preview", "iam:AttachRolePolicy", role, {**OURS, **managed})
    admin = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert not documents.may("preview", "iam:AttachRolePolicy", role, {**OURS, **admin})


def test_what_a_bounded_role_can_do_at_most(documents: Documents) -> None:
    anything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}

    def may(action: str, resource: str) -> bool:
        return permitted([anything], Request(action, resource), documents.instance_boundary)

    assert may("ssmmessages:OpenDataChannel", "*")
    assert may("s3:GetObject", "arn:aws:s3:::sites/shop.tar.gz")
    for action, resource in (
        ("s3:GetObject", "arn:aws:s3:::state/environments/acme/shop/pr-4/terraform.tfstate"),
        ("ssm:GetParameter", "arn:aws:ssm:eu-north-1:123456789012:parameter/production/password"),
        ("secretsmanager:GetSecretValue", "*"),
        ("iam:CreateUser", "*"),
        ("ec2:RunInstances", "*"),
    ):
        assert not may(action, resource)


@pytest.mark.parametrize(
    ("resource", "service", "expected"),
    [
        ("role/shop-pr-4-web", "ec2.amazonaws.com", True),
        ("role/shop-pr-4-web", "lambda.amazonaws.com", False),
        ("role/shop-pr-4-web", None, False),
        ("role/admin", "ec2.amazonaws.com", False),
        ("role/envctl/shop-preview", "ec2.amazonaws.com", False),
    ],
)
def test_roles_are_passed_to_instances_only(
    documents: Documents, resource: str, service: str | None, expected: bool
) -> None:
    context = {"iam:PassedToService": service} if service else {}
    assert documents.may("preview", "iam:PassRole", f"{IAM}:{resource}", context) is expected


def test_service_roles_are_those_of_three_services(documents: Documents) -> None:
    for service, expected in (("rds.amazonaws.com", True), ("ecs.amazonaws.com", False)):
        resource = f"{IAM}:role/aws-service-role/{service}/any"
        context = {"iam:AWSServiceName": service}
        assert documents.may("preview", "iam:CreateServiceLinkedRole", resource, context) is expected


def test_tags_are_given_at_birth_and_those_that_count_never_change(documents: Documents) -> None:
    vpc, group = f"{EC2}:vpc/vpc-1", f"{EC2}:security-group/sg-1"

    def may(resource: str, **context: Any) -> bool:
        return documents.may(
            "preview", "ec2:CreateTags", resource, {k.replace("__", ":"): v for k, v in context.items()}
        )

    assert documents.may("preview", "ec2:CreateTags", vpc, {**MADE, "ec2:CreateAction": "CreateVpc"})
    assert not documents.may("preview", "ec2:CreateTags", vpc, MADE), "somebody's VPC could be claimed"
    team = {"aws:TagKeys": ("team",), "aws:RequestTag/team": "blue"}
    assert documents.may("preview", "ec2:CreateTags", vpc, {**OURS, **team})
    assert not documents.may("preview", "ec2:CreateTags", vpc, team)
    for key in ("envctl:project", "envctl:environment", "Name"):
        changed = {"aws:TagKeys": (key, "team"), f"aws:RequestTag/{key}": "x"}
        assert not documents.may("preview", "ec2:CreateTags", vpc, {**OURS, **changed})
        assert not documents.may("preview", "ec2:DeleteTags", vpc, {**OURS, "aws:TagKeys": (key,)})
    # A VPC's default group may be adopted to close it, under a name by which it can neither be opened nor deleted.
    closed = {"aws:RequestTag/Name": "shop-pr-4-closed", "aws:TagKeys": ("envctl:project", "Name")}
    assert documents.may("preview", "ec2:CreateTags", group, {**MADE, **closed})
    assert not documents.may("preview", "ec2:CreateTags", group, {**MADE, **closed, **OTHERS})
    assert not documents.may("preview", "ec2:CreateTags", group, {**MADE, **closed, "aws:RequestTag/Name": "x"})
    adopted = {**OURS, "aws:ResourceTag/Name": "shop-pr-4-closed"}
    assert documents.may("preview", "ec2:RevokeSecurityGroupIngress", group, adopted)
    for action in ("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:DeleteSecurityGroup"):
        assert not documents.may("preview", action, group, adopted)


@pytest.mark.parametrize(
    ("action", "key", "roles"),
    [
        ("s3:GetObject", "environments/acme/shop/pr-4/terraform.tfstate", {"preview", "reaper", "plan"}),
        ("s3:PutObject", "environments/acme/shop/pr-4/manifest.json", {"preview", "reaper"}),
        ("s3:DeleteObjectVersion", "environments/acme/shop/pr-4/manifest.json", {"preview", "reaper"}),
        ("s3:GetObject", "environments/acme/shop-2/pr-4/terraform.tfstate", set()),
        ("s3:GetObject", "bootstrap/terraform.tfstate", set()),
        ("s3:PutObject", "bootstrap/terraform.tfstate", set()),
    ],
)
def test_the_repositorys_part_of_the_bucket(documents: Documents, action: str, key: str, roles: set[str]) -> None:
    resource = f"arn:aws:s3:::state/{key}"
    assert {role for role in documents.roles if documents.may(role, action, resource, {})} == roles


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (":123456789012:parameter/envctl/shop-prod", True),
        ("::parameter/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", True),
        (":123456789012:parameter/production/password", False),
    ],
)
def test_parameters_are_the_images_and_the_snapshots(documents: Documents, name: str, expected: bool) -> None:
    assert documents.may("plan", "ssm:GetParameter", f"arn:aws:ssm:eu-north-1{name}", {}) is expected
