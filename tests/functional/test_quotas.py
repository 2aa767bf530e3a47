"""Before the first resource of an environment is made, the account is asked whether there is room for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from github_server import GitHubServer
from world import Account, Envctl, FakeTerraform

from orchestrator import quotas
from orchestrator.aws import quotas as account_quotas
from orchestrator.aws.session import Session
from orchestrator.quotas import Standing


@pytest.fixture
def root(envctl: Envctl) -> Path:
    """A root that uses envctl's network, as far as anyone can read."""
    root = envctl.directory / "terraform" / "env" / "main.tf"
    root.write_text('terraform {\n  backend "s3" {}\n}\nmodule "network" {\n  source = "../modules/network"\n}\n')
    return root


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server


def fill(account: Account, room: int = 0) -> None:
    """Leave room for that many VPCs; every account has one from birth."""
    for number in range(4 - room):
        account.client("ec2").create_vpc(CidrBlock=f"10.{number}.0.0/16")


@pytest.mark.usefixtures("root")
def test_a_full_account_is_told_before_anything_is_made(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    fill(account)
    before = account.versions()
    refused = envctl("up", "--pr", "42", "--yes", "--json")
    assert refused.code == 7
    assert "VPCs per Region: 5 of 5 used, 1 more needed" in refused.json["error"]["message"]
    assert "--quota-code L-F678F1CE" in refused.json["error"]["hint"]
    assert "apply" not in terraform.commands
    assert [key for key, _ in account.versions() if not key.endswith(".tflock")] == [key for key, _ in before]


@pytest.mark.usefixtures("root")
def test_what_is_there_already_is_not_asked_for(envctl: Envctl, account: Account) -> None:
    fill(account, room=1)
    assert envctl("up", "--pr", "42", "--yes", "-q").code == 0
    account.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")
    assert envctl("up", "--pr", "42", "--commit", "c" * 40, "--yes", "-q").code == 0


def test_a_root_of_the_teams_own_is_not_guessed_at(envctl: Envctl, account: Account) -> None:
    fill(account)
    assert envctl("up", "--pr", "42", "--yes", "-q").code == 0


@pytest.mark.usefixtures("root")
def test_a_sync_waits_for_room(envctl: Envctl, account: Account, github: GitHubServer) -> None:
    fill(account)
    number = github.open_pr().number
    result = envctl("sync", "--pr", str(number), "--yes", "--json")
    assert (result.code, result.json["decisions"][0]["action"]) == (0, "wait")
    assert "VPCs per Region: 5 of 5 used" in github.comments_on(number)[0].body
    vpcs = account.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    account.client("ec2").delete_vpc(VpcId=vpcs[0]["VpcId"])
    result = envctl("sync", "--pr", str(number), "--yes", "--json")
    assert (result.code, result.json["decisions"][0]["action"]) == (0, "create")


@pytest.mark.usefixtures("root")
def test_a_sync_of_all_queues_by_quota_the_oldest_first(envctl: Envctl, account: Account, github: GitHubServer) -> None:
    """However many run at once: each of them, asking for itself, would see the same room."""
    fill(account, room=2)
    first, second, third = (github.open_pr().number for _ in range(3))
    result = envctl("sync", "--all", "--yes", "--json", "--parallel", "3")
    done = [(each["environment"]["pr"], each["action"]) for each in result.json["decisions"]]
    assert (result.code, done) == (0, [(first, "create"), (second, "create"), (third, "wait")])
    assert "VPCs per Region: 3 of 5 used, 3 more needed" in github.comments_on(third)[0].body


def test_gateways_that_are_being_deleted_count_in_their_zone(account: Account) -> None:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for number, zone in enumerate("abb"):
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.create_nat_gateway(SubnetId=subnet["Subnet"]["SubnetId"], AllocationId=address)
    session = Session("us-east-1", clients(account))
    one, _ = account_quotas.standings(session, 1)
    both, unknown = account_quotas.standings(session, 2)
    assert (one[quotas.NAT_GATEWAYS], both[quotas.NAT_GATEWAYS]) == (Standing(5, 1), Standing(5, 2))
    assert both[quotas.ADDRESSES] == Standing(5, 3)
    assert unknown == ()


def test_each_service_is_asked_for_its_own(account: Account) -> None:
    elb, iam, scaling, ec2 = (account.client(service) for service in ("elbv2", "iam", "autoscaling", "ec2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    for kind in ("application", "network"):  # the latter has a quota of its own
        elb.create_load_balancer(Name=kind, Type=kind, Subnets=subnets)
    scaling.create_launch_configuration(LaunchConfigurationName="x", ImageId="ami-12c6146b", InstanceType="t3.micro")
    size = {"MinSize": 0, "MaxSize": 0, "VPCZoneIdentifier": subnets[0]}
    scaling.create_auto_scaling_group(AutoScalingGroupName="x", LaunchConfigurationName="x", **size)
    iam.create_role(RoleName="x", AssumeRolePolicyDocument="{}")
    account.database("shop-pr-1")
    found, unknown = account_quotas.standings(Session("us-east-1", clients(account)), 0)
    used = {quota: standing.used for quota, standing in found.items()}
    assert used[quotas.LOAD_BALANCERS] == used[quotas.SCALING_GROUPS] == used[quotas.ROLES] == 1
    assert used[quotas.DB_CLUSTERS] == 2  # production lies here as well
    assert used[quotas.DB_INSTANCES] == 0
    assert unknown == ()


def test_what_may_not_be_asked_is_told_and_not_taken_for_a_fact(account: Account) -> None:
    fill(account)
    session = Session("us-east-1", clients(account, denied=("service-quotas", "iam")))
    found, unknown = account_quotas.standings(session, 1)
    assert found[quotas.VPCS] == Standing(5, 5, assumed=True)
    assert quotas.ROLES not in found
    assert found[quotas.DB_INSTANCES] == Standing(40, 0)
    assert "AccessDenied" in unknown[0]
    assert "did not tell the limit of EC2-VPC Elastic IPs, Gateway" in unknown[1]


def clients(account: Account, denied: tuple[str, ...] = ()) -> Any:
    """Clients of the emulator, some of which are refused everything."""

    def make(service: str) -> Any:
        if service not in denied:
            return account.client(service)
        client = boto3.Session("testing", "testing", region_name="us-east-1").client(service)  # type: ignore[call-overload]
        client.meta.events.register(f"before-call.{service}", deny)
        return client

    def deny(model: Any, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Not allowed"}}, model.name)

    return make
