"""`refresh-data`: what it asks, what it replaces, what it remembers, and how the next one completes a killed one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from world import CLUSTER, LB, TAGS, VPC, Account, Envctl, FakeTerraform, Result, ended, unsaved

from orchestrator.manifest import Manifest


@pytest.fixture
def database(envctl: Envctl, account: Account, terraform: FakeTerraform) -> str:
    """An environment that is ready, and a snapshot of production newer than its data. AWS's id of its cluster."""
    with account.restored("shop-pr-42") as made:
        terraform.database(made)
        assert envctl("up", "--pr", "42", "--yes").code == 0
    account.snapshot(timedelta(minutes=5), "newer")
    terraform.forget()
    return made


def refresh(envctl: Envctl, *more: str) -> Result:
    return envctl("refresh-data", "--pr", "42", "--yes", *more)


def half_done(account: Account, replacing: str, snapshot: str = "newer") -> Manifest:
    """Put the record of a refresh that was killed."""
    ready = account.manifest()
    pinned = {"arn": f"arn:aws:rds:us-east-1:123456789012:cluster-snapshot:{snapshot}", "id": snapshot}
    operation = {"kind": "refresh-data", "started_at": "2026-11-22T09:00:00Z", "id": "theirs"}
    raw = json.loads(account.client("s3").get_object(Bucket="acme-preview-state", Key=key())["Body"].read())
    raw |= {
        "status": "updating",
        "replacing": replacing,
        "operation": operation,
        "snapshot": {**raw["snapshot"], **pinned},
    }
    account.put(key(), json.dumps(raw))
    assert ready.replacing is None
    return account.manifest()


def key() -> str:
    return "environments/acme/shop/pr-42/manifest.json"


# --- Asked for -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
def test_it_tells_both_ages_and_asks(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    before = account.versions()
    refused = envctl("refresh-data", "--pr", "42")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    now, then = (line for line in refused.err.splitlines() if line.startswith("data "))
    assert re.search(r" 2 h( \d+ min)? old \(rds:shop-prod-", now)
    assert re.search(r" 5 min( \d+ s)? old \(newer, ", then)
    assert (account.versions(), terraform.commands) == (before, [])


def test_the_database_alone_is_replaced(envctl: Envctl, terraform: FakeTerraform, database: str) -> None:
    body = refresh(envctl, "--json").json
    assert [(r["address"], r["action"]) for r in body["resources"]] == [(CLUSTER, "replace")]
    assert body["snapshot"]["id"] == "newer"
    assert f"-replace={CLUSTER}" in terraform.the("plan").argv
    variables = json.loads((envctl.directory / ".envctl/pr-42/terraform.tfvars.json").read_text())
    assert variables["database"]["snapshot_arn"].endswith(":newer")


def test_the_record_says_before_what_has_to_go_and_what_comes(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str
) -> None:
    restored_at = account.manifest().data_at
    assert refresh(envctl).code == 0
    seen = terraform.the("apply").end["manifest"]
    assert (seen["operation"]["kind"], seen["replacing"], seen["snapshot"]["id"]) == ("refresh-data", database, "newer")
    record = account.manifest()
    assert (record.status, record.replacing, record.snapshot.id) == ("ready", None, "newer")
    assert record.data_at
    assert restored_at
    assert record.data_at >= restored_at


@pytest.mark.usefixtures("database")
def test_the_next_up_has_nothing_to_do(envctl: Envctl, terraform: FakeTerraform) -> None:
    refresh(envctl)
    terraform.forget()
    body = envctl("up", "--pr", "42", "--yes", "--json").json
    assert not any(body["changes"].values())
    assert "apply" not in terraform.commands


@pytest.mark.usefixtures("database")
def test_a_restored_cluster_gets_iam_authentication(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    terraform.set(outputs={"database_cluster_id": {"value": "shop-pr-42"}})
    assert refresh(envctl).code == 0
    (cluster,) = account.client("rds").describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]
    assert cluster["IAMDatabaseAuthenticationEnabled"]


@pytest.mark.usefixtures("database")
def test_data_that_is_the_newest_is_left_alone(envctl: Envctl, account: Account, terraform: FakeTerraform) -> None:
    refresh(envctl)
    before = account.versions()
    terraform.forget()
    again = refresh(envctl)
    assert (again.code, terraform.commands, account.versions()) == (0, [], before)
    assert "No newer snapshot is usable: the data is that of newer" in again.out


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("name", ["before-migration", "newer"])
def test_a_snapshot_that_is_named_is_restored_whatever_its_age(
    envctl: Envctl, terraform: FakeTerraform, name: str
) -> None:
    refresh(envctl)
    terraform.forget()
    assert refresh(envctl, "--snapshot", name, "--json").json["snapshot"]["id"] == name
    assert terraform.commands.count("apply") == 1


# --- Refused ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("is_promoted", [False, True])
def test_a_read_replica_that_somebody_has_promoted_does_not_go(
    envctl: Envctl, account: Account, terraform: FakeTerraform, is_promoted: bool
) -> None:
    replica = {"type": "aws_db_instance", "values": {"identifier": "shop-pr-42-replica-1"}}
    terraform.set(resources={**terraform.resources, "module.database.aws_db_instance.replica[0]": replica})
    assert envctl("up", "--pr", "42", "--yes").code == 0
    account.instance("shop-pr-42-primary")
    account.instance("shop-pr-42-replica-1", source=None if is_promoted else "shop-pr-42-primary")
    terraform.forget()
    record = account.manifest()
    result = refresh(envctl)
    assert (result.code, "shop-pr-42-replica-1 is no read replica any more" in result.err) == (
        (7, True) if is_promoted else (0, False)
    ), result.err
    assert (account.manifest() == record, "apply" in terraform.commands) == (is_promoted, not is_promoted)


def test_where_the_database_is_gone_another_one_is_not_replaced_in_its_place(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    rds = account.client("rds")
    account.instance("reports")
    (found,) = rds.describe_db_instances(DBInstanceIdentifier="reports")["DBInstances"]
    values = {"id": "reports", "identifier": "reports", "resource_id": found["DbiResourceId"]}
    wanted = {**terraform.resources, "aws_db_instance.reports": {"type": "aws_db_instance", "values": values}}
    rds.remove_tags_from_resource(ResourceName=found["DBInstanceArn"], TagKeys=["envctl:environment"])
    terraform.set(resources={address: wanted[address] for address in wanted if address != CLUSTER})
    assert envctl("up", "--pr", "42", "--yes").code == 0
    rds.add_tags_to_resource(ResourceName=found["DBInstanceArn"], Tags=TAGS)
    account.snapshot(timedelta(minutes=5), "newer")
    terraform.set(resources=wanted)
    terraform.forget()
    result = refresh(envctl, "--json")
    assert result.code == 0, result.err
    assert [(r["address"], r["action"]) for r in result.json["resources"]] == [(CLUSTER, "create")]
    assert account.manifest().snapshot.id == "newer"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("address", [LB, VPC])
def test_what_else_would_change_is_for_up(
    envctl: Envctl, account: Account, terraform: FakeTerraform, address: str
) -> None:
    terraform.change(address)
    before = account.manifest()
    refused = refresh(envctl, "--json")
    assert (refused.code, refused.json["error"]["address"]) == (7, address)
    assert account.manifest() == before
    assert "apply" not in terraform.commands
    assert not (envctl.directory / ".envctl/pr-42/saved.tfplan").exists()


@pytest.mark.usefixtures("database")
def test_without_a_usable_snapshot_the_old_data_stays(envctl: Envctl, terraform: FakeTerraform) -> None:
    refused = refresh(envctl, "--snapshot", "no-such-thing")
    assert refused.code == 7
    assert "named 'no-such-thing'" in refused.err
    assert terraform.commands == []


def test_what_is_not_there_has_no_data(envctl: Envctl) -> None:
    assert refresh(envctl).code == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "never complete"),
        ({"status": "destroying"}, "being destroyed"),
        ({"closed_at": datetime(2026, 11, 22, tzinfo=UTC)}, "being destroyed"),
        ({"applied_at": datetime(2026, 11, 22, tzinfo=UTC), "paused_at": datetime(2026, 11, 22, tzinfo=UTC)}, "paused"),
    ],
)
def test_some_environments_cannot_be_refreshed(
    envctl: Envctl, account: Account, changes: dict[str, object], said: str
) -> None:
    account.record(**changes)
    before = account.versions()
    refused = refresh(envctl)
    assert (refused.code, said in refused.err) == (7, True)
    assert account.versions() == before


# --- Killed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["refresh-data", "up"])
def test_killed_before_the_old_database_went_it_still_goes(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str, command: str
) -> None:
    half_done(account, replacing=database)
    account.snapshot(timedelta(minutes=1), "newer-still")
    assert envctl(command, "--pr", "42", "--yes").code == 0
    assert f"-replace={CLUSTER}" in terraform.the("plan").argv
    record = account.manifest()
    assert (record.snapshot.id, record.replacing, record.status) == ("newer", None, "ready")


@pytest.mark.parametrize("command", ["refresh-data", "up"])
def test_killed_after_the_new_one_stood_nothing_is_replaced_again(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str, command: str
) -> None:
    half_done(account, replacing="cluster-THEOLDONE")
    assert envctl(command, "--pr", "42", "--yes").code == 0
    assert not [word for word in terraform.the("plan").argv if word.startswith("-replace")]
    record = account.manifest()
    assert (record.snapshot.id, record.replacing, record.status) == ("newer", None, "ready")
    (cluster,) = account.client("rds").describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]
    assert cluster["DbClusterResourceId"] == database


def test_once_the_new_one_stands_it_is_as_safe_as_any_other(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str
) -> None:
    half_done(account, replacing="cluster-THEOLDONE")
    terraform.change(CLUSTER, replaces=True)
    assert "would refuse this plan" in envctl("plan", "--pr", "42").out
    refused = envctl("up", "--pr", "42", "--yes", "--json")
    assert (refused.code, refused.json["error"]["address"]) == (7, CLUSTER)
    assert "apply" not in terraform.commands


@pytest.mark.parametrize("command", ["refresh-data", "up"])
def test_once_the_new_one_stands_its_snapshot_may_go(
    envctl: Envctl, account: Account, database: str, command: str
) -> None:
    half_done(account, replacing="cluster-THEOLDONE", snapshot="deleted-meanwhile")
    assert envctl(command, "--pr", "42", "--yes").code == 0
    assert account.manifest().snapshot.id == "deleted-meanwhile"


def test_and_another_one_can_be_asked_for(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str
) -> None:
    half_done(account, replacing="cluster-THEOLDONE")
    assert refresh(envctl, "--snapshot", "before-migration").code == 0
    assert f"-replace={CLUSTER}" in terraform.the("plan").argv
    seen = terraform.the("apply").end["manifest"]
    assert (seen["replacing"], seen["snapshot"]["id"]) == (database, "before-migration")


def test_even_if_terraform_never_noted_the_new_one_down(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str
) -> None:
    half_done(account, replacing=database)
    lost = account.database("shop-pr-42")
    result = refresh(envctl, "--snapshot", "before-migration")
    assert (result.code, account.manifest().snapshot.id) == (0, "before-migration"), result.err
    assert lost not in [c["DbClusterResourceId"] for c in account.client("rds").describe_db_clusters()["DBClusters"]]


def test_the_old_one_may_vanish_while_its_replacement_is_planned(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str
) -> None:
    half_done(account, replacing=database)
    terraform.set(gate="plan")
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    account.client("rds").delete_db_cluster(DBClusterIdentifier="shop-pr-42", SkipFinalSnapshot=True)
    terraform.let("go")
    result = ended(process)
    assert (result.code, account.manifest().replacing) == (0, None), result.err


@pytest.mark.usefixtures("database")
def test_what_is_extended_while_it_is_planned_stays_extended(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(gate="plan")
    process = envctl.spawn("refresh-data", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    assert envctl("extend", "30d", "--pr", "42").code == 0
    terraform.let("go")
    result = ended(process)
    assert (result.code, account.manifest().snapshot.id) == (0, "newer"), result.err
    assert account.manifest().expires_at - datetime.now(UTC) > timedelta(days=29)


@pytest.mark.parametrize("state", ["another", "encrypted"])
def test_what_the_state_does_not_know_it_cannot_replace(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str, state: str
) -> None:
    if state == "another":
        terraform.database("cluster-ANOTHER")
        envctl("up", "--pr", "42", "--yes")
    else:
        account.put(key().replace("manifest.json", "terraform.tfstate"), '{"encrypted_data": "x"}')
    before = account.manifest()
    refused = refresh(envctl)
    assert (refused.code, "does not know its database" in refused.err) == (8, True), refused.err
    assert (account.manifest(), "apply" in terraform.commands) == (before, state == "another")


@pytest.mark.usefixtures("database")
def test_a_state_that_could_not_be_saved_is_saved_first(envctl: Envctl, account: Account) -> None:
    unsaved(envctl, account)
    result = refresh(envctl)
    assert result.code == 0
    assert result.err.index("The state that could not be saved is saved") < result.err.index("planning")


@pytest.mark.parametrize("command", ["refresh-data", "up"])
def test_a_database_that_terraform_never_noted_down_is_deleted_first(
    envctl: Envctl, account: Account, database: str, command: str
) -> None:
    half_done(account, replacing=database)
    account.database("shop-pr-42")  # restored, and killed before the state said so
    assert envctl(command, "--pr", "42", "--yes").code == 0
    clusters = [c["DBClusterIdentifier"] for c in account.client("rds").describe_db_clusters()["DBClusters"]]
    assert "shop-pr-42" not in clusters  # the fake Terraform makes none
    assert account.manifest().replacing is None


def test_a_plan_of_a_half_done_refresh_deletes_nothing(envctl: Envctl, account: Account, database: str) -> None:
    half_done(account, replacing=database)
    new = account.database("shop-pr-42")
    assert envctl("plan", "--pr", "42").code == 0
    (cluster,) = account.client("rds").describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]
    assert cluster["DbClusterResourceId"] == new


def test_a_snapshot_that_has_gone_meanwhile_is_no_dead_end(envctl: Envctl, account: Account, database: str) -> None:
    half_done(account, replacing=database, snapshot="deleted-meanwhile")
    assert refresh(envctl, "--json").json["snapshot"]["id"] == "newer"


def test_a_refresh_that_failed_says_what_remains_and_is_completed(
    envctl: Envctl, account: Account, terraform: FakeTerraform, database: str
) -> None:
    terraform.fail("apply", CLUSTER, "no capacity")
    failed = refresh(envctl, "--json")
    assert (failed.code, failed.json["error"]["address"]) == (4, CLUSTER)
    assert (account.manifest().status, account.manifest().replacing) == ("failed", database)
    terraform.set(fail={})
    assert refresh(envctl).code == 0
    assert account.manifest().replacing is None
