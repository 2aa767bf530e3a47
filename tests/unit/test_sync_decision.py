"""What is done about a pull request, as a table: its standing, its environment, and what follows from both."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW, config, record

from orchestrator.absence import Absence
from orchestrator.manifest import Manifest, Operation
from orchestrator.pull_request import PullRequest
from orchestrator.sync.decision import CHANGING, Decision, Found, decide

HEAD, OTHER = "a" * 40, "b" * 40
CONFIG = config()
OPEN = PullRequest(42, True, HEAD)
PULL_REQUESTS: dict[str, PullRequest | None] = {
    "open": OPEN,
    "pushed": replace(OPEN, head=OTHER),
    "draft": replace(OPEN, draft=True),
    "closed": replace(OPEN, open=False),
    "none": None,
}
HOUR = timedelta(hours=1)


def ended(kind: Any, outcome: str = "done") -> Operation:
    return Operation(kind, NOW - HOUR, NOW - HOUR, outcome)


def open_ended(kind: Any) -> Operation:
    return Operation(kind, NOW - HOUR)


READY = record(operation=ended("up"))
RECORDS: dict[str, Manifest] = {
    "ready": READY,
    "short": replace(READY, commit=HEAD[:7]),
    "uncommitted": replace(READY, commit=None),
    "unhealthy": replace(READY, status="unhealthy", operation=ended("up", "it is sick")),
    "failed": replace(READY, status="failed", operation=ended("up", "it broke")),
    "killed": replace(READY, status="creating", operation=open_ended("up")),
    "begun": replace(READY, status="creating", operation=None),
    "refresh killed": replace(READY, status="updating", operation=open_ended("refresh-data")),
    "expired": replace(READY, expires_at=NOW),
    "failed and expired": replace(READY, status="failed", expires_at=NOW - HOUR),
    "paused": replace(READY, status="paused", paused_by="person", paused_at=NOW - HOUR),
    "paused for a week": replace(READY, status="paused", paused_by="person", paused_at=NOW - timedelta(days=7)),
    "pause killed": replace(READY, status="updating", operation=open_ended("pause")),
    "pause failed": replace(READY, status="failed", operation=ended("pause", "RDS said no")),
    "resume failed": replace(READY, status="failed", operation=ended("resume", "RDS said no")),
    "destroy killed": replace(READY, status="destroying", operation=open_ended("destroy"), closed_at=NOW - HOUR),
    "destroy failed": replace(READY, status="failed", operation=ended("destroy", "left"), closed_at=NOW - HOUR),
    "a tombstone": replace(READY, status="destroyed", operation=ended("destroy"), closed_at=NOW - HOUR),
    "closed while updating": replace(READY, status="updating", operation=open_ended("up"), closed_at=NOW - HOUR),
    "closed while ready": replace(READY, closed_at=NOW - HOUR),
    "closed while paused": replace(READY, status="paused", closed_at=NOW - HOUR),
}
FOUND: dict[str, Found] = {
    "nothing": Found(),
    "no room": Found(full=True),
    "a state": Found(state=True),
    "tagged things": Found(tagged=True),
    "a tagged database": Found(tagged=True, data=True),
    "traces": Found(traces=True, locked=True),
    "traces, no room": Found(traces=True, full=True),
    **{name: Found(manifest) for name, manifest in RECORDS.items()},
}
# The columns are the pull request: open at the recorded commit, pushed to, a draft, closed, or not there at all.
TABLE = {
    #                         open       pushed     draft      closed     none
    "nothing":               ("create",  "create",  "refuse",  "nothing", "nothing"),
    "no room":               ("wait",    "wait",    "refuse",  "nothing", "nothing"),
    "a state":               ("update",  "update",  "destroy", "destroy", "destroy"),
    "tagged things":         ("destroy", "destroy", "destroy", "destroy", "destroy"),
    "a tagged database":     ("update",  "update",  "destroy", "destroy", "destroy"),
    "traces":                ("create",  "create",  "destroy", "destroy", "destroy"),
    "traces, no room":       ("destroy", "destroy", "destroy", "destroy", "destroy"),
    "ready":                 ("nothing", "update",  "destroy", "destroy", "destroy"),
    "short":                 ("nothing", "update",  "destroy", "destroy", "destroy"),
    "uncommitted":           ("update",  "update",  "destroy", "destroy", "destroy"),
    "unhealthy":             ("update",  "update",  "destroy", "destroy", "destroy"),
    "failed":                ("update",  "update",  "destroy", "destroy", "destroy"),
    "killed":                ("update",  "update",  "destroy", "destroy", "destroy"),
    "begun":                 ("update",  "update",  "destroy", "destroy", "destroy"),
    "refresh killed":        ("update",  "update",  "destroy", "destroy", "destroy"),
    "expired":               ("destroy", "update",  "destroy", "destroy", "destroy"),
    "failed and expired":    ("destroy", "update",  "destroy", "destroy", "destroy"),
    "paused":                ("nothing", "resume",  "destroy", "destroy", "destroy"),
    "paused for a week":     ("pause",   "resume",  "destroy", "destroy", "destroy"),
    "pause killed":          ("pause",   "update",  "destroy", "destroy", "destroy"),
    "pause failed":          ("pause",   "update",  "destroy", "destroy", "destroy"),
    "resume failed":         ("resume",  "update",  "destroy", "destroy", "destroy"),
    "destroy killed":        ("destroy", "destroy", "destroy", "destroy", "destroy"),
    "destroy failed":        ("destroy", "destroy", "destroy", "destroy", "destroy"),
    "a tombstone":           ("destroy", "destroy", "destroy", "destroy", "destroy"),
    "closed while updating": ("update",  "update",  "destroy", "destroy", "destroy"),
    "closed while ready":    ("update",  "update",  "destroy", "destroy", "destroy"),
    "closed while paused":   ("resume",  "resume",  "destroy", "destroy", "destroy"),
}  # fmt: skip
EVERY = [(found, kind) for found in FOUND for kind in PULL_REQUESTS]


def decided(kind: str, found: Found, **more: Any) -> Decision:
    return decide(PULL_REQUESTS[kind], found, NOW, CONFIG, **more)


@pytest.mark.parametrize(("found", "kind"), EVERY)
def test_the_table(found: str, kind: str) -> None:
    expected = dict(zip(PULL_REQUESTS, TABLE[found], strict=True))
    assert decided(kind, FOUND[found]).action == expected[kind]


@pytest.mark.parametrize(("found", "kind"), EVERY)
def test_a_run_that_is_alive_is_left_to_its_work(found: str, kind: str) -> None:
    free, busy = decided(kind, FOUND[found]), decided(kind, replace(FOUND[found], busy=True))
    if free.action in CHANGING:
        assert (busy.action, busy.closed) == ("wait", free.closed)
        assert free.reason in busy.reason
        assert "envctl unlock" in busy.hint
    else:
        assert busy == free


@pytest.mark.parametrize(("found", "kind"), EVERY)
def test_every_decision_says_why_in_a_sentence(found: str, kind: str) -> None:
    reason = decided(kind, FOUND[found]).reason
    assert reason.endswith((".", "it broke", "it is sick", "said no", "left", "done"))
    assert reason[0].isupper()


def test_only_what_is_closed_is_closed() -> None:
    for (name, found), (kind, _) in itertools.product(FOUND.items(), PULL_REQUESTS.items()):
        assert decided(kind, found).closed is (kind in ("closed", "none")), name


# An environment that is not there on purpose


@pytest.mark.parametrize("why", ["expired", "asked"])
def test_what_went_on_purpose_stays_away_until_the_next_commit(why: Any) -> None:
    gone = Found(absence=Absence(HEAD, NOW, why))
    assert decided("open", gone).action == "nothing"
    assert "/envctl up" in decided("open", gone).hint
    assert decided("pushed", gone).action == "create"
    assert decided("closed", gone).action == "nothing"


def test_what_was_to_go_on_purpose_goes_although_the_run_was_killed() -> None:
    half = Found(RECORDS["ready"], absence=Absence(HEAD, NOW, "asked"))
    assert decided("open", half).action == "destroy"
    assert decided("open", Found(traces=True, absence=Absence(HEAD, NOW, "asked"))).action == "destroy"


def test_what_a_person_brought_back_after_that_stays() -> None:
    assert decided("open", Found(READY, absence=Absence(HEAD, NOW - 2 * HOUR, "asked"))).action == "nothing"


@pytest.mark.parametrize(
    ("kind", "created", "action"),
    [
        ("pause", NOW - 3 * HOUR, "destroy"),
        ("refresh-data", NOW - 3 * HOUR, "destroy"),
        ("resume", NOW - 3 * HOUR, "nothing"),
        ("up", NOW - 3 * HOUR, "nothing"),
        ("pause", NOW - HOUR, "nothing"),  # what a person had brought back by then
    ],
)
def test_what_was_only_paused_or_refreshed_after_that_goes(kind: Any, created: datetime, action: str) -> None:
    record = replace(READY, operation=ended(kind), created_at=created)
    assert decided("open", Found(record, absence=Absence(HEAD, NOW - 2 * HOUR, "asked"))).action == action


def test_what_was_extended_after_it_had_expired_stays() -> None:
    absence = Absence(HEAD, NOW - HOUR, "expired")
    assert decided("open", Found(replace(READY, expires_at=NOW + HOUR), absence=absence)).action == "nothing"
    assert decided("open", Found(replace(READY, expires_at=NOW - 2 * HOUR), absence=absence)).action == "destroy"
    asked = replace(absence, since=NOW, why="asked")
    assert decided("open", Found(replace(READY, expires_at=NOW + HOUR), absence=asked)).action == "destroy"


def test_only_an_expiry_is_remembered() -> None:
    assert decided("open", FOUND["expired"]).expired
    assert not any(decided(kind, FOUND["ready"]).expired for kind in PULL_REQUESTS)


# The schedule


@pytest.mark.parametrize(
    ("found", "night", "action"),
    [
        ("ready", NOW - HOUR / 2, "pause"),
        ("ready", NOW - 2 * HOUR, "nothing"),  # somebody pushed in the night: it stays awake
        ("unhealthy", NOW - HOUR / 2, "update"),
        ("paused", NOW - HOUR / 2, "nothing"),
    ],
)
def test_the_schedule_pauses_what_nobody_wanted_awake_since(found: str, night: Any, action: str) -> None:
    assert decided("open", FOUND[found], night=night).action == action


def test_the_schedule_wakes_what_it_has_paused_and_nothing_else() -> None:
    by_schedule = replace(RECORDS["paused"], paused_by="schedule")
    assert decided("open", Found(by_schedule)).action == "resume"
    assert decided("open", Found(by_schedule), night=NOW).action == "nothing"
    assert decided("open", FOUND["paused"]).action == "nothing"


def test_a_lock_without_a_sign_of_life_is_looked_after() -> None:
    assert decided("open", Found(READY, locked=True)).action == "update"
    assert decided("open", Found(RECORDS["paused"], locked=True)).action == "nothing"
