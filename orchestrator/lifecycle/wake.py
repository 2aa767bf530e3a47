"""Starting what a pause has stopped: databases and the bastion. What Terraform removed, Terraform makes again.

RDS lets a stopped database be neither changed nor, as a cluster with members, deleted (Amazon Aurora user
guide, "Stopping and starting"): who applies or destroys starts it first, and waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.aws import power
from orchestrator.aws.power import Database
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice
from orchestrator.lifecycle.context import Context

POLL_S = 10.0
# Starting a large one recovers it first, which can take long; a stop that has begun must end before.
TIMEOUT_S = 3600.0
ASLEEP = frozenset({"stopped", "stopping"})


def wake(context: Context, outputs: dict[str, Any]) -> None:
    """Start the databases and the bastion, and wait until the databases take changes. Raises EnvctlError."""
    with context.watch.step("wake", "starting what was stopped"):
        bastion = outputs.get("bastion_instance_id")
        if isinstance(bastion, str) and bastion:
            power.start_instance(context.session, bastion)
        wake_databases(context)


def wake_databases(context: Context) -> None:
    """Start every database that is stopped, and wait until all take changes. Raises EnvctlError."""
    started: set[str] = set()

    def rest(databases: tuple[Database, ...]) -> list[Database]:
        own = [database for database in databases if database.holds_data]
        for database in own:
            if database.status == "stopped" and database.resource_id not in started:
                power.start_database(context.session, database)
                started.add(database.resource_id)
        return [database for database in own if database.status in ASLEEP or database.status == "starting"]

    rest(power.databases(context.session, context.environment))
    left = until(context, rest, TIMEOUT_S)
    if left:
        raise EnvctlError(
            ExitCode.TERRAFORM,
            f"The database {left[0].id} was started and is still {left[0].status}.",
            "Run the same command again: it goes on waiting.",
        )


def until(context: Context, look: Callable[[tuple[Database, ...]], list[Database]], timeout_s: float) -> list[Database]:
    """Look at the databases every few seconds until `look` finds none to wait for; return those that remain."""
    deadline = context.watch.clock() + timeout_s
    said = ""
    while True:
        left = look(power.databases(context.session, context.environment))
        if not left or context.watch.clock() + POLL_S > deadline:
            return left
        waiting = ", ".join(f"{database.id} is {database.status}" for database in left)
        if waiting != said:
            said = waiting
            context.emit(Notice(f"Waiting: {said}."))
        context.sleep(POLL_S)
