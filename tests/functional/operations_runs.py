"""Situations of docs/operations.md: other runs, dead runs, states and records."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaos.rules import Call
from operations_stage import Stage
from test_recovery import killed_while_applying, tagged_vpc
from world import BUCKET, CLUSTER, LB, PREFIX, TAGS, VPC, Result, ended
from world import unsaved as state_that_was_not_saved

from orchestrator import locks
from orchestrator.lifecycle import records, recovery, wake
from orchestrator.locks import Lock
from orchestrator.workspace import Workspace

NOW = datetime.now(UTC).replace(microsecond=0)


def locked(stage: Stage) -> Result:
    stage.account.lock()
    return stage.up()


def lock_of_the_dead(stage: Stage) -> Result:
    killed_while_applying(stage.envctl, stage.terraform)
    return stage.up()


def in_use(stage: Stage) -> Result:
    with Workspace(stage.envctl.directory, 42).held():
        return stage.up()


def overtaken(stage: Stage) -> Result:
    return stage.up_with(
        fault="refuse", service="s3", action="PutObject", path="*/manifest.json", error="precondition", times=0
    )


def being_destroyed(stage: Stage) -> Result:
    stage.account.record(status="destroyed")
    return stage.envctl("plan", "--pr", "42")


def lock_taken_away(stage: Stage) -> Result:
    stage.up()
    stage.terraform.set(gate=LB)
    process = stage.envctl.spawn("destroy", "--pr", "42", "--yes")
    stage.terraform.wait_for("reached")
    stage.envctl("unlock", "--pr", "42", "--yes")
    stage.terraform.let("go")
    return ended(process)


def another_lock_by_now(stage: Stage) -> Result:
    stage.account.lock()
    record, lock = f"{PREFIX}pr-42/manifest.json", f"{PREFIX}pr-42/terraform.tfstate.tflock"

    def while_a_person_is_asked(call: Call, moment: str) -> None:
        if call.path.endswith(record):  # what is read first after the answer
            stage.account.put(lock, locks.render(Lock("9e", "runner@ci-8"), lock))

    with stage.proxy(while_a_person_is_asked):
        return stage.envctl("unlock", "--pr", "42", "--yes")


def lock_not_given_back(stage: Stage) -> Result:
    return stage.up_with(fault="refuse", action="DeleteObject", path="*.tflock", times=0, error="denied")


def owner_not_asked(stage: Stage) -> Result:
    lock = f"{PREFIX}pr-42/terraform.tfstate.tflock"
    since = (NOW - timedelta(hours=1)).isoformat()
    run = Lock("9f", "runner@ci", "envctl up", since, info="GitHub Actions run 77, attempt 1, of acme/shop")
    stage.account.put(lock, locks.render(run, lock))
    stage.github.fail(403, path="/actions/runs/", times=9)
    return stage.up()


def interrupted(stage: Stage) -> Result:
    stage.terraform.set(gate=CLUSTER)
    stage.terraform.let("save")
    process = stage.envctl.spawn("up", "--pr", "42", "--yes")
    stage.terraform.wait_for("reached")
    process.send_signal(signal.SIGINT)
    return ended(process)


def interrupted_before(stage: Stage) -> Result:
    stage.terraform.set(gate="init")
    process = stage.envctl.spawn("up", "--pr", "42", "--yes")
    stage.terraform.wait_for("reached")
    process.send_signal(signal.SIGINT)
    return ended(process)


def left_in_no_state(stage: Stage) -> Result:
    stage.terraform.fail("apply", LB)
    stage.up()
    stage.terraform.set(fail={})
    stage.account.client("logs").create_log_group(logGroupName="/aws/rds/cluster/shop-pr-42/error")
    return stage.up()


def made_twice(stage: Stage) -> Result:
    stage.terraform.set(gate=LB)
    process = stage.envctl.spawn("up", "--pr", "42", "--yes")
    stage.terraform.wait_for("reached")
    tagged_vpc(stage.account)
    stage.terraform.let("go")
    return ended(process)


def made_twice_and_kept(stage: Stage) -> Result:
    tagged_vpc(stage.account)
    stage.patch.setattr(recovery, "STILL_S", 0)
    return stage.up_with(fault="refuse", action="DeleteVpc", error="dependency", times=0)


def made_twice_or_not(stage: Stage) -> Result:
    return stage.up_with(fault="refuse", action="DescribeVpcs", error="denied", times=0)


def without_its_snapshot(stage: Stage) -> Result:
    stage.up()
    pinned = stage.account.manifest().snapshot.id
    stage.account.record(replacing="gone", applied_at=NOW, snapshot=stage.account.manifest().snapshot)
    stage.account.snapshot(timedelta(hours=1), "taken-since")
    stage.account.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=pinned)
    return stage.up()


def unknown_database(stage: Stage) -> Result:
    stage.up()
    stage.terraform.fail("apply", LB)
    stage.terraform.change(LB)
    stage.up()
    login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
    rds = stage.account.client("rds")
    rds.create_db_cluster(DBClusterIdentifier="shop-pr-42", Engine="aurora-mysql", Tags=TAGS, **login)
    return stage.up()


def strange_things(stage: Stage) -> Result:
    stage.account.record()
    stage.account.vpc("shop-pr-42")  # of whose repository?
    return stage.up()


def terraform_killed(stage: Stage) -> Result:
    stage.terraform.set(die_at=VPC)
    return stage.up()


def still_starting(stage: Stage) -> Result:
    with stage.account.restored("shop-pr-42") as cluster:
        stage.terraform.database(cluster)
        stage.up()
    stage.envctl("pause", "--pr", "42")
    stage.patch.setattr(wake, "TIMEOUT_S", 0)
    # It starts, and goes on starting.
    slow = (("<Status>available</Status>", "<Status>starting</Status>"),)
    with stage.proxy(fault="rewrite", action="DescribeDBClusters", times=0, rewrite=slow):
        return stage.envctl("resume", "--pr", "42")


def made_and_noted_nowhere(stage: Stage) -> Result:
    stage.up()
    stage.account.database("shop-pr-42")
    stage.account.record(applied_at=NOW, replacing="cluster-OLD")
    stage.patch.setattr(recovery, "STILL_S", 0)
    return stage.up_with(fault="refuse", action="DeleteDBCluster", error="dependency", times=0)


def bug(stage: Stage) -> Result:
    stage.patch.setattr(records, "list_all", lambda records: 1 / 0)
    return stage.envctl("list")


def unsaved(stage: Stage) -> Result:
    stage.terraform.set(unsaved="always")
    stage.up()
    return stage.envctl("plan", "--pr", "42")


def saved_at_last(stage: Stage) -> Result:
    stage.terraform.set(unsaved="always")
    stage.up()
    stage.terraform.set(unsaved=None)
    return stage.up()


def kept_state(stage: Stage, **changes: object) -> Path:
    """Leave a state that could not be saved, with something in it that the present one does not know."""
    stage.up()
    file = state_that_was_not_saved(stage.envctl, stage.account)
    vpc = {"type": "aws_vpc", "name": "this", "instances": [{"attributes": {"id": "vpc-of-nobody"}}]}
    file.write_text(json.dumps({**json.loads(file.read_text()), "resources": [vpc], **changes}))
    return file


def of_another_lineage(stage: Stage) -> Result:
    kept_state(stage, lineage="another")
    return stage.up()


def older_than_the_present(stage: Stage) -> Result:
    kept_state(stage, serial=0)
    return stage.up()


def unreadable_state(stage: Stage) -> Result:
    kept_state(stage).write_text("{")
    return stage.up()


def saved_in_a_second_attempt(stage: Stage) -> Result:
    stage.terraform.set(unsaved="once")
    return stage.up()


def lost_record(stage: Stage) -> Result:
    stage.up()
    stage.account.client("s3").delete_object(Bucket=BUCKET, Key=f"{PREFIX}pr-42/manifest.json")
    return stage.up()


def no_environment(stage: Stage) -> Result:
    return stage.envctl("show", "--pr", "42")


def two_unsaved(stage: Stage) -> Result:
    stage.up()
    mine, theirs = (
        {"type": "aws_vpc", "name": "this", "instances": [{"attributes": {"id": id}}]} for id in ("vpc-1", "vpc-2")
    )
    state = {"version": 4, "lineage": "one", "serial": 99}
    file = stage.envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    file.write_text(json.dumps({**state, "resources": [mine]}))
    stage.account.put(f"{PREFIX}pr-42/errored.tfstate", json.dumps({**state, "resources": [theirs]}))
    return stage.up()


def unreadable_record(stage: Stage) -> Result:
    stage.account.put(f"{PREFIX}pr-42/manifest.json", "{")
    return stage.up()


def record_of_a_newer_envctl(stage: Stage) -> Result:
    stage.account.put(f"{PREFIX}pr-42/manifest.json", '{"version": 2}')
    return stage.up()


def moved_on(stage: Stage) -> Result:
    stage.up()
    (stage.envctl.directory / "terraform" / "env" / "main.tf").write_text("# another day\n")
    return stage.destroy()


def damaged_code(stage: Stage) -> Result:
    stage.up()
    stored = stage.account.manifest().code
    assert stored
    stage.account.put(f"{PREFIX}pr-42/bundle.tar.gz", b"damaged")
    stage.account.record(applied_at=NOW, code=replace(stored, code="another", version=""))
    return stage.destroy()


def strange_terraform(stage: Stage) -> Result:
    stage.terraform.set(ui="2.0")
    return stage.up()


SITUATIONS: dict[str, Callable[[Stage], Result]] = {
    "shop-pr-42 is locked by another run: by": locked,
    "The lock of a dead run is removed": lock_of_the_dead,
    "Another envctl is at work": in_use,
    "Another run changed": overtaken,
    "shop-pr-42 is just being destroyed": being_destroyed,
    "The lock of shop-pr-42 was taken": lock_taken_away,
    "shop-pr-42 is locked by another run by now": another_lock_by_now,
    "The lock could not be given back": lock_not_given_back,
    "Whether the run that holds the lock": owner_not_asked,
    "Interrupted during terraform apply": interrupted,
    "Interrupted during terraform …": interrupted_before,
    "deleting … that an earlier run left": left_in_no_state,
    "deleting … that AWS made": made_twice,
    "… is in no state and could not be deleted": made_twice_and_kept,
    "What AWS may have made twice": made_twice_or_not,
    "The snapshot … cannot be restored any more": without_its_snapshot,
    "The state of shop-pr-42 does not know its database": unknown_database,
    "An earlier run of shop-pr-42 did not end well": strange_things,
    "terraform apply: it ended with": terraform_killed,
    "The database … was started": still_starting,
    "… is in no state and cannot be deleted": made_and_noted_nowhere,
    "This is a bug": bug,
    "An earlier run of shop-pr-42 could not save its state (…): it has not": unsaved,
    "The state that could not be saved is saved": saved_at_last,
    "An earlier run of shop-pr-42 could not save its state (…): it is of another": of_another_lineage,
    "An earlier run of shop-pr-42 could not save its state (…): it is older": older_than_the_present,
    "An earlier run of shop-pr-42 could not save its state (…): it cannot be read": unreadable_state,
    "Terraform could not save its state": saved_in_a_second_attempt,
    "There is a state but no manifest": lost_record,
    "There is no environment": no_environment,
    "An earlier run of shop-pr-42 could not save its state (…): there is another": two_unsaved,
    "The manifest s3://… cannot be read": unreadable_record,
    "The manifest s3://… has version": record_of_a_newer_envctl,
    "The checkout's code is not what was applied": moved_on,
    "The stored code": damaged_code,
    "This Terraform speaks": strange_terraform,
}
