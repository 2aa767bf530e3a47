"""Why an open pull request has no environment on purpose: it expired, or somebody sent it away.

When an environment is gone, everything of it is gone, its record included. This note alone stays, so that
the next look at the pull request does not bring it back: until a new commit, a command, or its closing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from orchestrator.manifest import Manifest, iso

Why = Literal["expired", "asked"]


@dataclass(frozen=True)
class Absence:
    """No environment for this head commit, since then. `why`: it had expired, or a person asked for it."""

    commit: str
    since: datetime
    why: Why

    def holds(self, head: str, record: Manifest | None) -> bool:
        """Return whether it still counts: a new commit ends it, as do an `up` that was begun later and an `extend`."""
        extended = self.why == "expired" and record is not None and record.expires_at > self.since
        return self.commit == head and not (record and self._brought_back(record)) and not extended

    def _brought_back(self, record: Manifest) -> bool:
        """Return whether somebody wanted it later: a pause or a refresh of what was to go says nothing of that.

        What was created later was wanted then, whatever was done with it since.
        """
        begun = record.operation
        wanted = begun is not None and begun.kind in ("up", "resume") and begun.started_at > self.since
        return wanted or record.created_at > self.since


def render(absence: Absence) -> bytes:
    """Return the bytes that `parse` reads."""
    return json.dumps({**asdict(absence), "since": iso(absence.since)}, sort_keys=True).encode() + b"\n"


def parse(data: bytes) -> Absence | None:
    """Read a note; None when it makes no sense: then nothing keeps the environment away."""
    try:
        raw = json.loads(data)
        commit, why, since = raw["commit"], raw["why"], datetime.fromisoformat(raw["since"])
        since = since.astimezone(UTC) if since.tzinfo else since.replace(tzinfo=UTC)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if not isinstance(commit, str) or why not in get_args(Why):
        return None
    return Absence(commit, since, why)
