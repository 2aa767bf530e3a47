"""Waiting until the site serves: the new instances are in, all targets are healthy, and the URL answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.aws import health
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice
from orchestrator.lifecycle.context import Context
from orchestrator.manifest import Status

POLL_S = 5.0
DEFAULT_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Health:
    """Whether the environment serves, and if not, what is in the way."""

    ok: bool
    reason: str = ""
    final: bool = False  # waiting will not change it


def judge(refresh: str | None, targets: dict[str, str] | None, answer: str | None) -> Health:
    """Return the verdict on one look. Pure. None means that the environment has no such thing."""
    if refresh is not None:
        return Health(False, f"instances are being replaced ({refresh})")
    if targets is not None:
        counted = {name: state for name, state in targets.items() if not state.startswith("draining")}
        sick = {name: state for name, state in counted.items() if state != "healthy"}
        if not counted:
            return Health(False, "the load balancer has no targets")
        if sick:
            listed = ", ".join(f"{name} is {state}" for name, state in sorted(sick.items())[:3])
            return Health(False, f"{len(sick)} of {len(counted)} targets are not healthy: {listed}")
    if answer is not None and answer != "200":
        return Health(False, f"the URL answers {answer}" if answer.isdigit() else f"the URL gives {answer}")
    return Health(True)


def has_site(outputs: dict[str, Any]) -> bool:
    """Return whether there is anything to wait for: a team's own root module may have no site."""
    return bool(outputs.get("url") or outputs.get("target_group_arn"))


def settle(
    context: Context, outputs: dict[str, Any], wait_s: float | None, unasked: Status = "ready"
) -> tuple[Status, EnvctlError | None]:
    """Return the status of what is applied, and why if it is unhealthy.

    `wait_s` is how long to wait for health in seconds; without it, it is `unasked`. Without a site it is ready.
    """
    if not has_site(outputs):
        return "ready", None
    if wait_s is None:
        return unasked, None
    with context.watch.step("health", "waiting for healthy targets and the URL"):
        found = wait_until_healthy(context, outputs, wait_s)
    if found.ok:
        return "ready", None
    return "unhealthy", EnvctlError(
        ExitCode.UNHEALTHY,
        f"{context.environment.name} is applied but not healthy: {found.reason}.",
        "Look at an instance with `aws ssm start-session`, mend the cause, and run `envctl up` again.",
    )


def wait_until_healthy(context: Context, outputs: dict[str, Any], timeout_s: float) -> Health:
    """Look every few seconds until the environment serves or `timeout_s` has passed."""
    deadline = context.watch.clock() + timeout_s
    said = ""
    while True:
        found = _look(context, outputs)
        if found.ok or found.final or context.watch.clock() + POLL_S > deadline:
            return found
        if found.reason != said:
            said = found.reason
            context.emit(Notice(f"Waiting: {said}."))
        context.sleep(POLL_S)


def _look(context: Context, outputs: dict[str, Any]) -> Health:
    group, target_group, url = (outputs.get(key) for key in ("autoscaling_group_name", "target_group_arn", "url"))
    refresh = health.refresh(context.session, group) if group else None
    if refresh is not None and refresh.over:
        again = f"aws autoscaling start-instance-refresh --auto-scaling-group-name {group}"
        return Health(False, f"the old instances still serve ({refresh.text}); `{again}` tries again", final=True)
    if refresh is not None:
        return judge(refresh.text, None, None)
    verdict = judge(None, health.targets(context.session, target_group) if target_group else None, None)
    if verdict.ok and url:
        return judge(None, None, health.answer(url))
    return verdict
