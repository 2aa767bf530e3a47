"""Situations of docs/operations.md: pull requests, and GitHub."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from github_server import primary_limit
from operations_stage import Stage
from world import LB, Result

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
    "GitHub limits the requests": limited,
    "GitHub gives no usable answer": no_answer,
    "The pull request could not be told": deaf,
    "… Another run is at work": busy,
    "All … environments that": full,
    "Pull requests from forks get no": from_a_fork,
    "Pull requests from forks get an": unread_fork,
    "Drafts get no environment": draft,
    "Only pull requests with": without_label,
    "The environment expired": expired,
    "The last operation on it failed": failed_before,
    "The last operation on it never": cut_off,
    "The account holds things of it": of_nobody,
    "… of … did not follow": some_did_not_follow,
    "Only people who may write": a_stranger,
}
