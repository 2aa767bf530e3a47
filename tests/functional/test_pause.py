"""`pause` and `resume`: what stops and starts, what is remembered, and how the next one completes a killed one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from world import CLUSTER, LB, Account, Envctl, FakeTerraform, database_gone, ended, unsaved, unwanted_replica

from orchestrator import manifest as manifests
from orchestrator.manifest import Operation

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def bastion(envctl: Envctl, account: Account, terraform: FakeTerraform) -> str:
    """An environment that is ready, with a cluster and a bastion in AWS. The bastion's id."""
    made = account.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    instance = str(made["Instances"][0]["InstanceId"])
    terraform.set(outputs={"bastion_instance_id": {"value": instance}})
    with account.restored("shop-pr-42") as cluster:
        terraform.database(cluster)
        assert envctl("up", "--pr", "42", "--yes", "--commit", "abcdef0").code == 0
    terraform.forget()
    return instance


def cluster_status(account: Account, id: str = "shop-pr-42") -> str:
    found = account.client("rds").describe_db_clusters(DBClusterIdentifier=id)["DBClusters"]
    return str(found[0]["Status"])


def instance_status(account: Account, instance: str) -> str:
    found = account.client("ec2").describe_instances(InstanceIds=[instance])
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


def tfvars(envctl: Envctl) -> dict[str, Any]:
    written: dict[str, Any] = json.loads((envctl.directory / ".envctl/pr-42/terraform.tfvars.json").read_text())
    return written


def halves(values: dict[str, Any]) -> list[bool]:
    return [values[part]["paused"] for part in ("network", "web", "database")]


# --- Paused ----------------------------------------------------------------------------------------


def test_what_bills_by_the_hour_stops(envctl: Envctl, account: Account, terraform: FakeTerraform, bastion: str) -> None:
    terraform.change(LB)  # whatever Terraform takes away
    body = envctl("pause", "--pr", "42", "--json").json
    assert (body["command"], body["environment"]["status"]) == ("pause", "paused")
    assert (cluster_status(account), instance_status(account, bastion)) == ("stopped", "stopped")
    assert terraform.commands == ["plan", "apply"]
    assert halves(tfvars(envctl)) == [False, True, True]  # NAT stays by default
    record = account.manifest()
    assert (record.status, record.paused_by, record.commit) == ("paused", "person", "abcdef0")
    assert record.paused_at


@pytest.mark.usefixtures("bastion")
def test_nat_goes_too_where_the_configuration_says_so(envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCTL_NETWORK__NAT_WHEN_PAUSED", "none")
    assert envctl("pause", "--pr", "42").code == 0
    assert halves(tfvars(envctl)) == [True, True, True]


@pytest.mark.usefixtures("bastion")
def test_that_it_is_to_be_paused_is_written_before_terraform_runs(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.change(LB)
    envctl("pause", "--pr", "42")
    seen = terraform.the("apply").end["manifest"]
    assert (seen["operation"]["kind"], seen["paused_by"], seen["status"]) == ("pause", "person", "updating")
    assert seen["paused_at"]


@pytest.mark.usefixtures("bastion")
def test_pausing_twice_changes_nothing(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    envctl("pause", "--pr", "42")
    before = account.versions()
    terraform.forget()
    again = envctl("pause", "--pr", "42")
    assert (again.code, terraform.commands, account.versions()) == (0, [], before)
    assert "It is paused already." in again.out


@pytest.mark.usefixtures("bastion")
def test_who_pauses_by_hand_what_the_schedule_has_paused_keeps_it_paused(envctl: Envctl, account: Account) -> None:
    envctl("pause", "--pr", "42")
    paused = replace(account.manifest(), paused_by="schedule")
    account.put("environments/acme/shop/pr-42/manifest.json", manifests.render(paused))
    assert envctl("pause", "--pr", "42").code == 0
    assert account.manifest() == replace(paused, paused_by="person")


@pytest.mark.usefixtures("bastion")
def test_a_database_that_aws_started_again_is_stopped_again(envctl: Envctl, account: Account) -> None:
    envctl("pause", "--pr", "42")
    since = account.manifest().paused_at
    account.client("rds").start_db_cluster(DBClusterIdentifier="shop-pr-42")
    assert envctl("pause", "--pr", "42").code == 0
    assert cluster_status(account) == "stopped"
    assert (account.manifest().status, account.manifest().paused_at) == ("paused", since)


def test_a_pause_that_was_killed_is_completed(envctl: Envctl, account: Account, bastion: str) -> None:
    ready = account.manifest()
    under_way = {"operation": Operation("pause", NOW, id="theirs"), "paused_at": NOW, "paused_by": "schedule"}
    account.record(applied_at=NOW, status="updating", outputs=ready.outputs, snapshot=ready.snapshot, **under_way)
    assert envctl("pause", "--pr", "42").code == 0
    assert (cluster_status(account), instance_status(account, bastion)) == ("stopped", "stopped")
    record = account.manifest()
    assert (record.status, record.paused_at, record.paused_by) == ("paused", NOW, "person")


def test_what_rds_does_not_stop_is_named(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    envctl("up", "--pr", "42", "--yes")
    rds = account.client("rds")
    account.instance("shop-pr-42")
    account.instance("shop-pr-42-replica-1", source="shop-pr-42")
    paused = envctl("pause", "--pr", "42")
    assert paused.code == 0
    assert "RDS does not stop shop-pr-42: it has a read replica, or is one." in paused.out
    # Without its replica, which envctl's own module takes away, it stops.
    rds.delete_db_instance(DBInstanceIdentifier="shop-pr-42-replica-1", SkipFinalSnapshot=True)
    envctl("pause", "--pr", "42")
    assert (
        rds.describe_db_instances(DBInstanceIdentifier="shop-pr-42")["DBInstances"][0]["DBInstanceStatus"] == "stopped"
    )


@pytest.mark.usefixtures("bastion")
def test_a_database_of_another_kind_stops_and_starts_with_the_rest(envctl: Envctl, account: Account) -> None:
    graph = account.graph()
    assert envctl("pause", "--pr", "42").code == 0
    assert (cluster_status(account), cluster_status(account, graph)) == ("stopped", "stopped")
    account.client("rds").start_db_cluster(DBClusterIdentifier=graph)  # as AWS does after seven days
    assert envctl("pause", "--pr", "42").code == 0
    assert cluster_status(account, graph) == "stopped"
    assert envctl("resume", "--pr", "42").code == 0
    assert (cluster_status(account), cluster_status(account, graph)) == ("available", "available")


# --- Resumed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("resume",), ("up", "--yes")])
def test_it_comes_back_as_it_was(
    envctl: Envctl, account: Account, terraform: FakeTerraform, bastion: str, command: tuple[str, ...]
) -> None:
    envctl("pause", "--pr", "42")
    terraform.forget()
    body = envctl(*command, "--pr", "42", "--json").json
    assert (body["command"], body["environment"]["status"]) == (command[0], "ready")
    assert (cluster_status(account), instance_status(account, bastion)) == ("available", "running")
    assert terraform.commands == ["plan", "apply"]
    assert halves(tfvars(envctl)) == [False, False, False]
    record = account.manifest()
    assert (record.paused_at, record.paused_by, record.commit) == (None, None, "abcdef0")
    assert record.operation
    assert record.operation.kind == command[0]


def test_the_database_runs_before_terraform_changes_anything(
    envctl: Envctl, account: Account, terraform: FakeTerraform, bastion: str
) -> None:
    envctl("pause", "--pr", "42")
    terraform.change(LB)
    terraform.set(gate=LB)
    process = envctl.spawn("resume", "--pr", "42")
    terraform.wait_for("reached")
    assert cluster_status(account) == "available"
    terraform.let("go")
    process.communicate()
    assert account.manifest().status == "ready"


@pytest.mark.usefixtures("bastion")
def test_what_is_extended_while_a_pause_is_planned_stays_extended(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(gate="plan")
    process = envctl.spawn("pause", "--pr", "42")
    terraform.wait_for("reached")
    assert envctl("extend", "30d", "--pr", "42").code == 0
    terraform.let("go")
    assert ended(process).code == 0
    record = account.manifest()
    assert (record.status, record.expires_at - datetime.now(UTC) > timedelta(days=29)) == ("paused", True)


@pytest.mark.usefixtures("bastion")
def test_a_resume_that_was_killed_is_completed(envctl: Envctl, account: Account) -> None:
    envctl("pause", "--pr", "42")
    paused = account.manifest()
    account.client("rds").start_db_cluster(DBClusterIdentifier="shop-pr-42")
    operation = Operation("resume", NOW, id="theirs")
    account.record(
        applied_at=NOW,
        status="updating",
        operation=operation,
        paused_at=NOW,
        paused_by="person",
        outputs=paused.outputs,
    )
    assert envctl("resume", "--pr", "42").code == 0
    assert (account.manifest().status, account.manifest().paused_at) == ("ready", None)


@pytest.mark.usefixtures("bastion")
def test_what_is_not_paused_is_left_alone(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    before = account.versions()
    result = envctl("resume", "--pr", "42")
    assert (result.code, terraform.commands, account.versions()) == (0, [], before)
    assert "It is not paused." in result.out


@pytest.mark.usefixtures("bastion")
def test_a_plan_says_that_up_would_resume(envctl: Envctl) -> None:
    envctl("pause", "--pr", "42")
    assert "It is paused: `up` would resume it" in envctl("plan", "--pr", "42").out


@pytest.mark.usefixtures("bastion")
def test_a_stopped_cluster_is_started_before_it_is_destroyed(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("pause", "--pr", "42")
    assert cluster_status(account) == "stopped"
    terraform.set(gate=LB)
    envctl.spawn("destroy", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    assert cluster_status(account) == "available"


# --- Refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_there_is_nothing_to_pause_or_resume(envctl: Envctl, terraform: FakeTerraform, command: str) -> None:
    assert envctl(command, "--pr", "42").code == 2
    assert terraform.commands == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "never complete"),
        ({"status": "destroying", "applied_at": NOW}, "being destroyed"),
        ({"closed_at": NOW, "applied_at": NOW}, "being destroyed"),
        ({"applied_at": NOW, "replacing": "cluster-OLD"}, "data of shop-pr-42 is being replaced"),
    ],
)
def test_some_environments_cannot_be_paused(
    envctl: Envctl, account: Account, terraform: FakeTerraform, changes: dict[str, Any], said: str
) -> None:
    account.record(**changes)
    before = account.versions()
    refused = envctl("pause", "--pr", "42")
    assert (refused.code, said in refused.err, terraform.commands) == (7, True, [])
    assert account.versions() == before


@pytest.mark.usefixtures("bastion")
def test_a_pause_never_costs_the_database(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    terraform.change(CLUSTER, replaces=True)
    before = account.manifest()
    refused = envctl("pause", "--pr", "42", "--json")
    assert (refused.code, refused.json["error"]["address"]) == (7, CLUSTER)
    assert (account.manifest(), cluster_status(account)) == (before, "available")


def test_a_pause_restores_no_database_only_to_stop_it(
    envctl: Envctl, account: Account, terraform: FakeTerraform, saved_plan: Path
) -> None:
    database_gone(envctl, terraform)
    before, paused = account.manifest(), envctl("pause", "--pr", "42")
    assert (paused.code, "The database of shop-pr-42 is gone" in paused.err) == (7, True), paused.err
    assert "envctl up --pr 42" in paused.err
    assert (terraform.commands, saved_plan.exists()) == (["plan"], False)
    assert account.manifest() == before
    # What it names is a way on, and notes that the data is another.
    terraform.set(gate=CLUSTER)
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    assert account.manifest().replacing == "gone"
    account.database("shop-pr-42")
    terraform.let("go")
    assert ended(process).code == 0
    assert envctl("pause", "--pr", "42").code == 0
    assert cluster_status(account) == "stopped"


def test_a_pause_takes_a_read_replica_away(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    unwanted_replica(envctl, account, terraform)
    assert envctl("pause", "--pr", "42").code == 0
    assert terraform.commands == ["plan", "apply"]


def test_but_not_one_that_somebody_has_promoted(
    envctl: Envctl, account: Account, terraform: FakeTerraform, saved_plan: Path
) -> None:
    replica = unwanted_replica(envctl, account, terraform)
    account.promote(replica)
    before = account.manifest()
    refused = envctl("pause", "--pr", "42")
    assert (refused.code, f"{replica} is no read replica any more" in refused.err) == (7, True), refused.err
    assert (account.manifest(), terraform.commands, saved_plan.exists()) == (before, ["plan"], False)


@pytest.mark.usefixtures("bastion")
def test_a_refresh_waits_until_it_is_resumed(envctl: Envctl, account: Account) -> None:
    envctl("pause", "--pr", "42")
    account.snapshot(timedelta(minutes=1), "newer")
    refused = envctl("refresh-data", "--pr", "42", "--yes")
    assert (refused.code, "envctl resume --pr 42" in refused.err) == (7, True)


@pytest.mark.usefixtures("bastion")
def test_a_state_that_could_not_be_saved_is_saved_first(envctl: Envctl, account: Account) -> None:
    unsaved(envctl, account)
    result = envctl("pause", "--pr", "42")
    assert (result.code, "The state that could not be saved is saved" in result.err) == (0, True)


@pytest.mark.usefixtures("bastion")
def test_a_pause_that_failed_leaves_a_way_on(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    terraform.change(LB)
    terraform.fail("apply", LB)
    assert envctl("pause", "--pr", "42").code == 4
    assert account.manifest().status == "failed"
    terraform.set(fail={})
    assert envctl("pause", "--pr", "42").code == 0
    assert (account.manifest().status, cluster_status(account)) == ("paused", "stopped")
