"""What the table of a comment says: rows of (label, Markdown). Pure.

Of the outputs only those named here are shown. A team's own root module may have others; what they hold is
not for a comment, whether Terraform calls them sensitive or not.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

from orchestrator import durations
from orchestrator.announcement import Announcement
from orchestrator.cost import REGION, Cost
from orchestrator.manifest import Manifest, PinnedSnapshot
from orchestrator.outcome import Outcome
from orchestrator.page.markdown import Markdown, code, text

Row = tuple[str, Markdown]
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_FULL_COMMIT = re.compile(r"[0-9a-f]{40}")
_DONE = {"create": "added", "update": "changed", "replace": "replaced", "delete": "removed"}


def leaving(announcement: Announcement) -> bool:
    """Return whether the environment is, or was last, being taken away."""
    record = announcement.manifest
    last = record.operation.kind if record and record.operation else None
    command = announcement.outcome.command if announcement.outcome else last
    return announcement.state in ("destroying", "destroyed") or (
        announcement.state == "failed" and command == "destroy"
    )


def serving(announcement: Announcement) -> bool:
    """Return whether something may answer at the recorded URL: this version, or the one before it."""
    return announcement.state in ("ready", "unhealthy", "updating", "failed") and not leaving(announcement)


def facts(announcement: Announcement) -> list[Row]:
    """Return the rows of an announcement's table; what is not known has no row."""
    record, outcome = announcement.manifest, announcement.outcome
    rows: list[Row] = []
    commit = announcement.commit or (record.commit if record else None)
    if commit:
        # GitHub shows a whole commit id as a link to the commit.
        label = "new commit" if announcement.state == "updating" else "commit"
        rows.append((label, Markdown(commit) if _FULL_COMMIT.fullmatch(commit) else code(commit)))
    if record and not leaving(announcement):
        rows.append(("data", data(record.snapshot, record.data_at or record.created_at)))
        if serving(announcement):
            rows += access(record)
        rows.append(("expires", _until(record.expires_at, announcement.at)))
    if outcome:
        rows += work(outcome)
        if outcome.cost and announcement.state in ("ready", "unhealthy"):
            rows.append(
                ("costs", Markdown(f"about {dollars(outcome.cost.hourly_usd)} an hour ({basis(outcome.cost)})"))
            )
    return rows


def data(snapshot: PinnedSnapshot, restored_at: datetime) -> Markdown:
    """Return which data an environment has, how old it was when it was restored, and why this."""
    age = durations.in_words((restored_at - snapshot.created_at).total_seconds())
    return Markdown(
        f"snapshot {code(snapshot.id)}, taken {minute(snapshot.created_at)}, {age} old when restored<br>"
        f"{text(snapshot.kind, 20)} snapshot, {text(snapshot.engine, 40)} {text(snapshot.engine_version, 60)}; "
        f"chosen as {text(snapshot.reason, 200)}"
    )


def access(record: Manifest) -> list[Row]:
    """Return where the database is and how to get to it."""
    host, port = record.outputs.get("database_endpoint"), record.outputs.get("database_port")
    bastion = record.outputs.get("bastion_instance_id")
    rows: list[Row] = []
    if isinstance(host, str) and _HOST.fullmatch(host):
        rows.append(("database", code(f"{host}:{port}" if type(port) is int else host)))
    if isinstance(bastion, str) and _INSTANCE.fullmatch(bastion):
        rows.append(("bastion", code(f"aws ssm start-session --target {bastion} --region {record.region}")))
    return rows


def work(outcome: Outcome) -> list[Row]:
    """Return what was done and how long it took."""
    done = Counter(resource.action for resource in outcome.resources or () if resource.phase == "done")
    unfinished = sum(resource.phase != "done" for resource in outcome.resources or ())
    parts = [f"{done[action]} {word}" for action, word in _DONE.items() if done[action]]
    parts += [f"{unfinished} not finished"] if unfinished else []
    total = (outcome.timings or {}).get("total_s")
    if total:
        parts.append(f"in {durations.in_words(total)}")
    return [("changes", Markdown(", ".join(parts)))] if done or unfinished else []


def minute(moment: datetime) -> str:
    """Return a time as people read it: 2026-11-22 09:00 UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def dollars(amount: float) -> str:
    """Return an amount with two digits, however small: $0.27."""
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else "less than $0.01"


def basis(cost: Cost) -> str:
    """Return what an estimate rests on."""
    return f"estimate from list prices of {REGION}, {cost.as_of}; without traffic and the data's storage"


def _until(expires_at: datetime, now: datetime) -> Markdown:
    left = (expires_at - now).total_seconds()
    away = f"in {durations.in_words(left)}" if left > 0 else f"{durations.in_words(-left)} ago"
    return Markdown(f"{minute(expires_at)} ({away})")
