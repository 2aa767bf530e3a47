"""What to do about one pull request: pure, of what it is now and what its environment is now.

No event comes in here. That is why events may be lost, doubled, late or out of order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from orchestrator import durations
from orchestrator.absence import Absence
from orchestrator.config import Config
from orchestrator.manifest import Manifest
from orchestrator.pull_request import PullRequest
from orchestrator.sync.admission import refusal

Action = Literal["create", "update", "destroy", "pause", "resume", "wait", "nothing", "refuse"]
# RDS user guide, "Stopping an Amazon RDS DB instance temporarily".
STOPPED_FOR_AT_MOST = timedelta(days=7)
CHANGING: frozenset[Action] = frozenset({"create", "update", "destroy", "pause", "resume"})


@dataclass(frozen=True)
class Found:
    """An environment as it is now.

    `state`: Terraform's state holds something although there is no record. `tagged`: neither is there, but
    the account holds things that carry its tags, and `data`: a database is one of them. `traces`: the bucket
    keeps something of it, if only the lock of a run that died before it wrote anything else. `busy`: a run has
    its lock and has given a sign of life lately; `locked`: one has its lock and has not. `absence`: the note that
    it is not there on purpose. `full`: there are as many environments as there may be.
    """

    record: Manifest | None = None
    state: bool = False
    tagged: bool = False
    data: bool = False
    traces: bool = False
    busy: bool = False
    locked: bool = False
    absence: Absence | None = None
    full: bool = False

    @property
    def exists(self) -> bool:
        return self.record is not None or self.state or self.tagged

    @property
    def leaves_nothing(self) -> bool:
        """Whether there is nothing to take away, not even a trace of a run that died."""
        return not self.exists and not self.traces


@dataclass(frozen=True)
class Decision:
    """What to do, why, and what a person can do about it.

    `closed`: the pull request is, so that the record is made a tombstone, whoever holds the lock. `expired`:
    it is destroyed because its time is up, which is to be remembered.
    """

    action: Action
    reason: str
    hint: str = ""
    closed: bool = False
    expired: bool = False


def decide(
    pull_request: PullRequest | None, found: Found, now: datetime, config: Config, night: datetime | None = None
) -> Decision:
    """Return what makes the environment follow the pull request.

    `pull_request` is None only when there is definitely no such pull request: whoever could not ask must not
    call this. `night` is since when the pause schedule wants environments paused, None: it does not now.
    """
    decided = _wanted(pull_request, found, now, config, night)
    if found.busy and decided.action in CHANGING:
        reason = f"{decided.reason} Another run is at work on the environment."
        hint = "That run looks at the pull request again when it ends; if it is certainly dead, `envctl unlock`."
        return Decision("wait", reason, hint, decided.closed)
    return decided


def _wanted(
    pull_request: PullRequest | None, found: Found, now: datetime, config: Config, night: datetime | None
) -> Decision:
    if pull_request is None or not pull_request.open:
        reason = "The pull request is closed." if pull_request else "There is no such pull request."
        return Decision("nothing" if found.leaves_nothing else "destroy", reason, closed=True)
    why_not = refusal(pull_request, config.github)
    if why_not:
        return Decision("refuse" if found.leaves_nothing else "destroy", why_not.reason, why_not.hint)
    absence = found.absence if found.absence and found.absence.holds(pull_request.head, found.record) else None
    if not found.exists:
        return _absent(absence, found, config)
    if found.record is None:
        return _unrecorded(found)
    return _present(pull_request, found.record, absence, now, found.locked, night)


def _absent(absence: Absence | None, found: Found, config: Config) -> Decision:
    if absence:
        return Decision("nothing" if found.leaves_nothing else "destroy", _WHY_ABSENT[absence.why], BACK)
    if found.full and found.traces:
        return Decision("destroy", "A run that died before it made anything has left its traces.")
    if found.full:
        return Decision(
            "wait",
            f"All {config.limits.max_environments} environments that `limits.max_environments` allows are taken.",
            "It is created when one goes: close a pull request that needs none, or raise the limit.",
        )
    return Decision("create", "The pull request is open and has no environment.")


BACK = "Push a commit, or comment `/envctl up`, to get a new one."
_WHY_ABSENT = {"expired": "The environment expired.", "asked": "The environment was destroyed on request."}


def _unrecorded(found: Found) -> Decision:
    if found.state:
        return Decision("update", "There is a state, but no record of it.")
    if found.data:  # people may have worked with it: `up` says what to do, and deletes nothing
        return Decision("update", "The account holds a database of it that neither a record nor a state knows.")
    return Decision("destroy", "The account holds things of it that neither a record nor a state knows.")


def _present(
    pull_request: PullRequest,
    record: Manifest,
    absence: Absence | None,
    now: datetime,
    locked: bool,
    night: datetime | None,
) -> Decision:
    operation, paused = record.operation, record.status == "paused"
    if record.status == "destroyed" or (operation and operation.kind == "destroy"):
        return Decision("destroy", "Its destruction was begun and has not ended.")
    if absence:
        return Decision("destroy", _WHY_ABSENT[absence.why], BACK)
    if not (record.commit and pull_request.head.startswith(record.commit)):
        action: Action = "resume" if paused else "update"
        return Decision(action, f"The head of the pull request is {pull_request.head[:7]} now.")
    if record.expires_at <= now:
        ago = durations.in_words((now - record.expires_at).total_seconds())
        return Decision("destroy", f"The environment expired {ago} ago.", BACK, expired=True)
    if record.closed_at is not None:
        return Decision("resume" if paused else "update", "The pull request was closed and is open again.")
    if operation is None or operation.ended_at is None:
        return Decision(_again(record), "The last operation on it never came to an end.")
    if record.status == "failed":
        return Decision(_again(record), f"The last operation on it failed: {operation.outcome}")
    if record.status == "unhealthy":
        return Decision("update", f"It was not healthy when it was last looked at: {operation.outcome}")
    if locked and not paused:
        return Decision("update", "A run that gives no sign of life has left its lock.")
    return _by_schedule(record, paused, now, night)


def _again(record: Manifest) -> Action:
    """Return what carries on where the last operation stopped."""
    kind = record.operation.kind if record.operation else "up"
    if kind in ("pause", "resume"):
        return kind
    return "update"


def _by_schedule(record: Manifest, paused: bool, now: datetime, night: datetime | None) -> Decision:
    if paused and record.paused_by == "schedule" and night is None:
        return Decision("resume", "It was paused by the schedule, and the pause is over.")
    if paused and record.paused_at is not None and now - record.paused_at >= STOPPED_FOR_AT_MOST:
        return Decision("pause", "AWS starts a stopped database again after 7 days.")
    if paused:
        return Decision("nothing", "It is paused.")
    if night is not None and _touched(record) < night:
        return Decision("pause", "The schedule says that environments are paused now.")
    return Decision("nothing", "It is as it should be.")


def _touched(record: Manifest) -> datetime:
    """Return when somebody last wanted it awake: a push in the night keeps it awake until the next one."""
    return record.operation.started_at if record.operation else record.created_at
