"""Situations of docs/operations.md: pull requests, and GitHub."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from github_server import primary_limit
from operations_stage import Stage
from world import BUCKET, LB, PREFIX, Result, ended

from orchestrator import locks, memory
from orchestrator.locks import Lock

NOW = datetime.now(UTC).replace(microsecond=0)


def no_token(stage: Stage) -> Result:
    stage.github.push(42)
    stage.patch.delenv("GITHUB_TOKEN")
    return stage.sync()


def bad_token(stage: Stage) -> Result:
    stage.github.fail(401, times=9)
    return stage.sync()


def no_permission(stage: Stage) -> Result:
    stage.github.fail(403, times=9)
    return stage.sync()


def refused(stage: Stage) -> Result:
    stage.github.fail(422, message="Validation Failed", times=9)
    return stage.sync()


def limited(stage: Stage) -> Result:
    stage.github.fail(primary_limit(int(time.time()) + 3000, times=9))
    return stage.sync()


def no_answer(stage: Stage) -> Result:
    stage.github.fail(200, text="<html>a proxy's page</html>", times=9)
    return stage.sync()


def deaf(stage: Stage) -> Result:
    stage.github.fail(403, method="POST", times=1000)
    return stage.sync()


def busy(stage: Stage) -> Result:
    stage.account.lock()
    return stage.sync()


def full(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "1")
    stage.envctl("up", "--pr", "41", "--yes")
    return stage.sync()


def unread_fork(stage: Stage) -> Result:
    stage.github.open_pr(43, fork=True)
    return stage.envctl("sync", "--pr", "43", "--yes")


def from_a_fork(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_GITHUB__FORKS", "never")
    return unread_fork(stage)


def unread_bot(stage: Stage) -> Result:
    stage.github.open_pr(43, bot=True, author="dependabot[bot]")
    return stage.envctl("sync", "--pr", "43", "--yes")


def of_a_bot(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_GITHUB__BOTS", "never")
    return unread_bot(stage)


def draft(stage: Stage) -> Result:
    stage.github.set_draft(42)
    stage.patch.setenv("ENVCTL_GITHUB__DRAFTS", "false")
    return stage.sync()


def without_label(stage: Stage) -> Result:
    stage.patch.setenv("ENVCTL_GITHUB__REQUIRE_LABEL", "true")
    return stage.sync()


def expired(stage: Stage) -> Result:
    head = stage.github.pulls[42].head
    stage.sync()
    stage.account.record(commit=head, status="ready", applied_at=NOW, expires_at=NOW - timedelta(hours=1))
    return stage.sync()


def failed_before(stage: Stage) -> Result:
    stage.terraform.fail("apply", LB)
    stage.sync()
    stage.terraform.set(fail={})
    return stage.sync()


def cut_off(stage: Stage) -> Result:
    stage.account.record(commit=stage.github.pulls[42].head)
    return stage.sync()


def unhealthy_before(stage: Stage) -> Result:
    stage.terraform.set(outputs={"url": {"value": "http://127.0.0.1:9/"}})
    stage.up("--timeout", "1s", "--commit", stage.github.pulls[42].head)
    return stage.sync("--dry-run")


def lock_of_the_silent(stage: Stage) -> Result:
    stage.sync()
    stage.github.run("completed", run=77)
    lock, since = f"{PREFIX}pr-42/terraform.tfstate.tflock", (NOW - timedelta(hours=1)).isoformat()
    run = Lock("9f", "runner@ci", "envctl up", since, info="GitHub Actions run 77, attempt 1, of acme/shop")
    stage.account.put(lock, locks.render(run, lock))
    return stage.sync()


def lost_record(stage: Stage) -> Result:
    stage.sync()
    stage.account.client("s3").delete_object(Bucket=BUCKET, Key=f"{PREFIX}pr-42/manifest.json")
    return stage.sync()


def database_of_nobody(stage: Stage) -> Result:
    stage.account.database("shop-pr-42")
    return stage.sync("--dry-run")


def of_nobody(stage: Stage) -> Result:
    tags = {"environment": "shop-pr-42", "repository": "acme/shop", "project": "shop", "pr": "42"}
    listed = [{"Key": f"envctl:{key}", "Value": value} for key, value in tags.items()]
    made = [{"ResourceType": "vpc", "Tags": listed}]
    stage.account.client("ec2").create_vpc(CidrBlock="10.42.0.0/16", TagSpecifications=made)
    return stage.sync("--dry-run")


def some_did_not_follow(stage: Stage) -> Result:
    stage.github.push(42)
    stage.terraform.fail("apply", LB)
    return stage.envctl("sync", "--all", "--yes")


def killed_among_others(stage: Stage) -> Result:
    stage.github.push(42)
    stage.terraform.set(gate=LB)
    process = stage.envctl.spawn("sync", "--all", "--yes")
    stage.terraform.wait_for("reached")
    terraform = stage.terraform.pid
    parent = int(Path(f"/proc/{terraform}/stat").read_text().rpartition(")")[2].split()[1])
    for victim in (parent, terraform):
        os.kill(victim, signal.SIGKILL)
    return ended(process)


def little_memory(stage: Stage) -> Result:
    stage.github.close(42)
    stage.patch.setattr(memory, "available_bytes", lambda: memory.BYTES_EACH)
    return stage.envctl("sync", "--all", "--yes")


def a_stranger(stage: Stage) -> Result:
    stage.github.person("stranger", "read")
    comment = stage.github.comment(42, "/envctl up", author="stranger")
    event = stage.envctl.directory / "event.json"
    event.write_text(json.dumps(stage.github.event("created", 42, sender="stranger", comment=comment)))
    stage.patch.setenv("GITHUB_EVENT_PATH", str(event))
    return stage.envctl("comment", "--yes")


SITUATIONS: dict[str, Callable[[Stage], Result]] = {
    "There is no GitHub token": no_token,
    "GitHub refused the token": bad_token,
    "GitHub refused the permission": no_permission,
    "GitHub refused (…)": refused,
    "GitHub limits the requests": limited,
    "GitHub gives no usable answer": no_answer,
    "The pull request could not be told": deaf,
    "… Another run is at work": busy,
    "All … environments that": full,
    "Pull requests from forks get no": from_a_fork,
    "Pull requests from forks get an": unread_fork,
    "Pull requests of bots get no": of_a_bot,
    "Pull requests of bots get an": unread_bot,
    "Drafts get no environment": draft,
    "Only pull requests with": without_label,
    "The environment expired": expired,
    "The last operation on it failed": failed_before,
    "The last operation on it never": cut_off,
    "It was not healthy when": unhealthy_before,
    "A run that gives no sign of life": lock_of_the_silent,
    "There is a state, but no record": lost_record,
    "The account holds a database of it": database_of_nobody,
    "The account holds things of it": of_nobody,
    "… of … did not follow": some_did_not_follow,
    "Its run ended with": killed_among_others,
    "… at once, not": little_memory,
    "Only people who may write": a_stranger,
}
