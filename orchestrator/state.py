"""What Terraform's state says that envctl needs: which things and databases it knows, and what it distrusts. Pure.

The format is version 4, which Terraform and OpenTofu share. Values are read and dropped: a state holds secrets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

# Where each type keeps AWS's own id of a database.
_RESOURCE_ID = {
    "aws_rds_cluster": "cluster_resource_id",
    "aws_rds_cluster_instance": "dbi_resource_id",
    "aws_db_instance": "resource_id",
}
# Things that are known by a name which those of another type may bear too, and what Terraform calls each type.
_CALLED = {
    "autoscaling:group": {"aws_autoscaling_group"},
    "rds:DBCluster": {"aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster"},
    "rds:DBInstance": {
        "aws_db_instance",
        "aws_rds_cluster_instance",
        "aws_docdb_cluster_instance",
        "aws_neptune_cluster_instance",
    },
    "rds:DBSubnetGroup": {"aws_db_subnet_group", "aws_docdb_subnet_group", "aws_neptune_subnet_group"},
    "rds:DBParameterGroup": {"aws_db_parameter_group", "aws_neptune_parameter_group"},
    "rds:DBClusterParameterGroup": {
        "aws_rds_cluster_parameter_group",
        "aws_docdb_cluster_parameter_group",
        "aws_neptune_cluster_parameter_group",
    },
    "iam:Role": {"aws_iam_role"},
    "iam:InstanceProfile": {"aws_iam_instance_profile"},
    "logs:group": {"aws_cloudwatch_log_group"},
    "cloudwatch:alarm": {"aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"},
}
_CALLED_TYPES = frozenset().union(*_CALLED.values())


@dataclass(frozen=True)
class Tainted:
    """A resource that Terraform made but whose making did not end: it would replace it."""

    address: str
    type: str
    id: str


@dataclass(frozen=True)
class StateDatabase:
    """A database that a state manages: `identifier` is its name, `resource_id` what AWS never calls another one.

    The latter is None of one whose making did not end.
    """

    address: str
    type: str
    identifier: str
    resource_id: str | None


@dataclass(frozen=True)
class State:
    """A state: `ids` are the ids and ARNs of everything that it manages, `named` the same with Terraform's type.

    `addresses` are the allocation ids of all Elastic IPs that it names, those that it only uses included.
    `readable` is false for bytes that are no state: then nothing is known, which is not the same as nothing.
    """

    lineage: str = ""
    serial: int = -1
    ids: frozenset[str] = frozenset()
    named: frozenset[tuple[str, str]] = frozenset()
    addresses: frozenset[str] = frozenset()
    tainted: tuple[Tainted, ...] = ()
    databases: tuple[StateDatabase, ...] = ()
    readable: bool = True
    empty: bool = True

    def knows(self, kind: str, id: str, arn: str) -> bool:
        """Return whether it manages this thing; `kind` is its type as an inventory calls it, "rds:DBCluster" say.

        A subnet group of the same name is no cluster, and a role no profile. What a type is that is not known here
        cannot be known either: it may be the thing.
        """
        if arn in self.ids or kind not in _CALLED:
            return arn in self.ids or id in self.ids
        bearers = {type for type, name in self.named if name == id}
        return bool(bearers & _CALLED[kind] or bearers - _CALLED_TYPES)

    @property
    def holds_something(self) -> bool:
        """Whether a destroy of it would have anything to do: a finished one leaves an empty state behind."""
        return not self.readable or not self.empty


def parse(body: bytes) -> State:
    """Read a state."""
    try:
        raw = json.loads(body.decode())  # Terraform writes and takes UTF-8 alone
        if "encrypted_data" in raw:  # OpenTofu's: what it knows cannot be known
            return State(readable=False)
        named: set[tuple[str, str]] = set()
        tainted: list[Tainted] = []
        databases: list[StateDatabase] = []
        empty = True
        for resource in raw.get("resources") or ():
            if resource.get("mode") == "data":
                continue
            empty = False
            for instance in resource.get("instances") or ():
                attributes = instance.get("attributes") or {}
                ids = {str(attributes[key]) for key in ("id", "arn", "identifier") if attributes.get(key)}
                named |= {(str(resource.get("type")), id) for id in ids}
                if resource.get("type") in _RESOURCE_ID:
                    databases.append(_database(resource, instance, attributes))
                if instance.get("status") == "tainted":
                    identifier = str(attributes.get("identifier") or attributes.get("id") or "")
                    tainted.append(Tainted(_address(resource, instance), str(resource["type"]), identifier))
        return State(
            str(raw.get("lineage", "")),
            int(raw.get("serial", -1)),
            frozenset(id for _, id in named),
            frozenset(named),
            frozenset(re.findall(r"\beipalloc-[0-9a-f]+", body.decode())),
            tuple(tainted),
            tuple(databases),
            True,
            empty,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return State(readable=False)


def _database(resource: dict[str, Any], instance: dict[str, Any], attributes: dict[str, Any]) -> StateDatabase:
    kind = str(resource["type"])
    name = attributes.get("cluster_identifier" if kind == "aws_rds_cluster" else "identifier")
    own = attributes.get(_RESOURCE_ID[kind])
    return StateDatabase(_address(resource, instance), kind, str(name or ""), str(own) if own else None)


def _address(resource: dict[str, Any], instance: dict[str, Any]) -> str:
    module = f"{resource['module']}." if resource.get("module") else ""
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key)}]"
    return f"{module}{resource['type']}.{resource['name']}{index}"
