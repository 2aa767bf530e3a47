"""Replacing the database on purpose: the one way past the rule that no plan may lose it.

The record says which database has to go, by an id that AWS never gives again. From that, and from what lives
now, follows what a plan has to replace, however often a run was killed: before the old database went, between
the two, or before Terraform noted the new one down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.aws import databases, power
from orchestrator.aws.found import Found
from orchestrator.aws.power import Database
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import Environment
from orchestrator.lifecycle import choosing, policy
from orchestrator.lifecycle.context import Context, Looking
from orchestrator.lifecycle.recovery import unknown_database, until_gone
from orchestrator.manifest import Manifest
from orchestrator.state import State

# In place of the old database's id, where it is gone already: by hand, or by a destroy that did not end.
GONE = "gone"


def addresses(context: Context, replacing: str, check: Callable[[], None] | None) -> tuple[str, ...]:
    """Return what the plan has to replace so that the database with the id `replacing` goes. Raises EnvctlError.

    With `check`, databases that a killed run made and Terraform does not know are deleted first: the plan would
    make them again, under names that are taken. Only for who is about to apply: it raises when the lock is lost.
    """
    known, living = _known_and_living(context)
    if check and unknown(living, known):
        _delete_unknown(context, known, check)
        known, living = _known_and_living(context)
    replaced = due(living, known, replacing)
    old = next((database for database in living if database.resource_id == replacing), None)
    if old and not replaced:
        raise unknown_database(context, old.arn)
    return replaced


def free(context: Context, replacing: str | None) -> frozenset[str]:
    """Return the addresses of databases that hold nobody's work while one is being replaced. Raises EnvctlError.

    The one that has to go, though it may have gone since the plan was made, its replicas, and what is half-made in
    its place. Once the new one stands it is as safe from a plan as any other, though the record still names the old.
    """
    if replacing is None:
        return frozenset()
    known, living = _known_and_living(context)
    old = (database.address for database in known.databases if database.resource_id == replacing)
    return frozenset({*old, *due(living, known, replacing), *(each.address for each in known.tainted)})


def holds_data(context: Context) -> bool:
    """Return whether the state knows, or may know, a database that holds data. Raises EnvctlError."""
    known = context.store.state(context.environment) or State()
    half_made = {tainted.address for tainted in known.tainted}
    made = (database for database in known.databases if database.address not in half_made)
    return not known.readable or any(policy.holds_data(database.type) for database in made)


def due(living: tuple[Database, ...], known: State, replacing: str) -> tuple[str, ...]:
    """Return the addresses to replace: none once the old database is gone. Pure.

    Its read replicas go with it; another database that a team keeps beside it stays.
    """
    old = next((database for database in living if database.resource_id == replacing), None)
    if old is None:
        return ()
    going = {replacing, None} | {each.resource_id for each in living if each.replica_of in (old.id, old.arn)}
    return tuple(
        database.address
        for database in known.databases
        if policy.holds_data(database.type)
        and (database.resource_id in going or policy.is_replica(database.type, database.address))
    )


def unknown(living: tuple[Database, ...], known: State) -> tuple[Database, ...]:
    """Return RDS's databases that are in no state. Pure.

    The name does not tell: a state that was saved before the old database went knows that of the new one.
    """
    if not known.readable:
        return ()  # it may know them all
    ids = {database.resource_id for database in known.databases}
    half_made = {database.identifier for database in known.databases if database.resource_id is None}
    own = (each for each in living if each.relational)
    return tuple(each for each in own if each.resource_id not in ids and each.id not in half_made)


def outdated(living: tuple[Database, ...], known: State, names: tuple[str, ...]) -> str:
    """Return the id of the database whose data a refresh replaces; one that is gone has none to lose.

    Of several it is the one that bears one of its `names`. Raises EnvctlError (policy) when none does.
    """
    own = [database for database in living if database.relational and database.holds_data]
    named = next((database for database in own if database.id in names), None)
    if named:
        return named.resource_id
    if not own or any(database.identifier in names for database in known.databases):
        return GONE
    if len(own) > 1:
        raise EnvctlError(
            ExitCode.POLICY,
            f"{names[0]} has {len(own)} databases, none bears its name, and so which one's data is meant is not known.",
            f"Call the one that is restored from the snapshot {names[0]} in the root module.",
        )
    return own[0].resource_id


def names(record: Manifest) -> tuple[str, ...]:
    """Return what the environment's database may be called: as the environment, or as its endpoint says. Pure."""
    endpoint = record.outputs.get("database_endpoint")
    return (record.name, endpoint.partition(".")[0]) if isinstance(endpoint, str) else (record.name,)


def is_guessed(living: tuple[Database, ...], names: tuple[str, ...], replacing: str) -> bool:
    """Return whether `outdated` went by nothing but there being one database. Pure."""
    return any(database.resource_id == replacing and database.id not in names for database in living)


def needs_another_snapshot(context: Looking, environment: Environment, record: Manifest) -> bool:
    """Return whether the record's snapshot has gone before its data was restored. Raises EnvctlError."""
    if record.replacing is None or choosing.usable(context, record.snapshot):
        return False
    return is_due(power.databases(context.session, environment), record.replacing)


def is_due(living: tuple[Database, ...], replacing: str | None) -> bool:
    """Return whether the new database has yet to be restored: nothing that holds data lives but the old one. Pure."""
    return all(database.resource_id == replacing for database in power.standing(living))


def finish_cluster(context: Context, outputs: dict[str, Any]) -> None:
    """Make the one setting that the provider leaves out when it restores a cluster."""
    cluster = outputs.get("database_cluster_id")
    if isinstance(cluster, str) and cluster:
        databases.enable_iam_authentication(context.session, cluster)


def _known_and_living(context: Context) -> tuple[State, tuple[Database, ...]]:
    known = context.store.state(context.environment) or State()
    return known, power.databases(context.session, context.environment)


def _delete_unknown(context: Context, known: State, check: Callable[[], None]) -> None:
    def look() -> tuple[Found, ...]:
        lost = unknown(power.databases(context.session, context.environment), known)
        check()
        return tuple(_found(database) for database in lost)

    with context.watch.step("recover", "deleting a database that an earlier run made and noted nowhere"):
        left = until_gone(context, look)
    if left:
        raise EnvctlError(
            ExitCode.NOT_CLEAN,
            f"{left[0].arn} is in no state and cannot be deleted: {left[0].why}.",
            "Delete it, and run the same command again.",
        )


def _found(database: Database) -> Found:
    return Found(
        database.arn, database.type, database.id, f"is {database.status}", moving=database.status == "deleting"
    )
