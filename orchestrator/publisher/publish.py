"""Looks at the snapshots as they are now and makes the parameter say so. What caused the look does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from orchestrator import published
from orchestrator.aws import databases, parameters
from orchestrator.aws.parameters import Parameter
from orchestrator.aws.session import Session
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.snapshots import Policy, Snapshot

_LOOKS = 5


@dataclass(frozen=True)
class Published:
    """What the parameter names now (None: there is no usable snapshot), and whether that is news."""

    snapshot: Snapshot | None
    change: Literal["none", "written"]


def publish(session: Session, name: str, policy: Policy, now: Callable[[], datetime]) -> Published:
    """Make the parameter `name` announce the newest usable snapshot of `policy`; write only what is new.

    The snapshot that it names already is looked up by its ARN and takes part like a listed one: a listing
    that is behind (RDS answers from several places) cannot set the parameter back; only when that snapshot
    is gone or no longer usable does an older one follow. SSM has no conditional write: when the version
    says that somebody else wrote between our look and our write, we look again, and so do they.
    Raises EnvctlError.
    """
    for _ in range(_LOOKS):
        before = parameters.read(session, name)
        found = _newest(session, policy, before, now())
        text = published.render(found)
        if before is not None and before.value == text:
            return Published(found, "none")
        if parameters.write(session, name, text) == (before.version if before else 0) + 1:
            return Published(found, "written")
    raise EnvctlError(ExitCode.LOCKED, f"Somebody else writes the parameter {name} all the time.", "Find out who.")


def _newest(session: Session, policy: Policy, before: Parameter | None, now: datetime) -> Snapshot | None:
    try:
        return databases.choose(session, policy, now, _named(session, policy, before)).snapshot
    except EnvctlError as error:
        if error.code is ExitCode.POLICY:  # none is usable; that RDS refused to answer is another matter
            return None
        raise


def _named(session: Session, policy: Policy, before: Parameter | None) -> Iterator[Snapshot]:
    """Yield the snapshot that the parameter names, as RDS has it now."""
    if before is None:
        return
    try:
        said = published.parse(before.value, "The parameter")
    except EnvctlError:
        return  # somebody wrote something else into it: that names nothing, and is written over
    if said is None:
        return
    for found in databases.snapshots(session, replace(policy, want=said.arn)):
        # When its data was taken is known once and for all, also after a copy's original is deleted.
        known = found.origin is not None and said.exact
        yield replace(found, created_at=said.created_at, origin=None) if known else found
