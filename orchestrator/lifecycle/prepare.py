"""What `plan` and `up` begin with: the record, the pinned snapshot and an initialised Terraform.

The record and the snapshot come from AWS while `terraform init` runs: neither needs the other.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from orchestrator import inputs, manifest, snapshots
from orchestrator.aws import databases
from orchestrator.aws.store import Stored
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import repository_prefix
from orchestrator.lifecycle.context import Context
from orchestrator.manifest import Manifest, PinnedSnapshot
from orchestrator.snapshots import LATEST, Policy


@dataclass(frozen=True)
class Prepared:
    """What was found: the stored record (None for a new environment), whether there is a state, the snapshot."""

    stored: Stored | None
    has_state: bool
    snapshot: PinnedSnapshot


def prepare(context: Context, wanted: str | None) -> Prepared:
    """Look everything up and initialise Terraform. `wanted` is `--snapshot`. Raises EnvctlError."""
    write_backend(context)
    with (
        ThreadPoolExecutor(1) as pool,
        context.watch.step("init", "looking up the environment, its snapshot and providers"),
    ):
        looking = pool.submit(_look_up, context, wanted)
        try:
            context.engine.init()
        except EnvctlError as error:
            # A missing bucket or bad credentials fail both; what AWS said itself is the clearer of the two.
            raise _failure_of(looking) or error from None
        return looking.result()


def refuse_while_under_way(context: Context, record: Manifest) -> None:
    """Raise EnvctlError (locked) while another run is between its intent and its outcome.

    Terraform's lock is the proof that it lives; asking first spares a doomed run, and spares the other
    run's record our intent.
    """
    if record.operation is None or record.operation.ended_at is not None:
        return
    lock = context.store.lock(context.environment)
    if lock is not None:
        raise EnvctlError(
            ExitCode.LOCKED,
            f"{context.environment.name} is locked by another run: {lock.describe()}.",
            "Try again when it has ended; if it is certainly dead, `envctl unlock`.",
        )


def write_backend(context: Context) -> None:
    """Write the backend's settings, which `init` reads."""
    settings = inputs.backend(context.environment, context.path_style)
    context.workspace.write(context.workspace.backend, inputs.render_backend(settings))


def write_tfvars(context: Context, snapshot: PinnedSnapshot, commit: str | None) -> None:
    """Write the root module's variables."""
    values = inputs.tfvars(context.environment, context.config, snapshot, commit)
    context.workspace.write(context.workspace.tfvars, inputs.render_tfvars(values))


def _failure_of(looking: Future[Prepared]) -> EnvctlError | None:
    found = looking.exception()
    return found if isinstance(found, EnvctlError) else None


def _look_up(context: Context, wanted: str | None) -> Prepared:
    stored = context.store.read(context.environment)
    if stored is None:
        has_state = context.store.has_state(context.environment)
        if not has_state:
            _refuse_too_many(context)
        return Prepared(None, has_state, _choose(context, wanted))
    refuse_while_under_way(context, stored.manifest)
    pinned = stored.manifest.snapshot
    if wanted is not None and wanted not in (pinned.id, pinned.arn):
        raise EnvctlError(
            ExitCode.POLICY,
            f"{context.environment.name} was created from {pinned.id}; a later `up` never replaces its data.",
            "Leave --snapshot out to keep the data, or destroy the environment and create it anew.",
        )
    # Only an environment that was never ready may lack a state, so only then it is looked for.
    has_state = stored.manifest.ready_at is not None or context.store.has_state(context.environment)
    return Prepared(stored, has_state, pinned)


def _choose(context: Context, wanted: str | None) -> PinnedSnapshot:
    database = context.config.database
    policy = Policy(
        source=database.source,
        types=database.snapshot_types,
        kind=database.kind,
        max_age=database.max_snapshot_age,
        want=wanted or LATEST,
    )
    candidates = databases.snapshots(context.session, policy)
    return PinnedSnapshot.of(snapshots.choose(candidates, policy, context.now()))


def _refuse_too_many(context: Context) -> None:
    limit = context.config.limits.max_environments
    others = context.store.all(repository_prefix(context.config))
    if len(others) < limit:
        return
    soonest = min(others, key=lambda other: other.expires_at)
    raise EnvctlError(
        ExitCode.POLICY,
        f"There are {len(others)} environments already, and limits.max_environments is {limit}.",
        f"Destroy one (`envctl list`; {soonest.name} expires first, at {manifest.iso(soonest.expires_at)}), or raise the limit.",
    )
