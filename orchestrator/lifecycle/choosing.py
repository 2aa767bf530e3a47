"""Which snapshot a database is made from, and whether it can be: asked once, before anything is created."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from orchestrator import durations, engines, published, snapshots
from orchestrator.aws import databases, engine_facts, parameters
from orchestrator.aws.session import Session
from orchestrator.config import Database
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Event, Notice
from orchestrator.lifecycle import policy
from orchestrator.lifecycle.context import Looking
from orchestrator.manifest import PinnedSnapshot
from orchestrator.snapshots import Policy, Snapshot, SnapshotChoice


def pin(context: Looking, wanted: str | None, emit: Callable[[Event], None] = lambda event: None) -> PinnedSnapshot:
    """Return the snapshot for new data, once it is known that a database can be made from it.

    `wanted` is `--snapshot`. Emits what should be known but hinders nothing. Raises EnvctlError.
    """
    choice = choose(context.session, context.config.database, wanted, context.now())
    for note in engine_notes(context.session, context.config.database, choice.snapshot, context.now()):
        emit(Notice(note))
    return PinnedSnapshot.of(choice)


def usable(context: Looking, snapshot: PinnedSnapshot) -> bool:
    """Return whether a snapshot that was chosen before can still be restored."""
    rule = policy.snapshot_policy(context.config.database, snapshot.arn)
    return any(found.status == "available" for found in databases.snapshots(context.session, rule))


def choose(session: Session, database: Database, wanted: str | None, now: datetime) -> SnapshotChoice:
    """Return the snapshot: the one that is asked for, the one that production names, or the newest listed."""
    rule = policy.snapshot_policy(database, wanted)
    if database.source_parameter and wanted is None:
        return _announced(session, database.source_parameter, rule, now)
    return databases.choose(session, rule, now)


def engine_notes(session: Session, database: Database, snapshot: Snapshot, now: datetime) -> list[str]:
    """Return what to know about the snapshot's engine. Raises EnvctlError (policy) where it stands in the way."""
    facts = engine_facts.read(session, snapshot.engine, snapshot.engine_version, database.instance_class)
    return engines.judge(
        snapshot.engine, snapshot.engine_version, database.instance_class, facts, database.extended_support, now
    )


def _announced(session: Session, name: str, rule: Policy, now: datetime) -> SnapshotChoice:
    """Return the snapshot that the parameter names: one call for the parameter, one for the snapshot itself."""
    parameter = parameters.read(session, name)
    if parameter is None:
        raise _refused(name, "does not exist")
    announced = published.parse(parameter.value, f"The parameter {name}")
    if announced is None:
        raise _refused(name, "says that production has no usable snapshot")
    found = next(databases.snapshots(session, replace(rule, want=announced.arn)), None)
    if found is None:
        raise _refused(name, f"names {announced.id}, which is gone or out of sight")
    # An original in another account is out of our sight, but not out of the publisher's.
    live = replace(found, created_at=announced.created_at, exact=announced.exact) if found.origin else found
    own = session.owner[1] if name.startswith("arn:") else _account(parameter.arn)
    if _account(live.arn) != own:
        live = replace(live, type="shared")
    # Production says which types it announces; everything else is held against the same rule as a listed one.
    why_not = snapshots.refusal(live, replace(rule, types=(live.type,), account=_account(live.arn)), now)
    if why_not:
        raise _refused(name, f"names {live.id}, which cannot be used: {_in_words(live, why_not, now)}")
    return SnapshotChoice(live, f"the one named by the parameter {name}", seen=1)


def _account(arn: str) -> str:
    return arn.split(":")[4]


def _in_words(snapshot: Snapshot, why_not: str, now: datetime) -> str:
    if why_not.startswith("older") and snapshot.created_at:
        return f"it is {durations.in_words((now - snapshot.created_at).total_seconds())} old, {why_not}"
    return f"{why_not}, {snapshot.source!r}" if why_not == "of another source" else why_not


def _refused(name: str, why: str) -> EnvctlError:
    return EnvctlError(
        ExitCode.POLICY,
        f"The parameter {name} {why}.",
        "See whether the snapshot publisher runs in production (terraform/production). Until then name a snapshot with "
        "--snapshot, or take database.source_parameter out to have all of them looked through.",
    )
