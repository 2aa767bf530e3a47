"""What the next run makes of one that did not end well: its state, its code, and what it left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from chaos.proxy import Proxy
from chaos.rules import Rule, Rules
from world import (
    BUCKET,
    CLUSTER,
    LB,
    PREFIX,
    RESOURCES,
    TAGS,
    VPC,
    Account,
    Clock,
    Envctl,
    FakeTerraform,
    Result,
    context_with,
    database_gone,
    ended,
)

from orchestrator import manifest as manifests
from orchestrator.errors import EnvctlError
from orchestrator.events import Step
from orchestrator.lifecycle.context import Context
from orchestrator.lifecycle.up import UpOptions
from orchestrator.lifecycle.up import up as bring_up

LOCK = f"{PREFIX}pr-42/terraform.tfstate.tflock"
MANIFEST = f"{PREFIX}pr-42/manifest.json"
ERRORED = f"{PREFIX}pr-42/errored.tfstate"


def up(envctl: Envctl, *more: str) -> Result:
    return envctl("up", "--pr", "42", "--yes", *more)


def destroyed(envctl: Envctl, *more: str) -> Result:
    return envctl("destroy", "--pr", "42", "--yes", *more)


def killed_while_applying(envctl: Envctl, terraform: FakeTerraform) -> None:
    """Kill envctl and Terraform outright, with the lock held and no state written."""
    terraform.set(gate=CLUSTER)
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    process.kill()
    os.kill(terraform.pid, signal.SIGKILL)
    process.communicate()
    terraform.set(gate=None)


# --- A state that could not be saved ---------------------------------------------------------------


def test_an_apply_whose_state_was_saved_in_a_second_attempt_is_a_success(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(unsaved="once")
    result = up(envctl)
    assert (result.code, account.manifest().status) == (0, "ready")
    assert len(account.state()["resources"]) == 3
    assert ERRORED not in account.objects()
    assert account.manifest().outputs["database_endpoint"] == "shop-pr-42.cluster.local"


def test_an_apply_that_was_killed_when_all_was_saved_is_a_success(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(die_at="end")
    result = up(envctl)
    assert (result.code, account.manifest().status) == (0, "ready"), result.err
    assert account.manifest().outputs["database_endpoint"] == "shop-pr-42.cluster.local"


def test_until_it_is_saved_nothing_else_is_done_and_then_all_goes_on(
    envctl: Envctl, account: Account, terraform: FakeTerraform, tmp_path: Path
) -> None:
    terraform.set(unsaved="always")
    assert up(envctl).code == 4
    assert (ERRORED in account.objects(), account.manifest().status) == (True, "failed")
    elsewhere = envctl.elsewhere(tmp_path / "other")
    for command in ("plan", "up", "destroy"):
        yes = () if command == "plan" else ("--yes",)
        terraform.forget()
        result = ended(elsewhere.spawn(command, "--pr", "42", *yes))
        assert result.code == 4, command
        assert not {"apply", "destroy"} & set(terraform.commands)
    terraform.set(unsaved=None)
    # Any checkout can save it: it is in the bucket.
    result = ended(elsewhere.spawn("up", "--pr", "42", "--yes"))
    assert (result.code, account.manifest().status) == (0, "ready")
    assert (len(account.state()["resources"]), ERRORED in account.objects()) == (3, False)


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        ({"lineage": "another", "serial": 99}, "another lineage"),
        ({"serial": 0}, "older than the state"),
        (None, "cannot be read"),
    ],
)
def test_a_state_that_does_not_follow_the_present_one_is_for_a_person(
    envctl: Envctl, account: Account, terraform: FakeTerraform, kept: dict[str, object] | None, why: str
) -> None:
    up(envctl)
    account.snapshot(timedelta(minutes=5), "newer")
    body = json.loads(
        account.client("s3").get_object(Bucket=BUCKET, Key=f"{PREFIX}pr-42/terraform.tfstate")["Body"].read()
    )
    file = envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    unknown = {"mode": "managed", "type": "aws_vpc", "name": "x", "instances": [{"attributes": {"id": "vpc-new"}}]}
    file.write_text(json.dumps({**body, "resources": [unknown], **kept}) if kept is not None else "{")
    terraform.forget()

    def refused(*command: str) -> None:
        before = but_errored(account)
        result = envctl(*command, "--pr", "42")
        assert (result.code, why in result.err) == (4, True), (command, result.err)
        assert (file.exists(), but_errored(account)) == (True, before), command

    for command in (("up", "--yes"), ("destroy", "--yes"), ("pause",), ("refresh-data", "--yes")):
        refused(*command)
    paused = replace(account.manifest(), status="paused", paused_at=account.manifest().updated_at, paused_by="person")
    account.put(MANIFEST, manifests.render(paused))
    refused("resume")
    assert not {"apply", "destroy", "state"} & set(terraform.commands)


@pytest.mark.parametrize("command", ["up", "pause", "refresh-data", "resume", "destroy", "plan"])
def test_and_it_may_lie_in_the_bucket_alone_while_the_record_says_that_all_is_well(
    envctl: Envctl, account: Account, terraform: FakeTerraform, command: str
) -> None:
    up(envctl)
    account.snapshot(timedelta(minutes=5), "newer")
    terraform.change(LB)
    terraform.forget()
    unknown = {"mode": "managed", "type": "aws_vpc", "name": "x", "instances": [{"attributes": {"id": "vpc-new"}}]}
    account.put(ERRORED, json.dumps({"version": 4, "lineage": "another", "serial": 99, "resources": [unknown]}))
    if command == "resume":
        since = account.manifest().updated_at
        paused = replace(account.manifest(), status="paused", paused_at=since, paused_by="person")
        account.put(MANIFEST, manifests.render(paused))
    before = account.versions()
    result = envctl(command, "--pr", "42", *(("--yes",) if command in ("up", "refresh-data", "destroy") else ()))
    assert (result.code, "could not save its state" in result.err) == (4, True), result.err
    assert (account.versions(), {"apply", "destroy"} & set(terraform.commands)) == (before, set())


def but_errored(account: Account) -> list[tuple[str, str]]:
    return [version for version in account.versions() if version[0] != ERRORED]


def test_a_state_that_a_killed_run_could_not_save_is_found_before_the_account_is_compared_with_the_old_one(
    envctl: Envctl, doubtful: None, account: Account, terraform: FakeTerraform
) -> None:
    vpc, key = tagged_vpc(account), f"{PREFIX}pr-42/terraform.tfstate"
    body = json.loads(account.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    known = {"type": "aws_vpc", "id": vpc}
    terraform.set(resources={**RESOURCES, "aws_vpc.x": known})
    made = {"mode": "managed", "type": "aws_vpc", "name": "x", "address": "aws_vpc.x", "is": known}
    made["instances"] = [{"attributes": {"id": vpc, "tags": {"Name": "shop-pr-42"}}}]
    # envctl was killed, Terraform went on and left it where it ran.
    left = envctl.directory / "terraform" / "env" / "errored.tfstate"
    left.write_text(json.dumps({**body, "serial": body["serial"] + 1, "resources": [*body["resources"], made]}))
    result = up(envctl)
    assert (result.code, "left in no state" in result.err) == (0, False)
    assert "The state that could not be saved is saved" in result.err
    assert account.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert not left.exists()


# --- The code that was applied ---------------------------------------------------------------------


@pytest.fixture
def moved_on(envctl: Envctl, account: Account) -> Callable[[], Path]:
    """An environment whose checkout holds other code by now; return where its root module is."""
    assert up(envctl).code == 0
    root = envctl.directory / "terraform" / "env"
    (root / "main.tf").write_text("# another day\n")
    return lambda: root


def test_a_destroy_uses_the_code_that_was_applied(
    envctl: Envctl, moved_on: Callable[[], Path], terraform: FakeTerraform, account: Account
) -> None:
    terraform.forget()
    result = destroyed(envctl)
    assert (result.code, account.versions()) == (0, [])
    assert "the stored code is used" in result.err
    assert terraform.the("destroy").cwd.endswith("/.envctl/pr-42/bundle/code")


def test_and_the_variables_that_were_applied(
    envctl: Envctl, moved_on: Callable[[], Path], terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    tfvars = envctl.directory / ".envctl" / "pr-42" / "terraform.tfvars.json"
    applied = tfvars.read_text()
    monkeypatch.setenv("ENVCTL_BASTION__ENABLED", "false")
    terraform.fail("destroy", LB)  # so that they are still there to be looked at
    assert destroyed(envctl).code == 4
    assert tfvars.read_text() == applied


def test_a_destroy_needs_no_checkout_at_all(
    envctl: Envctl, moved_on: Callable[[], Path], terraform: FakeTerraform, account: Account
) -> None:
    shutil.rmtree(moved_on())
    terraform.forget()
    result = destroyed(envctl)
    assert (result.code, account.versions()) == (0, [])
    assert "the stored code is used" in result.err  # and not the root module that envctl itself brings
    assert terraform.the("destroy").cwd.endswith("/.envctl/pr-42/bundle/code")


def test_the_stored_code_has_its_local_modules_and_the_lock_of_its_providers(
    envctl: Envctl, terraform: FakeTerraform
) -> None:
    code = envctl.directory / "terraform"
    module, lock = Path("modules", "network", "main.tf"), Path("env", ".terraform.lock.hcl")
    (code / module).parent.mkdir(parents=True)
    (code / module).write_text("# a network\n")
    (code / lock).write_text("# these providers\n")
    with (code / "env" / "main.tf").open("a") as root:
        root.write('module "network" {\n  source = "../modules/network"\n}\n')
    assert up(envctl).code == 0
    shutil.rmtree(code)
    terraform.forget()
    terraform.fail("destroy", LB)  # so that it is still there to be looked at
    assert destroyed(envctl).code == 4
    stored = envctl.directory / ".envctl" / "pr-42" / "bundle" / "code"
    assert (stored / module).read_text() == "# a network\n"
    assert (stored / lock).read_text() == "# these providers\n"
    init = terraform.the("init")
    assert (init.cwd, "-lockfile=readonly" in init.argv) == (str(stored / "env"), True)


def test_code_that_somebody_changed_is_not_used(
    envctl: Envctl, moved_on: Callable[[], Path], terraform: FakeTerraform, account: Account
) -> None:
    code = account.manifest().code
    assert code
    record = replace(account.manifest(), code=replace(code, sha256="0" * 64))
    account.record(
        **{name: getattr(record, name) for name in record.__dataclass_fields__ if name not in ("name", "pr")}
    )
    terraform.forget()
    result = destroyed(envctl)
    assert (result.code, "checksum is another" in result.err) == (0, True)
    assert terraform.the("destroy").cwd == str(moved_on())


def test_the_same_code_is_stored_once(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    up(envctl)
    before = [v for v in account.versions() if "bundle" in v[0]]
    terraform.change(LB)
    assert up(envctl).code == 0
    assert [v for v in account.versions() if "bundle" in v[0]] == before


def test_a_state_that_was_left_in_the_stored_code_is_not_lost_with_it(
    envctl: Envctl, moved_on: Callable[[], Path], account: Account
) -> None:
    key = f"{PREFIX}pr-42/terraform.tfstate"
    body = json.loads(account.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    place = envctl.directory / ".envctl" / "pr-42" / "bundle" / "code"
    place.mkdir(parents=True)
    (place / "errored.tfstate").write_text(json.dumps({**body, "serial": body["serial"] + 1}))
    result = destroyed(envctl)
    assert (result.code, "The state that could not be saved is saved" in result.err) == (0, True)


# --- What an earlier run left in no state ----------------------------------------------------------


@pytest.fixture
def doubtful(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    """An environment whose first apply failed."""
    terraform.fail("apply", LB)
    assert up(envctl).code == 4
    terraform.set(fail={})


def tagged_vpc(account: Account, *more: dict[str, str]) -> str:
    tags = [{"ResourceType": "vpc", "Tags": [*TAGS, *more]}]
    made = account.client("ec2").create_vpc(CidrBlock="10.42.0.0/16", TagSpecifications=tags)
    return str(made["Vpc"]["VpcId"])


def vpcs(account: Account) -> set[str]:
    return {str(vpc["VpcId"]) for vpc in account.client("ec2").describe_vpcs()["Vpcs"] if not vpc["IsDefault"]}


def test_an_up_after_it_deletes_what_no_state_knows(context: Context, doubtful: None, account: Account) -> None:
    vpc = tagged_vpc(account)
    hand = account.client("ec2").create_security_group(GroupName="by-hand", Description="x", VpcId=vpc)["GroupId"]
    logs = account.client("logs")
    logs.create_log_group(logGroupName="/aws/rds/cluster/shop-pr-42/error")
    steps: list[str] = []
    emit = lambda event: steps.append(event.text) if isinstance(event, Step) else None  # noqa: E731
    bring_up(context_with(Clock(), emit), UpOptions())
    assert any("that an earlier run left in no state" in step for step in steps)
    assert logs.describe_log_groups()["logGroups"] == []
    # What carries no tag was made by a person: an `up` takes nothing of theirs, and so keeps the VPC it is in.
    found = account.client("ec2").describe_security_groups(GroupIds=[hand])["SecurityGroups"]
    assert [group["VpcId"] for group in found] == [vpc]


def test_an_up_killed_before_any_state_was_saved_is_done_over_and_nothing_is_made_twice(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    account.record()
    vpc = tagged_vpc(account)
    result = up(envctl)
    assert (result.code, account.manifest().status) == (0, "ready"), result.err
    assert "deleting 1 thing that an earlier run left in no state" in result.err
    assert vpc not in vpcs(account)
    assert terraform.commands.count("apply") == 1


def test_and_a_destroy_takes_away_what_such_an_up_has_made(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    account.record()
    vpc = tagged_vpc(account)
    result = destroyed(envctl)
    assert (result.code, account.versions()) == (0, []), result.err
    assert "deleting 1 thing that Terraform does not know of" in result.err
    assert vpc not in vpcs(account)


def test_what_aws_made_twice_in_an_up_that_ended_well_goes_at_once(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    known = account.vpc("shop-pr-42")
    terraform.set(gate=LB, resources={VPC: {"type": "aws_vpc", "id": known}, LB: {"type": "aws_lb"}})
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    ec2, doubled = account.client("ec2"), tagged_vpc(account)
    of_a_stack = tagged_vpc(account, {"Key": "aws:cloudformation:stack-id", "Value": "arn:x"})
    disk = ec2.create_volume(
        AvailabilityZone="us-east-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": TAGS}]
    )["VolumeId"]
    # Somebody has taken it out of its group, to look at it.
    own = [{"ResourceType": "instance", "Tags": TAGS}]
    ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=own)
    terraform.let("go")
    result = ended(process)
    assert (result.code, account.manifest().status) == (0, "ready")
    assert "deleting 1 thing that AWS made and did not tell Terraform of" in result.err
    left = vpcs(account)
    assert (known in left, doubled in left, of_a_stack in left) == (True, False, True)
    # It may be that of an instance which is just starting.
    assert disk in [volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]]
    (reservation,) = ec2.describe_instances()["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "running"


def test_whose_lock_was_taken_deletes_nothing_any_more(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(gate=LB)
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    vpc = tagged_vpc(account)  # made by whoever is at work now
    account.client("s3").delete_object(Bucket=BUCKET, Key=LOCK)
    terraform.let("go")
    result = ended(process)
    assert "The lock of shop-pr-42 was taken from this run." in result.out + result.err
    assert account.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_what_aws_made_twice_and_keeps_is_said_and_the_environment_is_ready(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for action, error, what in (
        ("DescribeVpcs", "denied", "What AWS may have made twice could not be looked for"),
        ("DeleteVpc", "dependency", "is in no state and could not be deleted"),
    ):
        terraform.change(LB, replaces=True) if account.objects() else None
        rules = Rules((Rule("refuse", action=action, agent="Boto3*", times=0, error=error),))
        with Proxy(account.endpoint, rules) as proxy:
            monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
            tagged_vpc(account)
            outcome = bring_up(context_with(Clock()), UpOptions())
        assert (outcome.error, account.manifest().status) == (None, "ready")
        assert what in " ".join(outcome.notes)


def test_the_alarms_of_a_scaling_group_that_stands_are_its_own(
    envctl: Envctl, doubtful: None, account: Account
) -> None:
    scaling, tags = account.client("autoscaling"), [{"Key": "envctl:environment", "Value": "shop-pr-42"}]
    scaling.create_launch_configuration(LaunchConfigurationName="x", ImageId="ami-12c6146b", InstanceType="t3.micro")
    size = {"MinSize": 0, "MaxSize": 1, "AvailabilityZones": ["us-east-1a"], "LaunchConfigurationName": "x"}
    scaling.create_auto_scaling_group(AutoScalingGroupName="shop-pr-42-web", Tags=tags, **size)
    scaling.create_auto_scaling_group(AutoScalingGroupName="shop", **size)  # not of this environment
    alarms = account.client("cloudwatch")
    for name in ("TargetTracking-shop-pr-42-web-AlarmHigh", "TargetTracking-shop-pr-42-gone-AlarmHigh"):
        alarms.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/EC2",
            MetricName="CPUUtilization",
            Statistic="Average",
            Threshold=60.0,
            Period=60,
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    assert up(envctl).code == 0
    (left,) = alarms.describe_alarms()["MetricAlarms"]
    assert left["AlarmName"] == "TargetTracking-shop-pr-42-web-AlarmHigh"


def test_what_the_state_knows_is_no_stranger(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    vpc = tagged_vpc(account)
    terraform.set(resources={VPC: {"type": "aws_vpc", "id": vpc}, LB: {"type": "aws_lb"}})
    terraform.fail("apply", LB)
    assert up(envctl).code == 4
    terraform.set(fail={})
    result = up(envctl)
    assert (result.code, "left in no state" in result.err) == (0, False)
    assert account.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_a_database_that_people_worked_with_is_never_deleted_by_an_up(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    up(envctl)
    terraform.fail("apply", LB)
    terraform.change(LB)
    assert up(envctl).code == 4
    login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
    account.client("rds").create_db_cluster(DBClusterIdentifier="shop-pr-42", Engine="aurora-mysql", Tags=TAGS, **login)
    result = up(envctl)
    assert result.code == 8
    assert "would lose its data" in result.err
    assert account.client("rds").describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]


def test_a_database_that_the_state_has_lost_is_nobodys_to_replace(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(resources={address: RESOURCES[address] for address in (VPC, LB)})
    assert up(envctl).code == 0
    lost = account.database("shop-pr-42")
    terraform.set(resources=RESOURCES)
    for _ in range(2):  # and not the second time either
        result = up(envctl)
        assert (result.code, "does not know its database" in result.err) == (8, True), result.err
        record = account.manifest()
        assert (record.status, record.replacing) == ("ready", None)
    rds = account.client("rds")
    assert lost in [cluster["DbClusterResourceId"] for cluster in rds.describe_db_clusters()["DBClusters"]]


def test_where_neither_record_nor_state_is_found_a_living_database_is_in_nobodys_way(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    account.database("shop-pr-42")
    before = account.versions()
    for _ in range(2):  # as if somebody had changed `state.prefix`
        result = up(envctl)
        assert (result.code, "state.prefix" in result.err) == (8, True), result.err
        assert (account.versions() == before, "apply" in terraform.commands) == (True, False)
    assert account.client("rds").describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]


def test_a_read_replica_that_no_state_knows_is_no_data(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    source = {"type": "aws_db_instance", "id": "shop-pr-42", "values": {"identifier": "shop-pr-42"}}
    terraform.set(resources={**RESOURCES, "module.database.aws_db_instance.this": source})
    assert up(envctl).code == 0
    account.instance("shop-pr-42")
    terraform.fail("apply", LB)
    terraform.change(LB)
    assert up(envctl).code == 4
    terraform.set(fail={})
    account.instance("shop-pr-42-replica-1", source="shop-pr-42")
    result = up(envctl)
    assert (result.code, "left in no state" in result.err) == (0, True), result.err
    (left,) = account.client("rds").describe_db_instances()["DBInstances"]
    assert left["DBInstanceIdentifier"] == "shop-pr-42"


def test_without_its_record_the_data_is_taken_for_somebodys(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    with account.restored("shop-pr-42") as cluster:
        terraform.database(cluster)
        assert up(envctl).code == 0
    account.client("s3").delete_object(Bucket=BUCKET, Key=MANIFEST)
    terraform.change(LB)
    terraform.fail("apply", LB)
    assert up(envctl).code == 4
    terraform.set(fail={})
    terraform.change(CLUSTER, replaces=True)
    result = up(envctl)
    assert (result.code, "the environment's data" in result.err) == (7, True), result.err


def test_whose_lock_was_taken_deletes_no_orphan_any_more(
    doubtful: None, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    vpc = tagged_vpc(account)
    take = lambda: account.client("s3").delete_object(Bucket=BUCKET, Key=LOCK)  # noqa: E731
    rules = Rules((Rule("refuse", action="DeleteVpc", error="dependency", times=1),))
    with Proxy(account.endpoint, rules) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        with pytest.raises(EnvctlError, match="The lock of shop-pr-42 was taken from this run"):
            bring_up(context_with(Clock(take)), UpOptions())
    assert account.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]


@pytest.mark.parametrize("complete", [False, True])
def test_a_database_is_not_known_by_the_name_of_its_subnet_group(
    envctl: Envctl, account: Account, terraform: FakeTerraform, complete: bool
) -> None:
    """Both bear the environment's name, and Terraform was killed while the database was being restored."""
    group = {"type": "aws_db_subnet_group", "values": {"id": "shop-pr-42"}}
    terraform.set(resources={"module.database.aws_db_subnet_group.this": group, CLUSTER: RESOURCES[CLUSTER]})
    terraform.fail("apply", CLUSTER)
    with account.restored("shop-pr-42") as made:
        assert up(envctl).code == 4
    terraform.set(fail={})
    if complete:
        account.put(MANIFEST, manifests.render(replace(account.manifest(), applied_at=account.manifest().created_at)))
    result = up(envctl)
    lives = [c["DbClusterResourceId"] for c in account.client("rds").describe_db_clusters()["DBClusters"]]
    assert (result.code, made in lives) == ((8, True) if complete else (0, False)), result.err


def test_a_second_database_does_not_make_the_first_ones_data_nobodys(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    with account.restored("shop-pr-42") as cluster:
        terraform.database(cluster)
        assert up(envctl).code == 0
    resources = terraform.resources
    terraform.set(resources={**resources, "aws_db_instance.reports": {"type": "aws_db_instance"}})
    terraform.fail("apply", "aws_db_instance.reports")
    assert up(envctl).code == 4
    assert account.manifest().replacing is None


def test_a_database_of_another_kind_is_not_taken_for_the_one_that_is_gone(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    database_gone(envctl, terraform)
    account.graph()
    terraform.fail("apply", CLUSTER)
    assert up(envctl).code == 4
    assert account.manifest().replacing == "gone"


@pytest.fixture
def reopened(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    """A complete environment of which a destroy took the database, and no more."""
    terraform.set(outputs={"database_cluster_id": {"value": "shop-pr-42"}})
    with account.restored("shop-pr-42"):
        assert up(envctl).code == 0
    terraform.fail("destroy", VPC)
    assert destroyed(envctl, "--no-sweep").code == 8
    account.client("rds").delete_db_cluster(DBClusterIdentifier="shop-pr-42", SkipFinalSnapshot=True)
    terraform.set(fail={})


def test_an_up_after_a_destroy_that_took_the_database_restores_it_as_the_first_one_did(
    envctl: Envctl, reopened: None, account: Account, terraform: FakeTerraform
) -> None:
    before = account.manifest().data_at
    terraform.set(gate=CLUSTER)
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    account.database("shop-pr-42")
    time.sleep(1.1 - time.time() % 1)  # the record's times are whole seconds
    terraform.let("go")
    assert ended(process).code == 0
    (cluster,) = account.client("rds").describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]
    assert cluster["IAMDatabaseAuthenticationEnabled"]
    record = account.manifest()
    assert before
    assert record.data_at
    assert (record.data_at > before, record.replacing) == (True, None)


def test_when_that_up_is_killed_what_it_restored_holds_nobodys_work(
    envctl: Envctl, reopened: None, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(die_at=CLUSTER)
    assert up(envctl).code != 0
    lost = account.database("shop-pr-42")
    terraform.set(die_at=None, outputs={})
    account.client("s3").delete_object(Bucket=BUCKET, Key=LOCK)
    result = up(envctl)
    assert (result.code, account.manifest().status) == (0, "ready"), result.err
    assert lost not in [c["DbClusterResourceId"] for c in account.client("rds").describe_db_clusters()["DBClusters"]]


def test_when_its_snapshot_is_gone_too_the_newest_one_is_restored(
    envctl: Envctl, reopened: None, account: Account, terraform: FakeTerraform
) -> None:
    account.database("shop-pr-42")
    account.client("rds").delete_db_cluster(DBClusterIdentifier="shop-pr-42", SkipFinalSnapshot=True)
    terraform.fail("apply", CLUSTER)  # RDS does not find the snapshot
    terraform.set(outputs={})
    assert up(envctl).code == 4
    terraform.set(fail={})
    pinned = account.manifest().snapshot.id
    account.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=pinned)
    newest = account.snapshot(timedelta(hours=1), "taken-since")
    result = up(envctl)
    assert (result.code, f"The snapshot {pinned} cannot be restored any more" in result.err) == (0, True), result.err
    assert account.manifest().snapshot.id == newest


@pytest.fixture
def half_made(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    """A cluster that the state distrusts: an apply ended before it was known to be there."""
    tainted = {"type": "aws_rds_cluster", "id": "shop-pr-42", "status": "tainted"}
    terraform.set(resources={CLUSTER: tainted, LB: {"type": "aws_lb"}})
    terraform.fail("apply", LB)
    assert up(envctl).code == 4
    account.database("shop-pr-42")
    terraform.set(fail={}, resources={CLUSTER: {"type": "aws_rds_cluster", "id": "shop-pr-42"}, LB: {"type": "aws_lb"}})
    terraform.forget()


def test_a_database_that_aws_finished_meanwhile_is_trusted_again(
    envctl: Envctl, half_made: None, account: Account, terraform: FakeTerraform
) -> None:
    assert up(envctl).code == 0
    assert terraform.the("untaint").argv == ["untaint", "-lock=false", "-no-color", CLUSTER]
    assert "status" not in account.state()["resources"][CLUSTER]


@pytest.mark.usefixtures("same_signals")
@pytest.mark.parametrize(("status", "times", "trusted"), [("creating", 6, True), ("failed", 0, False)])
def test_one_that_is_still_being_made_is_waited_for_and_one_that_came_to_nothing_is_not_trusted(
    half_made: None,
    account: Account,
    terraform: FakeTerraform,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    times: int,
    trusted: bool,
) -> None:
    words = (("<Status>available</Status>", f"<Status>{status}</Status>"),)
    with Proxy(
        account.endpoint, Rules((Rule("rewrite", action="DescribeDBClusters", times=times, rewrite=words),))
    ) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        bring_up(context_with(Clock()), UpOptions())
    assert ("untaint" in terraform.commands) is trusted


def test_a_state_of_another_environment_of_this_checkout_is_left_to_its_own_run(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    up(envctl)
    theirs = envctl.directory / "terraform" / "env" / "errored.tfstate"
    theirs.write_text('{"resources": [{"instances": [{"attributes": {"id": "shop-pr-4"}}]}]}')
    terraform.change(LB)
    assert up(envctl).code == 0
    assert theirs.exists()


def test_a_state_that_was_saved_after_all_is_forgotten(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    up(envctl)
    key = f"{PREFIX}pr-42/terraform.tfstate"
    body = json.loads(account.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    file = envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    file.write_text(json.dumps({**body, "lineage": "that of before it was pushed into an empty place"}))
    assert up(envctl).code == 0
    assert (file.exists(), ERRORED in account.objects(), len(account.state()["resources"])) == (False, False, 3)


# --- Databases that no record speaks of ------------------------------------------------------------


def test_without_its_record_the_data_of_another_kind_of_database_is_somebodys_too(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    graph = "aws_neptune_cluster.graph"
    made = {"type": "aws_neptune_cluster", "id": "shop-pr-42-graph"}
    terraform.set(resources={VPC: RESOURCES[VPC], graph: made})
    assert up(envctl).code == 0
    account.graph()
    account.client("s3").delete_object(Bucket=BUCKET, Key=MANIFEST)
    terraform.change(graph, replaces=True)
    result = up(envctl)
    assert (result.code, "the environment's data" in result.err) == (7, True), result.err


def test_one_that_only_a_state_knows_that_could_not_be_saved_is_nobodys_loss(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    with account.restored("shop-pr-42") as cluster:
        terraform.database(cluster)
        terraform.set(unsaved="always")
        assert up(envctl).code == 4
    for key in (MANIFEST, ERRORED):
        account.client("s3").delete_object(Bucket=BUCKET, Key=key)
    terraform.set(unsaved=None)
    terraform.change(CLUSTER, replaces=True)
    result = up(envctl)
    assert (result.code, "the environment's data" in result.err) == (7, True), result.err
    assert "The state that could not be saved is saved" in result.err


# --- Two runs, of which each has a state that the other does not have ------------------------------


def state_of(account: Account, *more: str, without: str = "") -> bytes:
    """The next state: the present one with VPCs of those ids as well, or `without` a type."""
    key = f"{PREFIX}pr-42/terraform.tfstate"
    body = json.loads(account.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    made = [
        {"mode": "managed", "type": "aws_vpc", "name": id, "address": f"aws_vpc.{id}", "is": {"type": "aws_vpc"}}
        | {"instances": [{"attributes": {"id": id}}]}
        for id in more
    ]
    resources = [each for each in body["resources"] if each["type"] != without]
    return json.dumps({**body, "serial": body["serial"] + 1, "resources": [*resources, *made]}).encode()


def kept_in_the_bucket(account: Account) -> bytes:
    return bytes(account.client("s3").get_object(Bucket=BUCKET, Key=ERRORED)["Body"].read())


def test_of_two_unsaved_states_none_takes_the_others_place(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    up(envctl)
    file = envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    mine, theirs = state_of(account, "vpc-mine"), state_of(account, "vpc-theirs")
    terraform.forget()
    for body in (mine, b"{"):
        file.write_bytes(body)
        account.put(ERRORED, theirs)
        for result in (up(envctl), destroyed(envctl)):
            assert (result.code, "another one in the bucket" in result.err) == (4, True), result.err
        assert (file.read_bytes(), kept_in_the_bucket(account)) == (body, theirs)
    assert set(terraform.commands) <= {"version", "init", "plan"}
    # Whoever has compared them deletes one.
    file.unlink()
    assert (destroyed(envctl).code, account.versions()) == (0, [])


@pytest.mark.parametrize("here", [True, False])
def test_of_two_the_one_that_knows_all_of_the_other_is_saved(
    envctl: Envctl, account: Account, terraform: FakeTerraform, here: bool
) -> None:
    up(envctl)
    file = envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    fuller, other = state_of(account, "vpc-1", "vpc-2"), state_of(account, "vpc-1")
    file.write_bytes(fuller if here else other)
    account.put(ERRORED, other if here else fuller)
    terraform.set(resources={**RESOURCES, **{f"aws_vpc.vpc-{n}": {"type": "aws_vpc"} for n in (1, 2)}})
    assert up(envctl).code == 0
    assert {"aws_vpc.vpc-1", "aws_vpc.vpc-2"} <= set(account.state()["resources"])
    assert "apply" not in terraform.commands[terraform.commands.index("state") :]
    assert (file.exists(), ERRORED in account.objects()) == (False, False)


def test_a_state_that_was_left_before_another_run_began_does_not_take_the_place_of_its(
    envctl: Envctl, account: Account, terraform: FakeTerraform, tmp_path: Path
) -> None:
    up(envctl)
    file = envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    left = state_of(account, without="aws_lb")  # of a destroy, which could not reach the bucket any more
    terraform.change(LB)
    time.sleep(1.1 - time.time() % 1)  # the record's times are whole seconds
    assert ended(envctl.elsewhere(tmp_path / "other").spawn("up", "--pr", "42", "--yes")).code == 0
    operation = account.manifest().operation
    assert operation
    file.write_bytes(json.dumps({**json.loads(left), "serial": 99}).encode())
    os.utime(file, times=(operation.started_at.timestamp() - 1,) * 2)
    for result in (up(envctl), destroyed(envctl)):
        assert (result.code, "knows things that it does not" in result.err) == (4, True), result.err
    assert (len(account.state()["resources"]), ERRORED in account.objects()) == (3, False)


def test_that_of_a_destroy_is_saved_though_it_knows_less(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    up(envctl)
    terraform.set(unsaved="always")
    assert destroyed(envctl).code == 4
    assert len(account.state()["resources"]) == 3
    terraform.set(unsaved=None)
    result = destroyed(envctl)
    assert (result.code, account.versions()) == (0, [])
    assert "The state that could not be saved is saved" in result.err


def test_one_that_can_never_be_saved_keeps_nobody_else_from_the_environment(
    envctl: Envctl, account: Account, terraform: FakeTerraform, tmp_path: Path
) -> None:
    assert up(envctl).code == 0
    state = {**account.state(), "lineage": "another", "resources": []}
    vpc = {"type": "aws_vpc", "name": "this", "instances": [{"attributes": {"id": "vpc-of-nobody"}}]}
    (envctl.directory / ".envctl/pr-42/errored.tfstate").write_text(json.dumps({**state, "resources": [vpc]}))
    assert up(envctl).code == 4
    assert ERRORED not in account.objects()
    other = envctl.elsewhere(tmp_path / "other")
    for command in ("up", "destroy"):
        assert ended(other.spawn(command, "--pr", "42", "--yes")).code == 0
