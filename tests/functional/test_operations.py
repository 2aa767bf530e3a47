"""docs/operations.md quotes what envctl prints: each message is produced here, and each that is quoted is."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos.proxy import Proxy
from chaos.rules import Rule, Rules
from test_recovery import TAGS, killed_while_applying
from world import CLUSTER, LB, PREFIX, VPC, Account, Envctl, FakeTerraform, Result, ended

from orchestrator.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(?P<message>[^`]+)` \| (?P<code>\d+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def quoted() -> dict[str, int]:
    """The messages of the page with their exit codes."""
    return {row["message"]: int(row["code"]) for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}


class Stage:
    """What a situation is made of."""

    def __init__(self, envctl: Envctl, account: Account, terraform: FakeTerraform, patch: pytest.MonkeyPatch) -> None:
        self.envctl = envctl
        self.account = account
        self.terraform = terraform
        self.patch = patch

    def up(self, *more: str) -> Result:
        return self.envctl("up", "--pr", "42", "--yes", *more)

    def destroy(self, *more: str) -> Result:
        return self.envctl("destroy", "--pr", "42", "--yes", *more)

    def up_with(self, **rule: Any) -> Result:
        """Bring it up through a proxy with one fault."""
        with Proxy(self.account.endpoint, Rules((Rule(**rule),))) as proxy:
            self.patch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
            return self.up()


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
    return stage.up()


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


def unknown_database(stage: Stage) -> Result:
    stage.up()
    stage.terraform.fail("apply", LB)
    stage.terraform.change(LB)
    stage.up()
    login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
    rds = stage.account.client("rds")
    rds.create_db_cluster(DBClusterIdentifier="shop-pr-42", Engine="aurora-mysql", Tags=TAGS, **login)
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


def moved_on(stage: Stage) -> Result:
    stage.up()
    (stage.envctl.directory / "terraform" / "env" / "main.tf").write_text("# another day\n")
    return stage.destroy()


def expired(stage: Stage) -> Result:
    return stage.up_with(fault="refuse", agent="Boto3*", nth=2, times=0, error="expired")


def throttled(stage: Stage) -> Result:
    return stage.up_with(fault="refuse", service="s3", agent="Boto3*", times=0, error="throttled")


def no_credentials(stage: Stage) -> Result:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        stage.patch.delenv(name)
    return stage.up()


def no_bucket(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_STATE__BUCKET", "nobody-has-this-one")
    return stage.up()


def apply_failed(stage: Stage) -> Result:
    stage.terraform.fail("apply", LB)
    return stage.up()


def replaced(stage: Stage) -> Result:
    stage.up()
    stage.terraform.change(CLUSTER, replaces=True)
    return stage.up()


def one_too_many(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "1")
    stage.envctl("up", "--pr", "41", "--yes")
    return stage.up()


def too_old(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_DATABASE__MAX_SNAPSHOT_AGE", "1s")
    return stage.up()


def not_healthy(stage: Stage) -> Result:
    stage.terraform.set(outputs={"url": {"value": "http://127.0.0.1:9/"}})
    return stage.up("--timeout", "1s")


def not_gone(stage: Stage) -> Result:
    stage.account.vpc("shop-pr-42")
    return stage.destroy("--no-sweep")


SITUATIONS: dict[str, Callable[[Stage], Result]] = {
    "shop-pr-42 is locked by another run": locked,
    "The lock of a dead run is removed": lock_of_the_dead,
    "Another envctl is at work": in_use,
    "Another run changed": overtaken,
    "shop-pr-42 is just being destroyed": being_destroyed,
    "Interrupted during terraform apply": interrupted,
    "deleting … that an earlier run left": left_in_no_state,
    "The state of shop-pr-42 does not know its database": unknown_database,
    "terraform apply: it ended with": terraform_killed,
    "An earlier run of shop-pr-42 could not save its state (…): it has not": unsaved,
    "The state that could not be saved is saved": saved_at_last,
    "An earlier run of shop-pr-42 could not save its state (…): it is of another": of_another_lineage,
    "The manifest s3://": unreadable_record,
    "The checkout's code is not what was applied": moved_on,
    "AWS refused the credentials": expired,
    "AWS refused (SlowDown)": throttled,
    "There are no usable AWS credentials": no_credentials,
    "The bucket does not exist": no_bucket,
    "terraform apply: …": apply_failed,
    "The plan would replace the database": replaced,
    "There are … environments already": one_too_many,
    "There is no usable snapshot": too_old,
    "shop-pr-42 is applied but not healthy": not_healthy,
    "shop-pr-42 is not gone": not_gone,
}


def pattern(message: str) -> re.Pattern[str]:
    return re.compile(".+?".join(re.escape(part) for part in message.split("…")), re.DOTALL)


def of(beginning: str) -> str:
    """The one message of the page that begins so."""
    (found,) = [message for message in quoted() if message.startswith(beginning)]
    return found


@pytest.mark.parametrize("beginning", SITUATIONS)
def test_what_the_page_quotes_is_what_is_said(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch, beginning: str
) -> None:
    message = of(beginning)
    result = SITUATIONS[beginning](Stage(envctl, account, terraform, monkeypatch))
    assert pattern(message).search(result.err), result.err
    assert result.code == quoted()[message], result.err


def test_nothing_is_quoted_that_no_test_produces() -> None:
    assert set(quoted()) == {of(beginning) for beginning in SITUATIONS}


def test_every_row_of_the_page_is_read() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(quoted()) == len(SITUATIONS)
