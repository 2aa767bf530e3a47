"""Read replicas that are none any more: who promotes one has a database of its own, and its own data in it.

For Terraform it stays what its address says, and goes with the others: at a pause, or when fewer are wanted.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.aws import power
from orchestrator.aws.power import Database
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Resource
from orchestrator.lifecycle import policy
from orchestrator.lifecycle.context import Context
from orchestrator.state import State


def refuse_lost(context: Context, planned: Mapping[str, Resource]) -> None:
    """Raise EnvctlError (policy) when the plan would lose a promoted read replica. AWS is asked only if any goes."""
    going = policy.lost_replicas(planned)
    if not going:
        return
    known = context.store.state(context.environment) or State()
    promoted = first(going, known, power.databases(context.session, context.environment))
    if promoted:
        raise EnvctlError(
            ExitCode.POLICY,
            f"{promoted.id} is no read replica any more, and the plan would delete it with the data that is in it.",
            "Save what is needed of its data, delete it, and run the same command again.",
        )


def first(going: frozenset[str], known: State, living: tuple[Database, ...]) -> Database | None:
    """Return the first of `living` that stands at one of the addresses `going` and is no replica. Pure.

    What stands where is in the state. One that does not say it, encrypted or not yet told of a move, leaves the name.
    """
    there = [database for database in known.databases if database.address in going]
    names = {database.identifier for database in there} | {database.resource_id for database in there}
    untold = going - {database.address for database in there}
    return next(
        (
            each
            for each in living
            if each.kind == "instance"
            and each.holds_data
            and each.status != "deleting"
            and (names & {each.id, each.resource_id} or (untold and "-replica" in each.id))
        ),
        None,
    )
