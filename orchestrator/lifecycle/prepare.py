"""What `plan` and `up` begin with: the record, the pinned snapshot and an initialised Terraform.

The record and the snapshot come from AWS while Terraform initialises, and where this checkout has seen
the environment before, already plans: neither needs the other.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from orchestrator import inputs, manifest
from orchestrator.aws import power
from orchestrator.aws.store import Stored
from orchestrator.errors import EnvctlError, ExitCode, NoRoom
from orchestrator.events import Notice, Run
from orchestrator.identity import repository_prefix
from orchestrator.lifecycle import choosing, recovery, replacement, room, unsaved
from orchestrator.lifecycle.context import Context
from orchestrator.lifecycle.holding import Holding
from orchestrator.manifest import Manifest, PinnedSnapshot


@dataclass(frozen=True)
class Prepared:
    """What was found: the stored record (None for a new environment), whether there is a state, the snapshot,
    the commit, and a plan if one could be made ahead."""

    stored: Stored | None
    has_state: bool
    snapshot: PinnedSnapshot
    commit: str | None
    planned: Run | None = None

    @property
    def replacing(self) -> str | None:
        """The database that a refresh has begun to replace: whoever comes next completes that."""
        return self.stored.manifest.replacing if self.stored else None


def prepare(context: Context, wanted: str | None, commit: str | None, hold: Holding | None) -> Prepared:
    """Look everything up, initialise Terraform, write its variables. Raises EnvctlError.

    `wanted` is `--snapshot`; `hold` is taken before anything is looked up, None: only a look is wanted.
    """
    if hold is None:
        unsaved.refuse(context)
    write_backend(context)
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(_look_up, context, wanted, hold)
        try:
            with context.watch.step("init", "looking up the environment, its snapshot and providers"):
                context.engine.init()
                guess = _last_seen(context)
                if guess is None:
                    looking.result()
        except EnvctlError as error:
            # A missing bucket or bad credentials fail both; what AWS said itself is the clearer of the two.
            raise _failure_of(looking) or error from None
        ahead = _plan_ahead(context, guess, commit, save=hold is not None) if guess else None
        try:
            found = looking.result()
        except EnvctlError:
            context.engine.discard_plan()
            raise
    if hold and mended(context, found, hold):
        context.engine.discard_plan()
        ahead = None
        if not found.has_state and context.store.has_state(context.environment):
            # A state that had not been saved is there now, and with it the data it was made from.
            snapshot = found.stored.manifest.snapshot if found.stored else found.snapshot
            found = replace(found, has_state=True, snapshot=snapshot)
    if found.stored:
        context.workspace.write(context.workspace.record, manifest.render(found.stored.manifest).decode())
        commit = commit or found.stored.manifest.commit
    if commit is None and inputs.COMMIT in context.config.web.artifact:
        raise EnvctlError(
            ExitCode.USAGE,
            "web.artifact lies under the commit's name, and the commit is not known.",
            "Give --commit, or run envctl in a git checkout.",
        )
    guessed_wrong = write_tfvars(context, found.snapshot, commit) or not found.has_state or found.replacing is not None
    if guessed_wrong:
        context.engine.discard_plan()
        ahead = None
    if isinstance(ahead, EnvctlError):
        raise ahead
    return replace(found, commit=commit, planned=ahead)


def plan(context: Context, prepared: Prepared, hold: Holding | None) -> Run:
    """Return the plan, made ahead or now; whoever holds the lock can apply it. Raises EnvctlError."""
    if prepared.planned is not None:
        return prepared.planned
    check = hold.check if hold else None
    replaced = replacement.addresses(context, prepared.replacing, check) if prepared.replacing else ()
    with context.watch.step("plan", "planning"):
        return context.engine.plan(save=hold is not None, replace=replaced)


def mended(context: Context, found: Prepared, hold: Holding) -> bool:
    """Put right what a run that did not end well has left; return whether anything was done."""
    known = found.stored or found.has_state
    doubtful = known and (recovery.in_doubt(found.stored) or context.store.errored(context.environment) is not None)
    if unsaved.local(context) is None and not doubtful:
        return False
    saved = unsaved.save(context)
    recovered = recovery.recover(context, found.stored.manifest if found.stored else None, hold.check)
    return saved or recovered


def _last_seen(context: Context) -> Manifest | None:
    """Return the record as this checkout last saw it, if it was a finished environment."""
    if unsaved.local(context) is not None:
        return None
    text = context.workspace.read(context.workspace.record)
    try:
        seen = manifest.parse(text.encode(), "in the workspace") if text else None
    except EnvctlError:
        return None
    return seen if seen and seen.applied_at else None


def _plan_ahead(context: Context, guess: Manifest, commit: str | None, save: bool) -> Run | EnvctlError:
    """Plan with what was last known while the record is still on its way.

    Nearly always that is what it says: the snapshot is pinned for life. When it is not, the plan, or why
    there is none, is thrown away; a plan changes nothing.
    """
    write_tfvars(context, guess.snapshot, commit or guess.commit)
    try:
        with context.watch.step("plan", "planning"):
            return context.engine.plan(save=save)
    except EnvctlError as error:
        if error.code is ExitCode.INTERRUPTED:
            raise
        return error


def write_backend(context: Context) -> None:
    """Write the backend's settings, which `init` reads."""
    settings = inputs.backend(context.environment, context.path_style)
    context.workspace.write(context.workspace.backend, inputs.render_backend(settings))


def write_tfvars(context: Context, snapshot: PinnedSnapshot, commit: str | None, paused: bool = False) -> bool:
    """Write the root module's variables; return whether they are others than before."""
    text = inputs.render_tfvars(inputs.tfvars(context.environment, context.config, snapshot, commit, paused))
    if text == context.workspace.read(context.workspace.tfvars):
        return False
    context.workspace.write(context.workspace.tfvars, text)
    return True


def _failure_of(looking: Future[Prepared]) -> EnvctlError | None:
    found = looking.exception()
    return found if isinstance(found, EnvctlError) else None


def _look_up(context: Context, wanted: str | None, hold: Holding | None) -> Prepared:
    if hold is not None:
        hold.take()
    stored = context.store.read(context.environment)
    if stored and stored.manifest.status == "destroyed":
        if hold is None:
            raise _being_destroyed(context)
        # That run has proved that nothing is left, and died before it had forgotten it: its lock is ours now.
        context.store.purge(context.environment.kept_keys, hold.check)
        stored = None
    if stored is None:
        has_state = context.store.has_state(context.environment)
        if not has_state:
            _refuse_lost_database(context)
            _refuse_too_many(context)
            if hold is not None:
                room.refuse_without_quota(context)
        return Prepared(None, has_state, choosing.pin(context, wanted, context.emit), None)
    record = stored.manifest
    # Only where no apply was ever complete, or a destroy has begun, may the state be missing or empty.
    sure = record.applied_at is not None and not (record.operation and record.operation.kind == "destroy")
    has_state = sure or context.store.has_state(context.environment)
    if record.applied_at is None and not has_state:
        # No data was ever restored: nothing is pinned.
        return Prepared(stored, False, choosing.pin(context, wanted, context.emit), None)
    pinned = record.snapshot
    if wanted is not None and wanted not in (pinned.id, pinned.arn):
        raise EnvctlError(
            ExitCode.POLICY,
            f"{context.environment.name} was created from {pinned.id}; a later `up` never replaces its data.",
            "Leave --snapshot out to keep the data, or destroy the environment and create it anew.",
        )
    if replacement.needs_another_snapshot(context, context.environment, record):
        context.emit(Notice(f"The snapshot {pinned.id} cannot be restored any more: another one is chosen."))
        pinned = choosing.pin(context, None, context.emit)
    return Prepared(stored, has_state, pinned, None)


def _being_destroyed(context: Context) -> EnvctlError:
    return EnvctlError(
        ExitCode.LOCKED,
        f"{context.environment.name} is just being destroyed: its record is all that is left.",
        "Try again in a moment; if that run is dead, `envctl up` creates it anew and `envctl destroy` forgets it.",
    )


def _refuse_lost_database(context: Context) -> None:
    """Raise EnvctlError (not clean) where a database lives that neither a record nor a state knows.

    Before anything is said of room: that is waited for, and with it nobody would hear of a database that costs money.
    A state of this checkout that could not be saved may know it: what it does not know is found when it is saved.
    """
    living = power.with_data(power.databases(context.session, context.environment))
    if living and unsaved.local(context) is None:
        raise recovery.unknown_database(context, living[0].arn)


def _refuse_too_many(context: Context) -> None:
    limit = context.config.limits.max_environments
    others = context.store.count(repository_prefix(context.config))
    if others >= limit:
        raise NoRoom(
            f"limits.max_environments is {limit}, and the environments that exist already number {others}.",
            "Close a pull request, comment `/envctl destroy` on one (`envctl list` shows which expires first), or raise"
            " the limit.",
        )
