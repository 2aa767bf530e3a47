"""`up`: what is created, what is left alone, what is refused, and what is remembered of each."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import BUCKET, CLUSTER, LB, PREFIX, VPC, Account, Envctl, FakeTerraform, Result, ended, unwanted_replica

from orchestrator import manifest as manifests
from orchestrator.manifest import Operation

STATE = f"{PREFIX}pr-42/terraform.tfstate"
MANIFEST = f"{PREFIX}pr-42/manifest.json"
BUNDLE = f"{PREFIX}pr-42/bundle.tar.gz"


def up(envctl: Envctl, *more: str, pr: int = 42) -> Result:
    return envctl("up", "--pr", str(pr), "--yes", *more)


# --- Created ---------------------------------------------------------------------------------------


def test_a_first_up_creates_everything_and_says_what_it_made(envctl: Envctl, account: Account) -> None:
    result = up(envctl)
    assert (result.code, account.objects()) == (0, [BUNDLE, MANIFEST, STATE])
    assert list(account.state()["resources"]) == [VPC, CLUSTER, LB]
    assert "✓ ready  shop-pr-42" in result.out
    assert "3 added" in result.out
    assert "2 h old" in result.out


def test_a_first_up_is_one_apply_without_a_plan_before_it(envctl: Envctl, terraform: FakeTerraform) -> None:
    up(envctl)
    assert [command for command in terraform.commands if command != "version"] == ["init", "apply"]


def test_the_manifest_says_what_is_meant_before_terraform_runs(envctl: Envctl, terraform: FakeTerraform) -> None:
    up(envctl, "--commit", "abcdef0")
    seen = terraform.the("apply").end["manifest"]
    assert (seen["status"], seen["commit"], seen["operation"]["ended_at"]) == ("creating", "abcdef0", None)
    assert seen["snapshot"]["id"].startswith("rds:shop-prod-")


def test_a_site_under_its_commits_name_needs_the_commit(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_WEB__ARTIFACT", "s3://sites/{pr}/{commit}.tar.gz")
    refused = up(envctl)
    assert (refused.code, "Give --commit" in refused.err, account.objects()) == (2, True, [])
    assert up(envctl, "--commit", "abcdef0").code == 0
    tfvars = json.loads((envctl.directory / ".envctl/pr-42/terraform.tfvars.json").read_text())
    assert tfvars["web"]["artifact"] == "s3://sites/42/abcdef0.tar.gz"


def test_the_manifest_says_what_came_of_it(envctl: Envctl, account: Account) -> None:
    up(envctl)
    record = account.manifest()
    assert (record.status, record.outputs) == ("ready", {"database_endpoint": "shop-pr-42.cluster.local"})
    assert record.operation
    assert (record.operation.outcome, record.operation.ended_at is None) == ("applied", False)


def test_the_newest_usable_snapshot_is_taken(envctl: Envctl, account: Account) -> None:
    account.snapshot(timedelta(minutes=5), "in-the-making", status="creating")
    account.snapshot(timedelta(minutes=9), "no-good", status="failed")
    expected = account.snapshot(timedelta(minutes=30), "the-one")
    assert up(envctl, "--json").json["snapshot"]["id"] == expected


@pytest.mark.parametrize("form", ["id", "arn"])
def test_a_snapshot_that_is_named_is_taken(envctl: Envctl, account: Account, form: str) -> None:
    arn = "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:before-migration"
    named = {"id": "before-migration", "arn": arn}[form]
    snapshot = up(envctl, "--snapshot", named, "--json").json["snapshot"]
    assert (snapshot["id"], snapshot["arn"], snapshot["reason"]) == ("before-migration", arn, "asked for by name")


def test_latest_is_the_name_of_the_default(envctl: Envctl) -> None:
    assert up(envctl, "--snapshot", "latest", "--json").json["snapshot"]["reason"].startswith("the newest by original")


def test_a_restored_cluster_gets_iam_authentication(envctl: Envctl, terraform: FakeTerraform, account: Account) -> None:
    login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
    account.client("rds").create_db_cluster(DBClusterIdentifier="shop-pr-42", Engine="aurora-mysql", **login)
    terraform.set(outputs={"database_cluster_id": {"value": "shop-pr-42"}})
    assert up(envctl).code == 0
    (cluster,) = account.client("rds").describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]
    assert cluster["IAMDatabaseAuthenticationEnabled"]


def test_a_sensitive_output_is_printed_and_stored_nowhere(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    terraform.set(outputs={"password": {"value": "hunter2", "sensitive": True}, "port": {"value": 3306}})
    results = [up(envctl), up(envctl, "--json"), envctl("outputs", "--pr", "42"), envctl("show", "--pr", "42", "-v")]
    assert results[1].json["outputs"] == {"port": 3306}
    assert not [r for r in results if "hunter2" in r.out + r.err]
    assert b"hunter2" not in account.client("s3").get_object(Bucket=BUCKET, Key=MANIFEST)["Body"].read()


# --- Unchanged and changed -------------------------------------------------------------------------


def test_a_second_up_without_changes_writes_nothing_at_all(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    up(envctl)
    terraform.forget()
    before = {key: version for key, version in account.versions() if not key.endswith(".tflock")}
    result = up(envctl)
    assert (result.code, terraform.commands) == (0, ["plan"])
    assert "none: everything is as it should be" in result.out
    assert {key: version for key, version in account.versions() if not key.endswith(".tflock")} == before


def test_a_new_snapshot_of_production_changes_nothing(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    first = up(envctl, "--json").json["snapshot"]["id"]
    account.snapshot(timedelta(minutes=1), "newer")
    assert up(envctl, "--json").json["snapshot"]["id"] == first
    variables = json.loads((envctl.directory / ".envctl/pr-42/terraform.tfvars.json").read_text())
    assert variables["database"]["snapshot_arn"].endswith(first)


def test_an_up_with_changes_plans_and_applies_that_plan(
    envctl: Envctl, terraform: FakeTerraform, account: Account, saved_plan: Path
) -> None:
    up(envctl)
    terraform.forget()
    terraform.change(LB)
    body = up(envctl, "--json").json
    assert body["changes"] == {"add": 0, "change": 1, "replace": 0, "destroy": 0}
    assert [(r["address"], r["action"], r["status"]) for r in body["resources"]] == [(LB, "update", "done")]
    assert terraform.commands == ["plan", "apply"]
    assert terraform.the("apply").argv[-1] == str(saved_plan)
    assert "changed" in account.state()["resources"][LB]


def test_an_up_with_changes_says_updating_meanwhile(envctl: Envctl, terraform: FakeTerraform) -> None:
    up(envctl)
    terraform.forget()
    terraform.change(LB)
    up(envctl)
    assert terraform.the("apply").end["manifest"]["status"] == "updating"


def test_a_replaced_load_balancer_is_no_reason_to_refuse(envctl: Envctl, terraform: FakeTerraform) -> None:
    up(envctl)
    terraform.change(LB, replaces=True)
    body = up(envctl, "--json").json
    assert (body["ok"], body["changes"]["replace"]) == (True, 1)


# --- Refused ---------------------------------------------------------------------------------------


def test_replacing_the_database_is_refused_and_nothing_applied(
    envctl: Envctl, terraform: FakeTerraform, account: Account, saved_plan: Path
) -> None:
    up(envctl)
    terraform.forget()
    terraform.change(CLUSTER, replaces=True)
    record, state = account.manifest(), account.state()
    result = up(envctl, "--json")
    assert (result.code, result.json["error"]["code"], result.json["error"]["address"]) == (7, "policy", CLUSTER)
    assert terraform.commands == ["plan"]
    assert (account.manifest(), account.state()) == (record, state)
    assert not saved_plan.exists()


@pytest.mark.parametrize("is_promoted", [False, True])
def test_fewer_read_replicas_may_be_wanted_but_none_that_somebody_has_promoted_goes(
    envctl: Envctl, terraform: FakeTerraform, account: Account, saved_plan: Path, is_promoted: bool
) -> None:
    replica = unwanted_replica(envctl, account, terraform)
    if is_promoted:
        account.promote(replica)
    record = account.manifest()
    result = up(envctl)
    assert (result.code, f"{replica} is no read replica any more" in result.err) == (7 * is_promoted, is_promoted)
    assert terraform.commands == (["plan"] if is_promoted else ["plan", "apply"])
    assert (account.manifest() == record, saved_plan.exists()) == (is_promoted, False)


def test_a_plan_tells_that_up_would_refuse_it(envctl: Envctl, terraform: FakeTerraform) -> None:
    up(envctl)
    terraform.change(CLUSTER, replaces=True)
    result = envctl("plan", "--pr", "42")
    assert result.code == 0
    assert f"would refuse this plan: {CLUSTER} cannot go without" in result.out


def test_a_half_made_database_may_be_replaced_before_anyone_used_it(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.fail("apply", LB)
    assert up(envctl).code == 4
    terraform.set(fail={})
    terraform.change(CLUSTER, replaces=True)
    assert up(envctl).code == 0


def test_another_snapshot_for_an_environment_that_exists_is_refused(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    up(envctl)
    terraform.forget()
    before = account.versions()
    result = up(envctl, "--snapshot", "before-migration")
    assert (result.code, terraform.commands, account.versions()) == (7, [], before)
    assert "was created from rds:shop-prod-" in result.err


def test_an_up_that_is_refused_while_it_plans_leaves_no_plan(envctl: Envctl, saved_plan: Path) -> None:
    for _ in range(2):
        up(envctl)
    assert up(envctl, "--snapshot", "before-migration").code == 7
    assert not saved_plan.exists()


def test_one_more_than_the_limit_is_refused(
    envctl: Envctl, terraform: FakeTerraform, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "2")
    account.record(1, expires_at=datetime(2030, 1, 2, tzinfo=UTC))
    account.record(2, expires_at=datetime(2030, 1, 1, tzinfo=UTC))
    before = account.versions()
    result = up(envctl, pr=3)
    assert (result.code, account.versions()) == (7, before)
    assert "exist already number 2" in result.err
    assert "`envctl list` shows which expires first" in result.err
    assert "apply" not in terraform.commands


def test_the_limit_never_stops_an_environment_that_exists(envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    up(envctl)
    monkeypatch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "1")
    assert up(envctl).code == 0


# --- Failed ----------------------------------------------------------------------------------------


def test_a_failed_apply_names_the_resource_and_is_recorded(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    terraform.fail("apply", CLUSTER, "creating RDS Cluster", "DBClusterQuotaExceeded")
    result = up(envctl, "--json")
    error = result.json["error"]
    assert (result.code, error["code"], error["address"]) == (4, "terraform", CLUSTER)
    assert "creating RDS Cluster: DBClusterQuotaExceeded" in error["message"]
    assert "DBClusterQuotaExceeded" in result.err
    record = account.manifest()
    assert (record.status, list(account.state()["resources"])) == ("failed", [VPC])
    assert record.operation
    assert "DBClusterQuotaExceeded" in (record.operation.outcome or "")


def test_the_next_up_after_a_failure_carries_on(envctl: Envctl, terraform: FakeTerraform, account: Account) -> None:
    terraform.fail("apply", CLUSTER)
    up(envctl)
    terraform.set(fail={})
    body = up(envctl, "--json").json
    assert (body["ok"], body["changes"]["add"]) == (True, 2)
    assert (account.manifest().status, len(account.state()["resources"])) == ("ready", 3)


def test_missing_permissions_are_told_from_other_failures(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.fail("apply", VPC, "creating EC2 VPC", "api error UnauthorizedOperation: You are not authorized")
    result = up(envctl)
    assert result.code == 3
    assert "aws sts get-caller-identity" in result.err


@pytest.mark.parametrize("command", ["init", "plan"])
def test_a_failure_before_the_apply_changes_nothing(
    envctl: Envctl, terraform: FakeTerraform, account: Account, saved_plan: Path, command: str
) -> None:
    if command == "plan":
        up(envctl)
    before = {key: version for key, version in account.versions() if not key.endswith(".tflock")}
    terraform.forget()
    terraform.fail(command, summary="Failed to install provider")
    result = up(envctl)
    assert (result.code, "apply" in terraform.commands) == (4, False)
    assert f"terraform {command}: Failed to install provider" in result.err
    assert {key: version for key, version in account.versions() if not key.endswith(".tflock")} == before
    assert not saved_plan.exists()


def test_a_crash_is_told_with_what_terraform_last_said(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.set(crash={"apply": "panic: runtime error: invalid memory address"})
    result = up(envctl)
    assert result.code == 4
    assert "exit code 11" in result.err
    assert "panic: runtime error" in result.err


def test_a_terraform_of_another_protocol_is_refused_before_it_applies(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    terraform.set(ui="2.0")
    result = up(envctl)
    assert (result.code, account.objects(), "apply" in terraform.commands) == (4, [], False)
    assert "version 2.0 of its JSON event stream" in result.err


# --- Locked, doubled, killed -----------------------------------------------------------------------


def test_a_held_lock_is_told_with_its_holder(envctl: Envctl, terraform: FakeTerraform, account: Account) -> None:
    up(envctl)
    account.lock(who="runner@ci-7")
    result = up(envctl)
    assert result.code == 5
    assert "runner@ci-7" in result.err
    assert "2026-11-22 09:00:00" in result.err
    assert "envctl unlock" in result.err


def test_who_meets_a_lock_leaves_the_record_alone(envctl: Envctl, terraform: FakeTerraform, account: Account) -> None:
    record = account.record()
    account.lock()
    result = up(envctl)
    assert (result.code, account.manifest()) == (5, record)
    assert not {"plan", "apply"} & set(terraform.commands)


def test_a_second_up_of_the_same_checkout_waits_for_nobody(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.set(gate=CLUSTER)
    first = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    second = up(envctl)
    assert second.code == 5
    assert "at work on pr-42 in this checkout" in second.err
    terraform.let("go")
    assert ended(first).code == 0


def test_a_second_up_from_another_checkout_leaves_the_first_alone(
    envctl: Envctl, terraform: FakeTerraform, account: Account, tmp_path: Path
) -> None:
    terraform.set(gate=CLUSTER)
    first = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    second = ended(envctl.elsewhere(tmp_path / "other").spawn("up", "--pr", "42", "--yes"))
    assert second.code == 5
    assert "for envctl up" in second.err
    terraform.let("go")
    assert ended(first).code == 0
    assert (account.manifest().status, terraform.commands.count("apply")) == ("ready", 1)


def test_two_environments_come_up_at_once_from_one_checkout(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    terraform.set(gate=CLUSTER)
    first = envctl.spawn("up", "--pr", "1", "--yes")
    terraform.wait_for("reached")
    second = envctl.spawn("up", "--pr", "2", "--yes")
    terraform.let("go")
    assert (ended(first).code, ended(second).code) == (0, 0)
    assert [len(account.state(pr)["resources"]) for pr in (1, 2)] == [3, 3]


@pytest.mark.parametrize("place", ["plan", CLUSTER])
def test_what_is_extended_during_an_up_stays_extended(
    envctl: Envctl, terraform: FakeTerraform, account: Account, place: str
) -> None:
    assert up(envctl).code == 0
    terraform.change(CLUSTER)
    terraform.set(gate=place)
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    assert envctl("extend", "30d", "--pr", "42").code == 0
    terraform.let("go")
    assert ended(process).code == 0
    record = account.manifest()
    assert (record.status, record.expires_at - datetime.now(UTC) > timedelta(days=29)) == ("ready", True)


def test_what_a_killed_terraform_made_is_not_made_again(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    terraform.set(die_at=CLUSTER)
    assert up(envctl).code == 4
    vpc = account.vpc("shop-pr-42")
    terraform.set(die_at=None)
    terraform.forget()
    result = up(envctl, "--json")
    assert (result.code, terraform.commands) == (8, [])
    assert [left["arn"].rpartition("/")[2] for left in result.json["left"]] == [vpc]


def test_what_a_killed_envctl_made_is_not_made_again(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    account.record(status="creating")
    vpc = account.vpc("shop-pr-42")
    result = up(envctl)
    assert (result.code, "apply" in terraform.commands) == (8, False)
    assert vpc in result.out


def test_what_a_destroy_could_not_take_away_is_not_made_again(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    now = datetime.now(UTC)
    account.record(status="failed", applied_at=now, operation=Operation("destroy", now, now, "not gone"))
    account.put(STATE, '{"version": 4, "serial": 9, "resources": {}, "outputs": {}}')
    vpc = account.vpc("shop-pr-42")
    result = up(envctl)
    assert (result.code, "apply" in terraform.commands) == (8, False)
    assert vpc in result.out


def test_iam_authentication_is_on_whichever_run_completes_the_cluster(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    rds = account.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="shop-pr-42", Engine="aurora-mysql", MasterUsername="admin", MasterUserPassword="secret99"
    )
    terraform.set(outputs={"database_cluster_id": {"value": "shop-pr-42"}})
    terraform.fail("apply", LB)
    assert up(envctl).code == 4
    terraform.set(fail={})
    assert up(envctl).code == 0
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier="shop-pr-42")["DBClusters"]
    assert cluster["IAMDatabaseAuthenticationEnabled"] is True


def test_a_killed_up_that_had_made_nothing_is_begun_again(envctl: Envctl, account: Account) -> None:
    account.record(status="creating")
    account.vpc("shop-pr-4")  # another environment's, whose name this one's begins with
    assert up(envctl).code == 0
    assert account.manifest().status == "ready"


def test_a_killed_update_does_not_lock_itself_out(envctl: Envctl, terraform: FakeTerraform, account: Account) -> None:
    for _ in range(2):
        up(envctl)
    account.put(MANIFEST, manifests.render(manifests.intend(account.manifest(), "up", datetime.now(UTC), None)))
    terraform.set(gate="plan")  # which holds the state's lock
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    time.sleep(0.5)  # for the look at the record that goes on meanwhile
    terraform.let("go")
    assert ended(process).code == 0
    assert account.manifest().status == "ready"


def test_a_state_without_its_manifest_gets_a_new_one(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    up(envctl)
    account.client("s3").delete_object(Bucket=BUCKET, Key=MANIFEST)
    terraform.forget()
    terraform.change(LB)
    result = up(envctl)
    assert (result.code, terraform.commands) == (0, ["plan", "apply"])
    assert account.manifest().status == "ready"
    assert "no manifest" in result.err
