"""Candidates + policy + now -> SnapshotChoice with its reason. Pure, and in one pass.

The rule is the same wherever a snapshot is chosen, and never looks at more than one candidate at a time,
so that a source with ten thousand snapshots costs no more memory than one with ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from orchestrator import durations
from orchestrator.errors import EnvctlError, ExitCode

LATEST = "latest"
Kind = Literal["cluster", "instance"]


@dataclass(frozen=True)
class Snapshot:
    """One RDS snapshot, of a cluster or of an instance.

    `created_at` is the *original* time, which survives copying, unlike SnapshotCreateTime (RDS API
    reference, DBSnapshot). A snapshot that is still being made may have none. `exact` is false for a
    copy whose original is out of sight: `created_at` is then when it was copied. `origin` is set while a
    copy's original has not been looked up yet: its data is then of `created_at` or older.
    """

    arn: str
    id: str
    kind: Kind
    source: str
    type: str
    status: str
    engine: str
    engine_version: str
    created_at: datetime | None
    exact: bool = True
    encrypted: bool = True
    kms_key: str | None = None
    origin: str | None = None


@dataclass(frozen=True)
class Policy:
    """Which snapshots may be used: `want` is `latest`, a snapshot's id, or its ARN.

    `account` is whose shared snapshots are trusted: anybody may share one with us under any source's name.
    """

    source: str
    types: tuple[str, ...] = ("automated", "manual")
    kind: Literal["auto", "cluster", "instance"] = "auto"
    max_age: timedelta | None = None
    want: str = LATEST
    account: str | None = None


@dataclass(frozen=True)
class SnapshotChoice:
    """The snapshot that won, why, how many were seen, and why the others did not (reason -> count)."""

    snapshot: Snapshot
    reason: str
    seen: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)


def choose(
    candidates: Iterable[Snapshot],
    policy: Policy,
    now: datetime,
    settle: Callable[[Snapshot], Snapshot] = lambda copy: copy,
) -> SnapshotChoice:
    """Return the newest usable candidate by original creation time; ids break a tie.

    A copy of unknown age is taken only when nothing else is usable: it may hold data of any age. `settle`
    looks a copy's original up; it is asked only about a copy that would win if it were as new as it can be.

    Raises EnvctlError (policy) that names the source, how many were seen and why each was refused.
    """
    best: Snapshot | None = None
    seen, usable = 0, 0
    passed_over: Counter[str] = Counter()
    for candidate in candidates:
        seen += 1
        why_not = refusal(candidate, policy, now)
        if candidate.origin and not why_not and (best is None or _rank(candidate) > _rank(best)):
            candidate = settle(candidate)
            why_not = refusal(candidate, policy, now)
        if why_not:
            passed_over[why_not] += 1
            continue
        usable += 1
        if best is None or _rank(candidate) > _rank(best):
            best = candidate
    if best is None:
        raise _none_usable(policy, seen, passed_over)
    if policy.want != LATEST:
        return SnapshotChoice(best, "asked for by name", seen, dict(passed_over))
    if usable > 1:
        passed_over["older"] = usable - 1
    reason = "the newest by original creation time" if usable > 1 else "the only usable one"
    if not best.exact:
        reason += " (a copy; the age of its original is not known)"
    return SnapshotChoice(best, f"{reason}, of {seen} seen", seen, dict(passed_over))


def _rank(snapshot: Snapshot) -> tuple[bool, datetime, str]:
    assert snapshot.created_at is not None  # noqa: S101 - refusal() passes over those without a time
    return snapshot.exact, snapshot.created_at, snapshot.id


def refusal(snapshot: Snapshot, policy: Policy, now: datetime) -> str | None:
    """Return why `snapshot` may not be used, in words that can be counted, or None."""
    if snapshot.source != policy.source:
        return "of another source"
    if policy.kind not in ("auto", snapshot.kind):
        return f"a snapshot of {_an(snapshot.kind)}"
    if snapshot.status != "available":
        return f"status {snapshot.status}"
    if snapshot.created_at is None:
        return "without a creation time"
    if policy.want != LATEST:
        # Somebody named it, so its type and its age are on purpose.
        return None if policy.want in (snapshot.id, snapshot.arn) else "not the one asked for"
    if snapshot.type not in policy.types:
        return f"type {snapshot.type}"
    if snapshot.type == "shared":
        if snapshot.arn.split(":")[4:5] != [policy.account]:
            return "shared by another account"
        if snapshot.encrypted:  # RDS restores a shared snapshot only when it is not encrypted
            return "shared and encrypted: copy it into this account"
    if policy.max_age is not None and now - snapshot.created_at > policy.max_age:
        return f"older than {durations.compact(policy.max_age)}"
    return None


def _an(kind: str) -> str:
    return f"an {kind}" if kind == "instance" else f"a {kind}"


def _none_usable(policy: Policy, seen: int, passed_over: Counter[str]) -> EnvctlError:
    wanted = "" if policy.want == LATEST else f" named {policy.want!r}"
    if not seen:
        return EnvctlError(
            ExitCode.POLICY,
            f"There is no snapshot{wanted} of {policy.source!r}: none was seen.",
            "Check database.source (a cluster's or an instance's identifier), database.snapshot_types, "
            "the region and the account.",
        )
    why = ", ".join(f"{count} {reason}" for reason, count in passed_over.most_common())
    plural = "s were" if seen > 1 else " was"
    return EnvctlError(
        ExitCode.POLICY,
        f"There is no usable snapshot{wanted} of {policy.source!r}: {seen} snapshot{plural} seen: {why}.",
        "Wait for the next one, raise database.max_snapshot_age, widen database.snapshot_types, "
        "or name one with --snapshot.",
    )
