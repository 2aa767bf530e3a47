"""`destroy`: take the environment away, then look whether it is gone, then forget it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from orchestrator import cost, manifest
from orchestrator.aws import inventory
from orchestrator.aws.found import Found
from orchestrator.aws.store import Stored
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice, Run
from orchestrator.lifecycle import code, unsaved
from orchestrator.lifecycle.context import Context
from orchestrator.lifecycle.holding import Holding, holding
from orchestrator.lifecycle.lasting import refuse_short_credentials
from orchestrator.lifecycle.prepare import write_backend, write_tfvars
from orchestrator.lifecycle.recovery import clear_strangers, until_gone
from orchestrator.lifecycle.wake import wake_databases
from orchestrator.manifest import PinnedSnapshot
from orchestrator.outcome import Leftover, Outcome
from orchestrator.state import State
from orchestrator.terraform import failure

ATTEMPTS = 2

# Terraform wants values for its variables even to destroy; without a record any will do.
_NO_SNAPSHOT = PinnedSnapshot(
    arn="arn:aws:rds:us-east-1:000000000000:cluster-snapshot:unknown",
    id="unknown",
    kind="cluster",
    engine="aurora-mysql",
    engine_version="8.0.mysql_aurora.3.08.0",
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
    reason="the record of the environment is lost",
)


def destroy(context: Context, sweep: bool = True, still_unwanted: Callable[[], None] = lambda: None) -> Outcome:
    """Destroy the environment and prove that it is gone. Raises EnvctlError before anything is changed.

    `sweep`: what Terraform does not know of goes too, as far as it is certainly the environment's own.
    `still_unwanted` is called when everything is prepared and nothing is taken away yet: what it raises ends the
    operation there.
    """
    with context.workspace.held(), holding(context, "destroy") as hold:
        hold.take()
        stored = context.store.read(context.environment)
        if stored is None and not context.store.has_state(context.environment):
            still_unwanted()
            outcome = _nothing_there(context, hold, sweep)
        else:
            outcome = _take_away(context, hold, stored, sweep, still_unwanted)
        if outcome.ok:  # while we hold it: a run that begins now must not lose the files it has just written
            shutil.rmtree(context.workspace.directory, ignore_errors=True)
    return outcome


def _nothing_there(context: Context, hold: Holding, sweep: bool) -> Outcome:
    """Without record and state there may still be things: they are known by their tags."""
    left, _ = _verify(context, None, sweep, patient=False)
    if not left:
        _forget(context, hold, None)
    return _outcome(context, None, Run(exit_code=0), left, None, existed=False)


def _take_away(
    context: Context, hold: Holding, stored: Stored | None, sweep: bool, still_unwanted: Callable[[], None]
) -> Outcome:
    refuse_short_credentials(context, stored.manifest if stored else None, "destroy")
    write_backend(context)
    write_tfvars(context, stored.manifest.snapshot if stored else _NO_SNAPSHOT, None)
    context = code.applied(context, stored.manifest if stored else None)
    with context.watch.step("init", "initialising"):
        context.engine.init()
    unsaved.save(context)
    still_unwanted()
    vpc = None
    if stored:
        vpc = _own_vpc(stored.manifest.outputs.get("vpc_id"), context.store.state(context.environment))
        now = context.now()
        stored = context.store.update(
            context.environment, stored, lambda record: manifest.intend(record, "destroy", now, None, hold.id)
        )
    if sweep:
        clear_strangers(context, vpc)
    _start_databases(context)
    run = _terraform_destroy(context)
    error = failure(run, "destroy") if run.exit_code != 0 or run.interrupted else None
    if error and error.code in (ExitCode.INTERRUPTED, ExitCode.CREDENTIALS):
        stored = _note_failure(context, stored, error)
        return _outcome(context, stored, run, (), error)
    left, swept = _verify(context, vpc, sweep, patient=error is None)
    if left:
        error = _not_clean(context, left, error)
        stored = _note_failure(context, stored, error)
        return _outcome(context, stored, run, left, error)
    if error and swept and context.store.has_state(context.environment):
        # What held Terraform up has gone with the sweep: it has only to see that all is gone.
        run, error = _once_more(context, run)
    if error and context.store.has_state(context.environment):
        # Nothing that we know to ask for is left, but Terraform still has something in its state: a team's own
        # root may hold types that no inventory of ours lists.
        stored = _note_failure(context, stored, error)
        return _outcome(context, stored, run, (), error)
    # Nothing is left, whatever Terraform's exit code was: that is the fact that counts.
    _forget(context, hold, stored)
    return _outcome(context, stored, run, (), None)


def _own_vpc(vpc: Any, known: State | None) -> str | None:
    """Return the id of the VPC that everything has to be gone from, None when the environment has none. Pure.

    A team's root may lie in a VPC that others use as well, and say so in its outputs: Terraform does not manage that
    one. Where nothing is known of what it manages, the record is believed.
    """
    if not isinstance(vpc, str):
        return None
    return vpc if known is None or not known.readable or vpc in known.ids else None


def _start_databases(context: Context) -> None:
    """Start what is stopped: RDS deletes no stopped cluster. Whether it matters, Terraform finds out."""
    try:
        wake_databases(context)
    except EnvctlError as error:
        context.emit(Notice(error.message))


def _terraform_destroy(context: Context) -> Run:
    """Destroy; once more when it failed, because much that blocks a deletion passes by itself."""
    for attempt in range(1, ATTEMPTS + 1):
        with context.watch.step("destroy", "destroying" if attempt == 1 else "destroying what is left"):
            run = context.engine.destroy()
            unsaved.after(context, run)
        if run.exit_code == 0 or run.interrupted or attempt == ATTEMPTS:
            break
        error = failure(run, "destroy")
        if error.code is ExitCode.CREDENTIALS:
            break
        context.emit(Notice(f"{error.message} Trying once more."))
    return run


def _once_more(context: Context, before: Run) -> tuple[Run, EnvctlError | None]:
    """Destroy what is in the state although the account holds nothing; return both runs as one, and what failed."""
    with context.watch.step("destroy", "looking whether anything is left in the state"):
        run = context.engine.destroy()
        unsaved.after(context, run)
    run.resources = {**before.resources, **run.resources}
    return run, failure(run, "destroy") if run.exit_code != 0 or run.interrupted else None


def _verify(context: Context, vpc: str | None, sweep: bool, patient: bool) -> tuple[tuple[Leftover, ...], bool]:
    """Return what is left, and whether anything that Terraform had left has gone meanwhile."""
    looks = []

    def look() -> tuple[Found, ...]:
        looks.append(inventory.find(context.session, context.environment, vpc))
        return looks[-1]

    with context.watch.step("verify", "looking at the account, service by service"):
        left = until_gone(context, look, delete=sweep, patient=patient)
    return left, len(looks[0]) > len(left)


def _forget(context: Context, hold: Holding, stored: Stored | None) -> None:
    """Delete all that is kept of it, manifest and lock last: killed in between, the next run finds its way.

    First the record is made a tombstone, if it is still that of this run, and only what there was while the lock was
    still ours is deleted: what another run makes since somebody broke it must not be forgotten.
    """
    environment, now = context.environment, context.now()
    hold.check()
    if stored:
        gone = context.store.update(
            environment, stored, lambda record: manifest.conclude_own(record, hold.id, "destroyed", "destroyed", now)
        )
        if gone.manifest.status != "destroyed":
            raise hold.lost()
    with context.watch.step("forget", "deleting state, lock and record, every version"):
        context.store.purge(environment.keys, hold.check)


def _note_failure(context: Context, stored: Stored | None, error: EnvctlError) -> Stored | None:
    if stored is None:
        return None
    now, operation = context.now(), stored.manifest.operation
    run_id = operation.id if operation else ""
    return context.store.update(
        context.environment,
        stored,
        lambda record: manifest.conclude_own(record, run_id, "failed", error.message, now),
    )


def _not_clean(context: Context, left: tuple[Leftover, ...], cause: EnvctlError | None) -> EnvctlError:
    count = f"{len(left)} thing{'s' if len(left) > 1 else ''}"
    because = f" Terraform said: {cause.message}" if cause else ""
    return EnvctlError(
        ExitCode.NOT_CLEAN,
        f"{context.environment.name} is not gone: {count} left in the account.{because}",
        "Delete what is listed, or remove what holds it, and run `envctl destroy` again.",
        cause.address if cause else None,
    )


def _outcome(
    context: Context,
    stored: Stored | None,
    run: Run,
    left: tuple[Leftover, ...],
    error: EnvctlError | None,
    existed: bool = True,
) -> Outcome:
    if left and error is None:
        error = _not_clean(context, left, None)
    return Outcome(
        "destroy",
        environment=context.environment,
        manifest=stored.manifest if stored else None,
        status="failed" if error else "destroyed",
        changes=run.changes,
        resources=tuple(sorted(run.resources.values(), key=lambda resource: -resource.elapsed_s)),
        timings=context.watch.timings(),
        cost=cost.estimate(context.config, stored.manifest.snapshot) if stored else None,
        left=left,
        notes=() if existed else ("There was nothing to destroy.",),
        error=error,
        exit_code=error.code if error else ExitCode.DONE,
    )
