"""The configured rules: which snapshot may be chosen, and what a later `up` may not do. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from orchestrator.config import Database
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Resource
from orchestrator.snapshots import LATEST, Policy


def snapshot_policy(database: Database, wanted: str | None = None) -> Policy:
    """Return the rule by which a snapshot is chosen; `wanted` is `--snapshot`."""
    return Policy(
        source=database.source,
        types=database.snapshot_types,
        kind=database.kind,
        max_age=database.max_snapshot_age,
        want=wanted or LATEST,
        account=database.source_account or None,
    )


# The types that are restored from the snapshot, and all that hold data: a root of one's own may have others. A
# cluster's instances hold none: they may come and go.
_RESTORED = frozenset({"aws_rds_cluster", "aws_db_instance"})
_DATA = _RESTORED | {"aws_docdb_cluster", "aws_neptune_cluster"}
# What a database lies in for life. Terraform changes the database in place and would have it move; AWS refuses
# when most of the environment is gone already.
_AROUND = frozenset({"aws_vpc", "aws_db_subnet_group"})


def holds_data(resource_type: str) -> bool:
    """Return whether data goes with a resource of this Terraform type."""
    return resource_type in _DATA


def replaced_database(planned: Mapping[str, Resource], free: Collection[str] = ()) -> str | None:
    """Return the address of a database, or of what it lies in, that the plan would replace or destroy.

    A read replica (an instance whose own name says `replica`) may go, unless it was promoted: `lost_replicas` says
    which to look at. `free` are the addresses of those that hold nobody's work.
    """
    for address, resource in sorted(planned.items()):
        if address in free or is_replica(resource.type, address):
            continue
        matters = holds_data(resource.type) or resource.type in _AROUND
        if matters and resource.action in ("replace", "delete"):
            return address
    return None


def restores_database(planned: Mapping[str, Resource]) -> bool:
    """Return whether the plan would make a database of the snapshot that is not there."""
    return any(
        resource.type in _RESTORED and resource.action == "create" and not is_replica(resource.type, address)
        for address, resource in planned.items()
    )


def lost_replicas(planned: Mapping[str, Resource]) -> frozenset[str]:
    """Return the addresses of the read replicas that the plan would replace or destroy."""
    return frozenset(
        address
        for address, resource in planned.items()
        if resource.action in ("delete", "replace") and is_replica(resource.type, address)
    )


def is_replica(resource_type: str, address: str) -> bool:
    """Return whether an RDS instance is itself called a replica; what its module is called says nothing."""
    name = re.search(r"\.(?P<name>[\w-]+)(\[[^\]]*\])?$", address)
    return resource_type == "aws_db_instance" and bool(name and "replica" in name["name"])


def refuse_replaced_database(planned: Mapping[str, Resource], free: Collection[str] = ()) -> None:
    """Raise EnvctlError (policy) when the plan would lose the environment's data; `free` as above."""
    address = replaced_database(planned, free)
    if address:
        resource = planned[address]
        what = (
            f"the database {address}, and with it"
            if holds_data(resource.type)
            else f"{address}, where the database lies, and so"
        )
        raise EnvctlError(
            ExitCode.POLICY,
            f"The plan would {resource.action} {what} the environment's data.",
            "Undo the change that causes it, or destroy the environment and create it anew.",
            address,
        )


# What follows from a new database elsewhere: the site's page and the master user's secret name it. Where its name
# stays, Terraform finds that there is nothing to do. A secret's version is never changed, there is a new one.
_NAMES_THE_DATABASE = frozenset(
    {
        ("aws_launch_template", "update"),
        ("aws_autoscaling_group", "update"),
        ("aws_secretsmanager_secret_version", "update"),
        ("aws_secretsmanager_secret_version", "replace"),
    }
)


def beyond_the_database(planned: Mapping[str, Resource]) -> tuple[str, ...]:
    """Return the addresses that a refresh of the data has no business with, sorted."""
    return tuple(
        address
        for address, resource in sorted(planned.items())
        if not resource.type.startswith(("aws_rds_cluster", "aws_db_instance"))
        and (resource.type, resource.action) not in _NAMES_THE_DATABASE
    )


def refuse_beyond_the_database(planned: Mapping[str, Resource]) -> None:
    """Raise EnvctlError (policy) when the plan changes anything but the database and what names it."""
    others = beyond_the_database(planned)
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise EnvctlError(
            ExitCode.POLICY,
            f"The plan would not change the database alone: it would {planned[others[0]].action} {others[0]}{more}.",
            "Bring the environment up to date with `envctl up` first, then refresh its data.",
            others[0],
        )
