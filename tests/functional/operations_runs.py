"""Situations of docs/operations.md: other runs, dead runs, states and records."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from operations_stage import Stage
from test_recovery import killed_while_applying, tagged_vpc
from world import CLUSTER, LB, PREFIX, TAGS, VPC, Result, ended

from orchestrator.lifecycle import recovery
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


def interrupted(stage: Stage) -> Result:
    stage.terraform.set(gate=CLUSTER)
    stage.terraform.let("save")
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


def unsaved(stage: Stage) -> Result:
    stage.terraform.set(unsaved="always")
    stage.up()
    return stage.envctl("plan", "--pr", "42")


def saved_at_last(stage: Stage) -> Result:
    stage.terraform.set(unsaved="always")
    stage.up()
    stage.terraform.set(unsaved=None)
    return stage.up()


def of_another_lineage(stage: Stage) -> Result:
    stage.up()
    file = stage.envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    vpc = {"type": "aws_vpc", "name": "this", "instances": [{"attributes": {"id": "vpc-of-nobody"}}]}
    file.write_text(json.dumps({"version": 4, "lineage": "another", "serial": 99, "resources": [vpc]}))
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
    "shop-pr-42 is locked by another run": locked,
    "The lock of a dead run is removed": lock_of_the_dead,
    "Another envctl is at work": in_use,
    "Another run changed": overtaken,
    "shop-pr-42 is just being destroyed": being_destroyed,
    "The lock of shop-pr-42 was taken": lock_taken_away,
    "Interrupted during terraform apply": interrupted,
    "deleting … that an earlier run left": left_in_no_state,
    "deleting … that AWS made": made_twice,
    "… is in no state and could not be deleted": made_twice_and_kept,
    "What AWS may have made twice": made_twice_or_not,
    "The snapshot … cannot be restored any more": without_its_snapshot,
    "The state of shop-pr-42 does not know its database": unknown_database,
    "An earlier run of shop-pr-42 did not end well": strange_things,
    "terraform apply: it ended with": terraform_killed,
    "An earlier run of shop-pr-42 could not save its state (…): it has not": unsaved,
    "The state that could not be saved is saved": saved_at_last,
    "An earlier run of shop-pr-42 could not save its state (…): it is of another": of_another_lineage,
    "The manifest s3://… cannot be read": unreadable_record,
    "The manifest s3://… has version": record_of_a_newer_envctl,
    "The checkout's code is not what was applied": moved_on,
    "The stored code": damaged_code,
    "This Terraform speaks": strange_terraform,
}
