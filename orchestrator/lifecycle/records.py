"""Operations on the record alone: `show`, `outputs`, `list`, `extend`, `unlock`. Terraform is never started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator import cost, durations, identity, manifest
from orchestrator.aws.session import Session
from orchestrator.aws.store import Store, Stored
from orchestrator.config import Config
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import Environment
from orchestrator.locks import Lock
from orchestrator.outcome import Outcome


@dataclass(frozen=True)
class Records:
    """The bucket and a clock: all that these operations need."""

    config: Config
    session: Session
    store: Store
    now: Callable[[], datetime]


def show(records: Records, environment: Environment) -> Outcome:
    """Return what is recorded of one environment, and who holds its lock."""
    stored = _existing(records, environment)
    lock = records.store.lock(environment)
    notes = (f"Locked {lock.describe()}.",) if lock else ()
    return replace(
        _outcome("show", environment, stored, notes), cost=cost.estimate(records.config, stored.manifest.snapshot)
    )


def outputs(records: Records, environment: Environment) -> Outcome:
    """Return the outputs of the last apply; sensitive ones were never recorded."""
    return _outcome("outputs", environment, _existing(records, environment))


def list_all(records: Records) -> Outcome:
    """Return every environment of the repository; a record that cannot be read is an error beside the others."""
    found, broken = records.store.all(identity.repository_prefix(records.config))
    region = records.session.region
    error = broken[0] if broken else None
    return Outcome(
        "list",
        environments=tuple(
            (identity.identify(record.pr, records.config, record.region or region), record) for record in found
        ),
        error=error,
        exit_code=error.code if error else ExitCode.DONE,
    )


def extend(records: Records, environment: Environment, by: timedelta) -> Outcome:
    """Move the expiry to `by` from now, or leave it when it is later already."""
    stored = _existing(records, environment)
    until = records.now() + by

    def later(record: manifest.Manifest) -> manifest.Manifest:
        return manifest.prolong(record, until)

    if stored.manifest.expires_at >= until:
        left = durations.in_words((stored.manifest.expires_at - records.now()).total_seconds())
        return _outcome("extend", environment, stored, (f"It already lives longer: {left} are left.",))
    return _outcome("extend", environment, records.store.update(environment, stored, later))


def not_paused(records: Records, environment: Environment) -> Outcome | None:
    """Return what `resume` says of an environment that is not paused, and None for one that is."""
    stored = _existing(records, environment)
    return (
        _outcome("resume", environment, stored, ("It is not paused.",)) if stored.manifest.paused_at is None else None
    )


def lock_of(records: Records, environment: Environment) -> Lock | None:
    """Return who holds the lock of an environment, for the person who is asked whether to break it."""
    return records.store.lock(environment)


def unlock(records: Records, environment: Environment, lock: Lock | None) -> Outcome:
    """Remove the lock that a person has seen and called dead. Another lock meanwhile: EnvctlError (locked)."""
    stored = records.store.read(environment)
    if lock is None:
        return _outcome("unlock", environment, stored, ("It was not locked.",))
    current = records.store.lock(environment)
    if current is not None and current.id != lock.id:
        raise EnvctlError(
            ExitCode.LOCKED,
            f"{environment.name} is locked by another run by now: {current.describe()}.",
            "That run may well be alive: look again with `envctl show`.",
        )
    records.store.unlock(environment, lock)
    return _outcome("unlock", environment, stored, (f"Unlocked; it was held {lock.describe()}.",))


def _existing(records: Records, environment: Environment) -> Stored:
    stored = records.store.read(environment)
    if stored is None:
        raise EnvctlError(
            ExitCode.USAGE,
            f"There is no environment {environment.name}.",
            f"`envctl list` shows what there is; `envctl up --pr {environment.pr}` creates it.",
        )
    return stored


def _outcome(command: str, environment: Environment, stored: Stored | None, notes: tuple[str, ...] = ()) -> Outcome:
    record = stored.manifest if stored else None
    return Outcome(
        command,
        environment=environment,
        manifest=record,
        snapshot=record.snapshot if record else None,
        outputs=record.outputs if record else None,
        notes=notes,
    )
