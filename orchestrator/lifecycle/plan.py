"""`plan`: what `up` would do. Writes nothing, not even a lock, so that a read-only role can run it."""

from __future__ import annotations

from orchestrator.errors import ExitCode
from orchestrator.lifecycle import policy, prepare, replacement
from orchestrator.lifecycle.context import Context
from orchestrator.outcome import Outcome


def plan(context: Context, commit: str | None, snapshot: str | None, fail_on_changes: bool) -> Outcome:
    """Return the planned changes. Raises EnvctlError."""
    with context.workspace.held():
        prepared = prepare.prepare(context, snapshot, commit, hold=None)
        run = prepare.plan(context, prepared, hold=None)
    record = prepared.stored.manifest if prepared.stored else None
    notes = ["The output values would change."] if run.output_changes and not run.changes and record else []
    if record and record.applied_at:
        address = policy.replaced_database(run.planned, replacement.free(context, record.replacing))
        if address:
            notes.append(f"`up` would refuse this plan: {address} cannot go without the environment's data.")
    if record and record.paused_at:
        notes.append("It is paused: `up` would resume it, and start its database as well.")
    changed = run.exit_code == 2
    return Outcome(
        "plan",
        environment=context.environment,
        manifest=record,
        snapshot=prepared.snapshot,
        changes=run.changes,
        resources=tuple(run.planned[address] for address in sorted(run.planned)),
        timings=context.watch.timings(),
        notes=tuple(notes),
        exit_code=ExitCode.CHANGES if changed and fail_on_changes else ExitCode.DONE,
    )
