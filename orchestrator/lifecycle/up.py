"""`up`: create the environment, or make it follow the configuration and the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from orchestrator import cost, manifest
from orchestrator.aws import inventory, power
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes, Notice, Run
from orchestrator.lifecycle import code, policy, prepare, promoted, recovery, replacement, unsaved, wake
from orchestrator.lifecycle.context import Context
from orchestrator.lifecycle.health import has_site, settle
from orchestrator.lifecycle.holding import Holding, holding
from orchestrator.lifecycle.lasting import refuse_short_credentials
from orchestrator.lifecycle.prepare import Prepared
from orchestrator.manifest import Manifest, Status
from orchestrator.outcome import Leftover, Outcome
from orchestrator.state import State
from orchestrator.terraform import failure


@dataclass(frozen=True)
class UpOptions:
    """What the caller asks for; `wait_s` is how long to wait for health in seconds, None: not at all.

    `lives` is how long it shall live from now on at least. `still_wanted` is called when everything is
    prepared and nothing is changed yet: what it raises ends the operation there.
    Either kind starts again what was paused; `resume` is for the record and the reader.
    """

    commit: str | None = None
    snapshot: str | None = None
    wait_s: float | None = None
    lives: timedelta | None = None
    still_wanted: Callable[[], None] = lambda: None
    kind: Literal["up", "resume"] = "up"


def up(context: Context, options: UpOptions) -> Outcome:
    """Bring the environment up. What fails before Terraform applies is raised, later it is in the Outcome."""
    with context.workspace.held(), holding(context, options.kind) as hold:
        prepared = prepare.prepare(context, options.snapshot, options.commit, hold)
        writer = _Record(context, prepared, hold)
        work = _update if prepared.has_state else _create
        return replace(work(context, options, prepared, writer), command=options.kind)


def _create(context: Context, options: UpOptions, prepared: Prepared, writer: _Record) -> Outcome:
    if prepared.stored:
        left = inventory.remaining(context.session, context.environment)
        if left:
            return _unknown_to_terraform(context, writer.manifest, left)
        recovery.database_is_gone(context)  # raises where one lives under a name that is not the environment's
    writer.restores()
    refuse_short_credentials(context, writer.manifest, "up")
    options.still_wanted()
    writer.intend(options.lives)
    with context.watch.step("apply", "creating"):
        run = context.engine.apply(saved=False)
    unsaved.after(context, run)
    return _conclude(context, options, writer, run)


def _unknown_to_terraform(context: Context, record: Manifest, left: tuple[Leftover, ...]) -> Outcome:
    """A run was killed before Terraform saved its state, or a destroy left something: creating would double it."""
    count = "1 thing that is" if len(left) == 1 else f"{len(left)} things that are"
    error = EnvctlError(
        ExitCode.NOT_CLEAN,
        f"An earlier run of {context.environment.name} did not end well: the account holds {count} in no state.",
        "Delete what is listed, then run `envctl up` again.",
    )
    return replace(_outcome(context, record, Run(), error), left=left, changes=None)


def _update(context: Context, options: UpOptions, prepared: Prepared, writer: _Record) -> Outcome:
    run = prepare.plan(context, prepared, writer.hold)
    try:
        # Before an apply was once complete there is nothing in the database that anyone could lose.
        if writer.manifest.applied_at:
            policy.refuse_replaced_database(run.planned, replacement.free(context, writer.manifest.replacing))
            if not writer.manifest.replacing:  # a replica is promoted when its source goes, and goes as well
                promoted.refuse_lost(context, run.planned)
        paused = writer.manifest.paused_at is not None
        if run.exit_code == 0 and not paused:
            return _unchanged(context, options, writer)
        if policy.restores_database(run.planned) and recovery.database_is_gone(context):
            writer.restores()
        refuse_short_credentials(context, writer.manifest, "up")
        options.still_wanted()
        writer.intend(options.lives)
        if paused:  # a database that is stopped takes no changes, and Terraform does not start it
            _wake(context, writer)
    except BaseException:
        context.engine.discard_plan()
        raise
    with context.watch.step("apply", "applying the changes"):
        applied = context.engine.apply(saved=True)
    unsaved.after(context, applied)
    applied.planned = run.planned
    return _conclude(context, options, writer, applied)


def _wake(context: Context, writer: _Record) -> None:
    try:
        wake.wake(context, writer.manifest.outputs)
    except EnvctlError as error:
        writer.conclude("failed", error.message)
        raise


def _unchanged(context: Context, options: UpOptions, writer: _Record) -> Outcome:
    context.engine.discard_plan()
    record = writer.manifest
    settled = record.status in ("ready", "unhealthy")
    # A run that was killed after its apply left no outputs in the record; the state has them.
    outputs = record.outputs if settled else context.engine.outputs()
    if record.restoring:
        replacement.finish_cluster(context, outputs)
    status, error = settle(context, outputs, options.wait_s, record.status if settled else "ready")
    if record.closed_at or (record.status, record.commit) != (status, writer.commit):
        options.still_wanted()
        writer.intend(options.lives)
        writer.conclude(status, error.message if error else "nothing to change", outputs)
    return _outcome(context, writer.manifest, Run(exit_code=0), error)


def _conclude(context: Context, options: UpOptions, writer: _Record, run: Run) -> Outcome:
    if run.exit_code != 0:
        error = failure(run, "apply")
        writer.conclude("failed", error.message)
        return _outcome(context, writer.manifest, run, error)
    if writer.created or writer.manifest.restoring:
        try:
            replacement.finish_cluster(context, run.outputs)
        except EnvctlError as error:  # everything stands: the next `up` makes this one setting
            writer.conclude("unhealthy", error.message, run.outputs)
            return _outcome(context, writer.manifest, run, error)
    if run.interrupted:  # too late to stop anything: only its health was not looked at
        writer.conclude("unhealthy", "interrupted before its health was known", run.outputs)
        return _outcome(context, writer.manifest, run, failure(run, "apply"))
    if options.wait_s is not None and has_site(run.outputs):
        # Written before the wait as well: killed in it, the record still says what was applied.
        writer.conclude("unhealthy", "applied; its health is not known yet", run.outputs)
    status, health_error = settle(context, run.outputs, options.wait_s)
    writer.conclude(status, health_error.message if health_error else "applied", run.outputs)
    # When all is written down: this may take minutes, and whoever ends it early loses nothing.
    notes = _cleared(context, writer.hold) if run.changes.add or run.changes.replace else ()
    if options.wait_s is None and has_site(run.outputs):
        notes = (*notes, "Whether it is healthy was not looked at.")
    return _outcome(context, writer.manifest, run, health_error, notes)


def _cleared(context: Context, hold: Holding) -> tuple[str, ...]:
    """Clear what AWS made twice; return what is to be said if it cannot be: the environment works all the same."""
    try:
        left = recovery.clear_doubles(context, hold.check)
    except EnvctlError as error:
        return (f"What AWS may have made twice could not be looked for or deleted: {error.message}",)
    return tuple(f"{each.arn} is in no state and could not be deleted: {each.why}." for each in left)


def _knows_other_data(context: Context) -> bool:
    """Return whether the state knows a DocumentDB or Neptune cluster that lives. Raises EnvctlError."""
    known = context.store.state(context.environment) or State()
    whole = known.ids - {tainted.id for tainted in known.tainted}
    return any(each.id in whole for each in power.with_data(power.databases(context.session, context.environment)))


class _Record:
    """The manifest under way: no write loses another's."""

    def __init__(self, context: Context, prepared: Prepared, hold: Holding) -> None:
        self._context = context
        self.hold = hold
        self._stored = prepared.stored
        self.created = not prepared.has_state
        self.commit = prepared.commit
        if prepared.stored:
            self.manifest = replace(prepared.stored.manifest, snapshot=prepared.snapshot)
        else:
            if prepared.has_state:
                context.emit(Notice("There is a state but no manifest: a new one is written."))
            now = context.now()
            begun = manifest.begin(context.environment, prepared.snapshot, now, context.config.limits.ttl)
            # What the lost record knew of the data is not known: people may have worked with it.
            lived = prepared.has_state and (replacement.holds_data(context) or _knows_other_data(context))
            self.manifest = replace(begun, applied_at=now) if lived else begun

    def restores(self) -> None:
        """Note that the data of an environment that was complete once is restored again.

        Its database went by hand, or with a destroy that did not end. Until the new one stands nobody has worked
        with it: whoever comes next may delete and restore it, as in the middle of a refresh.
        """
        if self.manifest.applied_at and not self.manifest.replacing:
            self.manifest = replace(self.manifest, replacing=replacement.GONE)

    def intend(self, lives: timedelta | None = None) -> None:
        """Write the intent; raises EnvctlError (locked) when another run was first."""
        kept, now = code.keep(self._context, self.manifest), self._context.now()
        intended = manifest.intend(kept, self.hold.kind, now, self.commit, self.hold.id)
        if lives is not None:
            intended = manifest.prolong(intended, now + lives)
        self._stored = self._context.store.intend(self._context.environment, intended, self._stored)
        self.manifest = intended

    def conclude(self, status: Status, outcome: str, outputs: dict[str, Any] | None = None) -> None:
        """Write the outcome on top of whatever was written meanwhile (an `extend`, say)."""
        assert self._stored is not None  # noqa: S101 - an intent always comes first
        now = self._context.now()
        self._stored = self._context.store.update(
            self._context.environment,
            self._stored,
            lambda record: manifest.conclude_own(record, self.hold.id, status, outcome, now, outputs),
        )
        self.manifest = self._stored.manifest


def _outcome(
    context: Context, record: Manifest, run: Run, error: EnvctlError | None, notes: tuple[str, ...] = ()
) -> Outcome:
    done = sorted(run.resources.values(), key=lambda resource: -resource.elapsed_s)
    return Outcome(
        "up",
        environment=context.environment,
        manifest=record,
        snapshot=record.snapshot,
        changes=run.changes if run.planned else Changes(),
        resources=tuple(done),
        outputs=record.outputs,
        timings=context.watch.timings(),
        cost=cost.estimate(context.config, record.snapshot),
        notes=notes,
        error=error,
        exit_code=error.code if error else ExitCode.DONE,
    )
