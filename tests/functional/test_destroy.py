"""`destroy`: everything goes, nothing else does, and what is left is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chaos.proxy import Proxy
from chaos.rules import Rule, Rules
from world import BUCKET, CLUSTER, LB, PREFIX, VPC, Account, Clock, Envctl, FakeTerraform, Result, context_with, ended

from orchestrator.lifecycle.destroy import destroy
from orchestrator.lifecycle.recovery import STILL_S, TIMEOUT_S


def destroyed(envctl: Envctl, *more: str, pr: int = 42) -> Result:
    return envctl("destroy", "--pr", str(pr), "--yes", *more)


def test_every_version_and_marker_goes_and_nothing_that_only_shares_a_prefix(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    for pr in (4, 42):
        assert envctl("up", "--pr", str(pr), "--yes").code == 0
    for name in ("terraform.tfstate.backup", "manifest.json.bak", "notes.txt"):
        account.put(f"{PREFIX}pr-4/{name}", "kept")
    kept = [found for found in account.versions() if "pr-42/" in found[0] or found[0].endswith(("up", "bak", "txt"))]
    result = destroyed(envctl, pr=4)
    assert (result.code, account.versions()) == (0, kept)
    assert "✓ destroyed  shop-pr-4" in result.out
    assert "✓ nothing in EC2, load balancing" in result.out
    assert envctl("show", "--pr", "42").code == 0


def test_that_it_is_to_be_destroyed_is_written_before_terraform_runs(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    assert envctl("up", "--pr", "42", "--yes").code == 0
    before = account.manifest()
    terraform.set(gate=LB)
    process = envctl.spawn("destroy", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    record = account.manifest()
    assert record.operation
    assert (record.status, record.operation.kind, record.operation.ended_at) == ("destroying", "destroy", None)
    assert (record.closed_at is not None, record.generation) == (True, before.generation + 1)
    terraform.let("go")
    assert (ended(process).code, account.versions()) == (0, [])


def test_the_working_files_go_as_well(envctl: Envctl) -> None:
    envctl("up", "--pr", "42", "--yes")
    destroyed(envctl)
    assert not (envctl.directory / ".envctl" / "pr-42").exists()


def test_destroying_nothing_is_success_and_starts_no_terraform(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    result = destroyed(envctl, "--json")
    assert (result.code, result.json["ok"], result.json["left"]) == (0, True, [])
    assert (terraform.commands, account.versions()) == ([], [])


def test_destroying_twice_is_success(envctl: Envctl) -> None:
    envctl("up", "--pr", "42", "--yes")
    assert [destroyed(envctl).code for _ in range(2)] == [0, 0]


def test_an_up_finishes_the_destroy_that_was_killed_while_it_forgot(
    envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert envctl("up", "--pr", "42", "--yes").code == 0
    rule = Rule("refuse", service="s3", action="DeleteObjects", times=0, error="denied")
    with Proxy(account.endpoint, Rules((rule,))) as proxy, monkeypatch.context() as during:
        during.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        assert destroyed(envctl).code == 3
    ended_life = {each for each in account.versions() if not each[0].endswith(".tflock")}
    assert account.manifest().status == "destroyed"
    assert envctl("plan", "--pr", "42").code == 5
    result = envctl("up", "--pr", "42", "--yes")
    assert (result.code, account.manifest().status) == (0, "ready"), result.err
    assert account.manifest().generation == 1
    assert not ended_life & {*account.versions()}


def test_delete_markers_of_an_environment_that_is_gone_go_as_well(envctl: Envctl, account: Account) -> None:
    account.record()
    account.client("s3").delete_object(Bucket=BUCKET, Key=f"{PREFIX}pr-42/manifest.json")
    assert destroyed(envctl).code == 0
    assert account.versions() == []


def test_a_state_without_a_manifest_is_destroyed(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    envctl("up", "--pr", "42", "--yes")
    account.client("s3").delete_object(Bucket=BUCKET, Key=f"{PREFIX}pr-42/manifest.json")
    assert destroyed(envctl).code == 0
    assert "destroy" in terraform.commands
    assert account.versions() == []


# --- Left behind -----------------------------------------------------------------------------------


def vpc(account: Account) -> str:
    return account.vpc("shop-pr-42")


def volume(account: Account) -> str:
    tags = [{"Key": "envctl:environment", "Value": "shop-pr-42"}]
    made = account.client("ec2").create_volume(
        AvailabilityZone="us-east-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )
    return str(made["VolumeId"])


def log_group(account: Account) -> str:
    name = "/envctl/shop-pr-42"
    account.client("logs").create_log_group(logGroupName=name)
    return name


def role(account: Account) -> str:
    account.client("iam").create_role(RoleName="shop-pr-42-web", AssumeRolePolicyDocument="{}")
    return "shop-pr-42-web"


def secret(account: Account) -> str:
    client = account.client("secretsmanager")
    arn = str(client.create_secret(Name="shop-pr-42-login", SecretString="x")["ARN"])
    client.delete_secret(SecretId=arn, RecoveryWindowInDays=7)  # it can still be had back for a week
    return arn


def alarm(account: Account) -> str:
    name = "TargetTracking-shop-pr-42-web-AlarmLow"
    metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Average", "Threshold": 60.0}
    often = {"Period": 60, "EvaluationPeriods": 1, "ComparisonOperator": "LessThanThreshold"}
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, **metric, **often)
    return name


def snapshot(account: Account) -> str:
    account.database("shop-pr-42")
    rds = account.client("rds")
    made = {"DBClusterIdentifier": "shop-pr-42", "DBClusterSnapshotIdentifier": "before-the-demo"}
    rds.create_db_cluster_snapshot(**made)
    rds.delete_db_cluster(DBClusterIdentifier="shop-pr-42", SkipFinalSnapshot=True)
    return "before-the-demo"


@pytest.mark.parametrize("leave", [vpc, volume, log_group, role, secret, snapshot, alarm])
def test_what_is_left_in_the_account_is_named_by_its_arn(
    envctl: Envctl, account: Account, leave: Callable[[Account], str]
) -> None:
    left = leave(account)
    result = destroyed(envctl, "--no-sweep", "--json")
    assert (result.code, result.json["ok"], result.json["error"]["code"]) == (8, False, "not_clean")
    (item,) = result.json["left"]
    assert item["arn"].startswith("arn:aws:")
    assert left in item["arn"]


def test_what_is_left_is_listed_for_people(envctl: Envctl, account: Account) -> None:
    left = vpc(account)
    result = destroyed(envctl)
    assert f"vpc/{left}" in result.out
    assert "shop-pr-42 is not gone: 1 thing left in the account" in result.err


def test_what_belongs_to_others_is_not_taken_for_left(envctl: Envctl, account: Account) -> None:
    account.vpc("shop-pr-4")
    account.vpc("shop-pr-421")
    account.client("iam").create_role(RoleName="shop-pr-421-web", AssumeRolePolicyDocument="{}")
    assert destroyed(envctl).code == 0


def test_a_failed_destroy_keeps_the_record_and_the_state_of_what_is_left(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("up", "--pr", "42", "--yes")
    vpc(account)
    terraform.fail("destroy", CLUSTER, "deleting RDS Cluster", "InvalidDBClusterStateFault")
    result = destroyed(envctl, "--json")
    error = result.json["error"]
    assert (result.code, error["address"], account.manifest().status) == (8, CLUSTER, "failed")
    assert "InvalidDBClusterStateFault" in error["message"]
    assert CLUSTER in account.state()["resources"]
    assert terraform.commands.count("destroy") == 2  # much that blocks a deletion passes by itself


def test_where_nothing_is_left_terraforms_exit_code_decides_nothing(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.fail("apply", VPC)
    assert envctl("up", "--pr", "42", "--yes").code == 4
    terraform.set(fail={}, crash={"destroy": "panic: after everything was done"})
    result = destroyed(envctl)
    assert (result.code, account.versions()) == (0, [])


def test_a_destroy_that_could_not_begin_leaves_the_record_alone(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("up", "--pr", "42", "--yes")
    (envctl.directory / "terraform" / "env" / "main.tf").write_text("# changed\n")
    terraform.fail("init", summary="Failed to install provider")
    record = account.manifest()
    assert (destroyed(envctl).code, account.manifest()) == (4, record)


def test_a_destroy_that_failed_can_be_done_again(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    envctl("up", "--pr", "42", "--yes")
    left = vpc(account)
    terraform.fail("destroy", CLUSTER)
    assert destroyed(envctl).code == 8
    account.client("ec2").delete_vpc(VpcId=left)
    terraform.set(fail={})
    assert destroyed(envctl).code == 0
    assert account.versions() == []


def test_an_apply_that_failed_half_way_can_be_destroyed(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.fail("apply", LB)
    assert envctl("up", "--pr", "42", "--yes").code == 4
    terraform.set(fail={})
    assert destroyed(envctl).code == 0
    assert account.versions() == []


def test_a_destroy_that_meets_a_lock_changes_nothing(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("up", "--pr", "42", "--yes")
    account.lock(who="runner@ci-7")
    state = account.state()
    result = destroyed(envctl)
    assert (result.code, account.state()) == (5, state)
    assert "runner@ci-7" in result.err


def test_a_destroy_during_an_up_leaves_it_alone(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    terraform.set(gate=CLUSTER)
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    assert destroyed(envctl).code == 5
    terraform.let("go")
    assert ended(process).code == 0
    assert account.manifest().status == "ready"


# --- Patience --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("same_signals")
def test_what_aws_lists_a_little_longer_is_waited_for(envctl: Envctl, account: Account) -> None:
    envctl("up", "--pr", "42", "--yes")
    left = vpc(account)
    gone = Clock(lambda: account.client("ec2").delete_vpc(VpcId=left))
    outcome = destroy(context_with(gone))
    assert (outcome.ok, account.versions()) == (True, [])


@pytest.mark.usefixtures("same_signals")
def test_what_aws_is_deleting_is_waited_for_though_it_does_not_move(
    envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    envctl("up", "--pr", "42", "--yes")
    rds = account.client("rds")
    login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
    rds.create_db_instance(DBInstanceIdentifier="shop-pr-42", Engine="mysql", DBInstanceClass="db.t3.micro", **login)

    def after_ten_minutes() -> None:
        if clock.now > 2 * TIMEOUT_S and rds.describe_db_instances()["DBInstances"]:
            rds.delete_db_instance(DBInstanceIdentifier="shop-pr-42", SkipFinalSnapshot=True)

    clock = Clock(after_ten_minutes, slow=10)
    status = "<DBInstanceStatus>{}</DBInstanceStatus>".format
    deleting = Rule(
        "rewrite", action="DescribeDBInstances", times=0, rewrite=((status("available"), status("deleting")),)
    )
    with Proxy(account.endpoint, Rules((deleting,))) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        outcome = destroy(context_with(clock))
    assert (outcome.ok, account.versions()) == (True, [])


@pytest.mark.usefixtures("same_signals")
def test_what_never_goes_is_given_up_on(envctl: Envctl, account: Account) -> None:
    envctl("up", "--pr", "42", "--yes")
    vpc(account)
    clock = Clock()
    outcome = destroy(context_with(clock))
    assert (outcome.exit_code, len(outcome.left or ())) == (8, 1)
    # Nothing moves, so it is not waited for as long as something that does.
    assert STILL_S <= clock.now < STILL_S + 10 < TIMEOUT_S
    assert account.manifest().status == "failed"


def test_a_state_that_still_holds_something_is_kept_though_no_inventory_knows_it(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("up", "--pr", "42", "--yes")
    terraform.fail("destroy", LB)
    result = destroyed(envctl)
    assert result.code == 4
    assert account.state()["resources"]
    assert account.manifest().status == "failed"
