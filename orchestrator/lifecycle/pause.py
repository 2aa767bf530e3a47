"""`pause`: stop what bills by the hour and can be stopped; the data, the addresses and the URL stay.

The auto scaling group goes to zero, and the NAT gateways and read replicas of an RDS instance go, through
Terraform: state and reality agree, and `plan` says truly what `up` would bring back. Databases and the
bastion are stopped through their services, for Terraform knows no such thing.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator import manifest
from orchestrator.aws import power
from orchestrator.aws.power import Database
from orchestrator.aws.store import Stored
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes, Run
from orchestrator.identity import Environment
from orchestrator.lifecycle import code, policy, prepare, promoted, unsaved
from orchestrator.lifecycle.context import Context
from orchestrator.lifecycle.holding import Holding, holding
from orchestrator.lifecycle.lasting import refuse_short_credentials
from orchestrator.lifecycle.prepare import Prepared
from orchestrator.lifecycle.wake import ASLEEP, until
from orchestrator.manifest import Manifest, PausedBy
from orchestrator.outcome import Outcome
from orchestrator.terraform import failure

# A database that is just being backed up or changed can be stopped when that has ended.
TIMEOUT_S = 900.0


def needs_pausing(record: Manifest, databases: tuple[Database, ...]) -> bool:
    """Return whether an environment that is to be paused is not. Pure.

    A run may have been killed half-way, and AWS starts a database by itself when it was stopped for seven days
    (RDS API reference, StopDBCluster and StopDBInstance).
    """
    if record.paused_at is None:
        return False
    return record.status != "paused" or any(_stoppable(each) and each.status not in ASLEEP for each in databases)


def pause(context: Context, by: PausedBy) -> Outcome:
    """Pause the environment, or complete a pause; of a paused one nothing is changed. Raises EnvctlError."""
    with context.workspace.held(), holding(context, "pause") as hold:
        hold.take()
        stored = context.store.read(context.environment)
        record = _pausable(context.environment, stored)
        assert stored is not None  # noqa: S101 - _pausable raises when there is none
        databases = power.databases(context.session, context.environment)
        if record.paused_at is not None and not needs_pausing(record, databases):
            if by == "person" and record.paused_by != "person":  # who asks for it keeps it past the schedule
                record = context.store.update(context.environment, stored, _by_a_person).manifest
            return _outcome(context, record, Run(exit_code=0), None, ("It is paused already.",))
        refuse_short_credentials(context, record, hold.kind)
        # The code that was applied: whatever the checkout holds by now, a pause brings nothing new.
        context = code.applied(context, record)
        planned = _plan(context, stored, hold)
        stored = _intend(context, stored, by, hold.id)
        return _carry_out(context, stored, planned, hold.id)


def _by_a_person(record: Manifest) -> Manifest:
    return replace(record, paused_by="person")


def _plan(context: Context, stored: Stored, hold: Holding) -> Run:
    record = stored.manifest
    prepare.write_backend(context)
    prepare.write_tfvars(context, record.snapshot, record.commit, paused=True)
    with context.watch.step("init", "initialising"):
        context.engine.init()
    prepare.mended(context, Prepared(stored, True, record.snapshot, record.commit), hold)
    with context.watch.step("plan", "planning"):
        run = context.engine.plan(save=True)
    try:
        policy.refuse_replaced_database(run.planned)
        _refuse_restored_database(context.environment, run)
        promoted.refuse_lost(context, run.planned)
    except BaseException:
        context.engine.discard_plan()
        raise
    return run


def _refuse_restored_database(environment: Environment, planned: Run) -> None:
    """Raise EnvctlError (policy) when a database is gone: it would be restored only to be stopped, and unnoted."""
    if policy.restores_database(planned.planned):
        raise EnvctlError(
            ExitCode.POLICY,
            f"The database of {environment.name} is gone: a pause would restore it only to stop it.",
            f"`envctl up --pr {environment.pr}` restores it first.",
        )


def _intend(context: Context, stored: Stored, by: PausedBy, run_id: str) -> Stored:
    """Write that it is to be paused: from here on every `up` knows that things may be stopped."""
    now, record = context.now(), stored.manifest
    # Who paused it by hand wants it paused when the schedule's window ends, too.
    asked = replace(
        record, paused_at=record.paused_at or now, paused_by="person" if "person" in (by, record.paused_by) else by
    )
    intended = manifest.intend(asked, "pause", now, None, run_id)
    try:
        return context.store.intend(context.environment, intended, stored)
    except BaseException:
        context.engine.discard_plan()
        raise


def _carry_out(context: Context, stored: Stored, planned: Run, run_id: str) -> Outcome:
    run = Run(exit_code=0)
    error: EnvctlError | None = None
    notes: tuple[str, ...] = ()
    if planned.exit_code == 0:
        context.engine.discard_plan()
    else:
        with context.watch.step("apply", "taking away what comes back by itself"):
            run = context.engine.apply(saved=True)
            unsaved.after(context, run)
        run.planned = planned.planned
        if run.exit_code != 0 or run.interrupted:
            error = failure(run, "apply")
    if error is None:
        try:
            notes = _stop(context, stored.manifest)
        except EnvctlError as refused:
            error = refused
    outcome = error.message if error else " ".join(("paused", *notes))
    outputs, now = run.outputs if error is None and run.outputs else None, context.now()
    stored = context.store.update(
        context.environment,
        stored,
        lambda record: manifest.conclude_own(record, run_id, "failed" if error else "paused", outcome, now, outputs),
    )
    return _outcome(context, stored.manifest, run, error, notes)


def _stop(context: Context, record: Manifest) -> tuple[str, ...]:
    """Stop the databases and the bastion, which takes them some minutes more; return what cannot be stopped."""
    with context.watch.step("stop", "stopping databases and the bastion"):
        bastion = record.outputs.get("bastion_instance_id")
        if isinstance(bastion, str) and bastion:
            power.stop_instance(context.session, bastion)
        asked: set[str] = set()

        def rest(databases: tuple[Database, ...]) -> list[Database]:
            own = [each for each in databases if _stoppable(each) and each.resource_id not in asked]
            for database in own:
                if database.status == "available":
                    power.stop_database(context.session, database)
                    asked.add(database.resource_id)
            return [each for each in own if each.resource_id not in asked and each.status not in ASLEEP]

        late = until(context, rest, TIMEOUT_S)
    kept = [each for each in power.databases(context.session, context.environment) if _keeps_running(each)]
    return (
        *(
            f"The database {each.id} is {each.status} and could not be stopped; `envctl pause` tries again."
            for each in late
        ),
        *(f"RDS does not stop {each.id}: it has a read replica, or is one." for each in kept),
    )


def _stoppable(database: Database) -> bool:
    """Return whether RDS stops it: a cluster, as a whole, or an instance without read replicas.

    (Amazon RDS user guide, "Stopping an Amazon RDS DB instance temporarily", limitations.)
    """
    return database.holds_data and not database.has_replicas


def _keeps_running(database: Database) -> bool:
    return database.cluster is None and not _stoppable(database)


def _pausable(environment: Environment, stored: Stored | None) -> Manifest:
    """Return the record of an environment that can be paused. Raises EnvctlError."""
    name, pr = environment.name, environment.pr
    if stored is None:
        raise EnvctlError(ExitCode.USAGE, f"There is no environment {name}.", f"`envctl up --pr {pr}` creates it.")
    record = stored.manifest
    if record.status in ("destroying", "destroyed") or record.closed_at is not None:
        raise EnvctlError(ExitCode.POLICY, f"{name} is being destroyed.", f"`envctl destroy --pr {pr}` completes that.")
    if record.applied_at is None:
        raise EnvctlError(
            ExitCode.POLICY, f"{name} was never complete.", f"`envctl up --pr {pr}` completes it, `destroy` ends it."
        )
    if record.replacing is not None:
        raise EnvctlError(
            ExitCode.POLICY,
            f"The data of {name} is being replaced.",
            f"`envctl up --pr {pr}` completes that.",
        )
    return record


def _outcome(
    context: Context, record: Manifest, run: Run, error: EnvctlError | None, notes: tuple[str, ...]
) -> Outcome:
    return Outcome(
        "pause",
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
