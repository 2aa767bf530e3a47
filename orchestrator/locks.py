"""The lock of an environment: the object that Terraform's S3 backend would write (`use_lockfile`), written by us.

envctl holds it from before it looks until after it has written down what came of it, over as many Terraform
commands as it takes, and tells Terraform not to lock (`-lock=false`). The object is of Terraform's own form,
so that whoever runs Terraform by hand is kept off as well. What a lock says and whether its owner is dead is
decided here; reading and writing S3 is in `aws`. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.manifest import Manifest

# Signs of life are given each minute: one that is older has missed two.
BEAT_S = 60.0
SILENT = timedelta(seconds=150)
_RUN = re.compile(r"GitHub Actions run (\d{1,20}), attempt (\d{1,6}), of (\S{3,200})")


@dataclass(frozen=True)
class Lock:
    """A lock as it lies in the bucket; `info` names the run of GitHub Actions that took it, if one did."""

    id: str
    who: str = ""
    operation: str = ""
    created: str = ""
    version: str | None = None
    info: str = ""

    def describe(self) -> str:
        since = self.created or "an unknown time"
        run = f" ({self.info})" if _RUN.fullmatch(self.info) else ""
        return f"by {self.who or 'somebody'}{run} since {since}, for {self.operation or 'an operation'}"


@dataclass(frozen=True)
class Run:
    """One attempt of one run of GitHub Actions."""

    id: int
    attempt: int
    repository: str


def render(lock: Lock, path: str) -> bytes:
    """Return the object's bytes, in the fields of Terraform's `LockInfo`."""
    body = {
        "ID": lock.id,
        "Operation": lock.operation,
        "Info": lock.info,
        "Who": lock.who,
        "Version": "",
        "Created": lock.created,
        "Path": path,
    }
    return json.dumps(body).encode()


def parse(body: bytes, version: str | None) -> Lock:
    """Read a lock, whoever wrote it; one that cannot be read is a lock all the same."""
    try:
        raw = json.loads(body)
        texts = (str(raw.get(key) or "") for key in ("Who", "Operation", "Created", "Info"))
        who, operation, created, info = texts
        return Lock(str(raw["ID"]), who, operation, created, version, info)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Lock("", version=version)


def info_of(environ: Mapping[str, str]) -> str:
    """Return what a lock says of the run of GitHub Actions that takes it; empty elsewhere."""
    run, attempt = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_RUN_ATTEMPT", "1")
    text = f"GitHub Actions run {run}, attempt {attempt}, of {environ.get('GITHUB_REPOSITORY', '')}"
    return text if environ.get("GITHUB_ACTIONS") == "true" and _RUN.fullmatch(text) else ""


def run_of(lock: Lock) -> Run | None:
    """Return the run of GitHub Actions that took the lock, if one did."""
    found = _RUN.fullmatch(lock.info)
    return Run(int(found[1]), int(found[2]), found[3]) if found else None


def silent(lock: Lock, record: Manifest | None, now: datetime) -> bool:
    """Return whether the lock's owner has given no sign of life for long enough.

    The record knows the last one, if the lock is that of its operation. An open operation with another id is
    that of a run whose lock this one's owner has taken over, and who then died before it wrote its own: both
    must have been silent.
    """
    operation = record.operation if record else None
    if operation is not None and (operation.id == lock.id or operation.ended_at is None):
        quiet = now - (operation.beat_at or operation.started_at) > SILENT
        if operation.id == lock.id or not quiet:
            return quiet
    try:
        created = datetime.fromisoformat(lock.created)
    except ValueError:
        return False
    return now - (created if created.tzinfo else created.replace(tzinfo=UTC)) > SILENT
