"""The configured rules: which snapshot may be chosen, and what a later `up` may not do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


# The types that hold the data. A cluster's instances hold none: they may come and go.
_DATA = frozenset({"aws_rds_cluster", "aws_db_instance"})


def replaced_database(planned: Mapping[str, Resource]) -> str | None:
    """Return the address of a database that the plan would replace or destroy, if there is one.

    Fewer read replicas are wanted when `replicas` is lowered: destroying one (its own name says
    `replica`) is no loss of data.
    """
    for address, resource in sorted(planned.items()):
        if resource.type not in _DATA:
            continue
        if resource.action == "replace" or (resource.action == "delete" and not _is_replica(address)):
            return address
    return None


def _is_replica(address: str) -> bool:
    """Return whether the resource itself is called a replica; what its module is called says nothing."""
    name = re.search(r"\.(?P<name>[\w-]+)(\[[^\]]*\])?$", address)
    return bool(name and "replica" in name["name"])


def refuse_replaced_database(planned: Mapping[str, Resource]) -> None:
    """Raise EnvctlError (policy) when the plan would lose the environment's data."""
    address = replaced_database(planned)
    if address:
        raise EnvctlError(
            ExitCode.POLICY,
            f"The plan would {planned[address].action} the database {address}, and with it the environment's data.",
            "Undo the change that causes it, or destroy the environment and create it anew.",
            address,
        )
