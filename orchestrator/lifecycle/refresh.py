"""`refresh-data`: a new database from a newer snapshot, in the place of the old one, and nothing else.

The old database has to go first, for the new one bears its name: for some minutes there is none. Therefore the
snapshot is looked at before anything is touched, and the record says what has to go and what comes instead
before Terraform begins. Whoever comes next, this command or `up`, completes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator import durations, manifest
from orchestrator.aws import power
from orchestrator.aws.store import Stored
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes, Run
from orchestrator.identity import Environment
from orchestrator.lifecycle import choosing, code, policy, prepare, promoted, replacement, unsaved
from orchestrator.lifecycle.context import Context, Looking
from orchestrator.lifecycle.health import settle
from orchestrator.lifecycle.holding import Holding, holding
from orchestrator.lifecycle.lasting import refuse_short_credentials
from orchestrator.lifecycle.prepare import Prepared
from orchestrator.manifest import Manifest, PinnedSnapshot, Status
from orchestrator.outcome import Outcome
from orchestrator.state import State
from orchestrator.terraform import failure


@dataclass(frozen=True)
class Survey:
    """What a refresh would do: `target` is the snapshot that the data would come from.

    `begun`: an earlier refresh was not completed. `due`: there is something to do at all.
    """

    stored: Stored
    target: PinnedSnapshot
    begun: bool
    due: bool

    def describe(self, now: datetime) -> str:
        """Return what is now and what would be, for whoever is asked."""
        record = self.stored.manifest
        lines = [
            "The database is being replaced already." if self.begun else f"data now    {_aged(record.snapshot, now)}",
            f"data then   {_aged(self.target, now)}",
            "The database is deleted and restored anew: for some minutes there is none, and what was written is gone.",
        ]
        return "\n".join(lines)


def survey(context: Looking, environment: Environment, wanted: str | None) -> Survey:
    """Look at the record and choose the snapshot; `wanted` is `--snapshot`. Changes nothing. Raises EnvctlError.

    A refresh that has begun keeps its snapshot while that can be restored, or is.
    """
    stored = context.store.read(environment)
    record = _refreshable(environment, stored)
    assert stored is not None  # noqa: S101 - _refreshable raises when there is none
    begun = record.replacing is not None
    if begun and wanted is None and not replacement.needs_another_snapshot(context, environment, record):
        return Survey(stored, record.snapshot, begun, due=True)
    target = choosing.pin(context, wanted)
    if (target.kind, target.engine) != (record.snapshot.kind, record.snapshot.engine):
        raise EnvctlError(
            ExitCode.POLICY,
            f"{target.id} is of another sort ({target.kind}, {target.engine}) than the database of "
            f"{record.name} ({record.snapshot.kind}, {record.snapshot.engine}).",
            "Destroy the environment and create it anew.",
        )
    # Who names a snapshot wants its data again, even if it is the one that the data came from.
    newer = target.arn != record.snapshot.arn and target.created_at > record.snapshot.created_at
    due = begun or wanted is not None or newer
    return Survey(stored, target, begun, due)


def refresh(context: Context, found: Survey, wait_s: float | None) -> Outcome:
    """Replace the database. What fails before Terraform applies is raised, later it is in the Outcome."""
    record = found.stored.manifest
    if not found.due:
        age = durations.in_words((context.now() - record.snapshot.created_at).total_seconds())
        note = f"No newer snapshot is usable: the data is that of {record.snapshot.id}, {age} old."
        return _outcome(context, record, Run(exit_code=0), None, (note,))
    with context.workspace.held(), holding(context, "refresh-data") as hold:
        hold.take()
        # The code that was applied: whatever the checkout holds by now, the database alone is to change.
        refuse_short_credentials(context, record, hold.kind)
        context = code.applied(context, record)
        run, intended = _plan(context, found, hold)
        stored, run = _apply(context, found, manifest.intend(intended, hold.kind, context.now(), None, hold.id), run)
        return _conclude(context, stored, run, hold, wait_s)


def _plan(context: Context, found: Survey, hold: Holding) -> tuple[Run, Manifest]:
    """Return the saved plan, which changes the database alone, and the record of what is meant by it."""
    record = found.stored.manifest
    prepare.write_backend(context)
    prepare.write_tfvars(context, found.target, record.commit)
    with context.watch.step("init", "initialising"):
        context.engine.init()
    prepare.mended(context, Prepared(found.stored, True, record.snapshot, record.commit), hold)
    replacing, names = record.replacing, replacement.names(record)
    living = power.databases(context.session, context.environment)
    another = found.target.arn != record.snapshot.arn and not replacement.is_due(living, replacing)
    if replacing is None or another:  # what an earlier refresh has restored already has to go as well
        known = context.store.state(context.environment) or State()
        replacing = replacement.outdated(living, known, names)
    replaced = replacement.addresses(context, replacing, hold.check if found.begun else None)
    run = _planned(context, replaced)
    if policy.restores_database(run.planned) and replacement.is_guessed(living, names, replacing):
        # The one that is meant is restored in any case, for it is gone; what was guessed is another one.
        replacing = replacement.GONE
        run = _planned(context, ())
    try:
        policy.refuse_beyond_the_database(run.planned)
        policy.refuse_replaced_database(run.planned, replacement.free(context, replacing))
        if not found.begun:  # once it has begun, a replica is promoted because its source has gone
            promoted.refuse_lost(context, run.planned)
    except BaseException:
        context.engine.discard_plan()
        raise
    return run, replace(record, snapshot=found.target, replacing=replacing)


def _planned(context: Context, replaced: tuple[str, ...]) -> Run:
    with context.watch.step("plan", "planning"):
        return context.engine.plan(save=True, replace=replaced)


def _apply(context: Context, found: Survey, intended: Manifest, planned: Run) -> tuple[Stored, Run]:
    """Write the intent and carry the plan out; return the record as it is now, and the run."""
    try:
        stored = context.store.intend(context.environment, intended, found.stored)
    except BaseException:
        context.engine.discard_plan()
        raise
    if planned.exit_code == 0:  # an earlier run was killed after its apply
        context.engine.discard_plan()
        return stored, Run(exit_code=0, outputs=context.engine.outputs())
    with context.watch.step("apply", "replacing the database"):
        run = context.engine.apply(saved=True)
    unsaved.after(context, run)
    run.planned = planned.planned
    return stored, run


def _conclude(context: Context, stored: Stored, run: Run, hold: Holding, wait_s: float | None) -> Outcome:
    def write(status: Status, outcome: str) -> None:
        nonlocal stored
        now = context.now()
        outputs = run.outputs if status != "failed" else None
        stored = context.store.update(
            context.environment,
            stored,
            lambda record: manifest.conclude_own(record, hold.id, status, outcome, now, outputs),
        )

    error = failure(run, "apply") if run.exit_code != 0 else None
    if error is None:
        try:
            replacement.finish_cluster(context, run.outputs)
        except EnvctlError as refused:
            error = refused
    if error is not None:
        write("failed", error.message)
        return _outcome(context, stored.manifest, run, error)
    # Written before the wait as well: killed in it, the record still says that the new data is there.
    write("unhealthy", "restored; its health is not known yet")
    if run.interrupted:
        return _outcome(context, stored.manifest, run, failure(run, "apply"))
    status, unhealthy = settle(context, run.outputs, wait_s)
    write(status, unhealthy.message if unhealthy else "restored")
    return _outcome(context, stored.manifest, run, unhealthy)


def _refreshable(environment: Environment, stored: Stored | None) -> Manifest:
    """Return the record of an environment that has a database to refresh. Raises EnvctlError."""
    name, pr = environment.name, environment.pr
    if stored is None:
        raise EnvctlError(ExitCode.USAGE, f"There is no environment {name}.", f"`envctl up --pr {pr}` creates it.")
    record = stored.manifest
    if record.status in ("destroying", "destroyed") or record.closed_at is not None:
        raise EnvctlError(ExitCode.POLICY, f"{name} is being destroyed.", f"`envctl destroy --pr {pr}` completes that.")
    if record.applied_at is None:
        raise EnvctlError(
            ExitCode.POLICY, f"{name} was never complete: it has no data yet.", f"Run `envctl up --pr {pr}` first."
        )
    if record.paused_at is not None:
        raise EnvctlError(
            ExitCode.POLICY, f"{name} is paused, its database is stopped.", f"Run `envctl resume --pr {pr}` first."
        )
    return record


def _aged(snapshot: PinnedSnapshot, now: datetime) -> str:
    age = durations.in_words((now - snapshot.created_at).total_seconds())
    return f"{age} old ({snapshot.id}, {manifest.iso(snapshot.created_at)})"


def _outcome(
    context: Context, record: Manifest, run: Run, error: EnvctlError | None, notes: tuple[str, ...] = ()
) -> Outcome:
    return Outcome(
        "refresh-data",
        environment=context.environment,
        manifest=record,
        snapshot=record.snapshot,
        changes=run.changes if run.planned else Changes(),
        resources=tuple(sorted(run.resources.values(), key=lambda resource: -resource.elapsed_s)),
        outputs=record.outputs,
        timings=context.watch.timings(),
        notes=notes,
        error=error,
        exit_code=error.code if error else ExitCode.DONE,
    )
