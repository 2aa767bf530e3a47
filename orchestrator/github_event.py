"""What a GitHub Actions run says about its pull request: the number and the head commit, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import identity
from orchestrator.errors import EnvctlError


@dataclass(frozen=True)
class PullRequestEvent:
    """The pull request that a run is about, as far as its event says."""

    pr: int | None = None
    commit: str | None = None


def read(environ: Mapping[str, str]) -> PullRequestEvent:
    """Return what the file at GITHUB_EVENT_PATH says; nothing when there is none or it makes no sense."""
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return PullRequestEvent()
    try:
        event = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return PullRequestEvent()
    pull_request = _table(event, "pull_request")
    issue = _table(event, "issue")
    number = pull_request.get("number") or (issue.get("number") if "pull_request" in issue else None)
    return PullRequestEvent(_number(number), _commit(_table(pull_request, "head").get("sha")))


def _table(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> int | None:
    try:
        return identity.pr_number(str(value)) if type(value) is int else None
    except EnvctlError:
        return None


def _commit(value: Any) -> str | None:
    try:
        return identity.commit_id(value) if isinstance(value, str) else None
    except EnvctlError:
        return None
