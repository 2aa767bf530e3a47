"""The part of AWS that environments are made of, in memory: a versioned bucket with S3's conditional writes,
networks with their tags, production's one snapshot. It answers as boto3's clients do."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from orchestrator.events import Run

Step = Callable[[], None]
"""Called before each change: where a run may be killed, and where other things may happen meanwhile."""


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Something")


@dataclass
class Bucket:
    """Every version of every object: a pair of its id and its bytes, None for a delete marker. The last counts."""

    step: Step
    versions: dict[str, list[tuple[str, bytes | None]]] = field(default_factory=dict)
    _count: int = 0

    def read(self, key: str) -> bytes | None:
        return self.versions[key][-1][1] if key in self.versions else None

    def get_object(self, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:
        versions = self.versions.get(Key, [])
        id, body = next((each for each in reversed(versions) if VersionId in (None, each[0])), ("", None))
        if body is None:
            raise refused("NoSuchKey")
        return {"Body": io.BytesIO(body), "ETag": _etag(body), "VersionId": id}

    def put_object(
        self, Bucket: str, Key: str, Body: bytes, IfMatch: str | None = None, IfNoneMatch: str | None = None, **_: Any
    ) -> dict[str, Any]:
        self.step()
        there = self.read(Key)
        if IfNoneMatch and there is not None:
            raise refused("PreconditionFailed")
        if IfMatch and there is None:
            raise refused("NoSuchKey")
        if IfMatch and there is not None and IfMatch != _etag(there):
            raise refused("PreconditionFailed")
        return {"ETag": _etag(Body), "VersionId": self._add(Key, Body)}

    def delete_object(self, Bucket: str, Key: str, VersionId: str | None = None) -> None:
        self.step()
        if VersionId:
            self._remove(Key, VersionId)
        else:
            self._add(Key, None)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        self.step()
        for each in Delete["Objects"]:
            self._remove(each["Key"], each["VersionId"])
        return {}

    def get_paginator(self, operation: str) -> Pages:
        return Pages({"list_objects_v2": self._objects, "list_object_versions": self._versions}[operation])

    def _objects(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        keys = (key for key in sorted(self.versions) if key.startswith(Prefix))
        return {"Contents": [{"Key": key} for key in keys if self.read(key) is not None]}

    def _versions(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        keys = (key for key in sorted(self.versions) if key.startswith(Prefix))
        return {"Versions": [{"Key": key, "VersionId": id} for key in keys for id, _ in self.versions[key]]}

    def _add(self, key: str, body: bytes | None) -> str:
        self._count += 1
        self.versions.setdefault(key, []).append((f"v{self._count}", body))
        return f"v{self._count}"

    def _remove(self, key: str, version: str) -> None:
        left = [each for each in self.versions.get(key, ()) if each[0] != version]
        if left:
            self.versions[key] = left
        else:
            self.versions.pop(key, None)


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Pages:
    """A paginator whose only page is what `answer` returns."""

    answer: Callable[..., dict[str, Any]]

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        return [self.answer(**arguments)]


class Service:
    """A service that holds nothing but what is handed in, by operation."""

    def __init__(self, answers: dict[str, Callable[..., dict[str, Any]]]) -> None:
        self._answers = answers

    def can_paginate(self, operation: str) -> bool:
        return True

    def get_paginator(self, operation: str) -> Pages:
        return Pages(self._answers.get(operation, lambda **_: {}))

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Arn": "arn:aws:sts::123456789012:assumed-role/test", "Account": "123456789012"}

    def delete_vpc(self, VpcId: str) -> None:
        self._answers["delete_vpc"](VpcId)

    def describe_db_engine_versions(self, **_: Any) -> dict[str, Any]:
        return {"DBEngineVersions": [{"Status": "available"}]}

    def describe_orderable_db_instance_options(self, DBInstanceClass: str, **_: Any) -> dict[str, Any]:
        return {"OrderableDBInstanceOptions": [{"DBInstanceClass": DBInstanceClass}]}


@dataclass
class Network:
    """A network, whose environment it is of, and the commit that is served in it."""

    pr: int
    commit: str = ""


@dataclass
class Account:
    """The networks that there are. Nothing keeps an environment from having two, but whoever makes them."""

    bucket: Bucket
    step: Step
    now: Callable[[], datetime]
    networks: dict[str, Network] = field(default_factory=dict)
    made: int = 0

    def make_network(self, pr: int) -> str:
        self.step()
        self.made += 1
        self.networks[f"vpc-{self.made}"] = Network(pr)
        return f"vpc-{self.made}"

    def delete_network(self, id: str) -> dict[str, Any]:
        self.step()
        if self.networks.pop(id, None) is None:
            raise refused("InvalidVpcID.NotFound")
        return {}

    def client(self, service: str) -> Any:
        if service == "s3":
            return self.bucket
        return Service(
            {
                "describe_vpcs": self._vpcs,
                "delete_vpc": self.delete_network,
                "describe_db_cluster_snapshots": self._snapshots,
            }
        )

    def _vpcs(self, Filters: Any = (), **_: Any) -> dict[str, Any]:
        found = [{"VpcId": id, "State": "available", "Tags": _tags(made.pr)} for id, made in self.networks.items()]
        for asked in Filters:
            key = asked["Name"].removeprefix("tag:")
            found = [vpc for vpc in found if {"Key": key, "Value": asked["Values"][0]} in vpc["Tags"]]
        return {"Vpcs": found}

    def _snapshots(self, DBClusterIdentifier: str = "", **_: Any) -> dict[str, Any]:
        if DBClusterIdentifier != "shop-prod":
            return {}
        snapshot = {
            "DBClusterSnapshotArn": "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:s",
            "DBClusterSnapshotIdentifier": "s",
            "DBClusterIdentifier": "shop-prod",
            "SnapshotType": "automated",
            "Status": "available",
            "Engine": "aurora-mysql",
            "EngineVersion": "8.0.mysql_aurora.3.08.0",
            "SnapshotCreateTime": self.now() - timedelta(hours=2),
        }
        return {"DBClusterSnapshots": [snapshot]}


def _tags(pr: int) -> list[dict[str, str]]:
    tags = {"environment": f"shop-pr-{pr}", "project": "shop", "repository": "acme/shop", "pr": str(pr)}
    return [{"Key": f"envctl:{key}", "Value": value} for key, value in tags.items()]


@dataclass
class Engine:
    """Terraform for one environment: a network, then the commit that is served in it.

    It may be killed after a call and before its state is saved, and then the state does not know of it.
    """

    account: Account
    tfvars: Callable[[], str]
    pr: int
    state_key: str
    root: Path

    def at(self, root: Path) -> Engine:
        return dataclasses.replace(self, root=root)

    def init(self) -> bool:
        return True

    def plan(self, save: bool = False, replace: tuple[str, ...] = ()) -> Run:
        network = self._network()
        served = self.account.networks[network].commit if network else None
        return Run(2 if served != self._wanted() else 0)

    def apply(self, saved: bool) -> Run:
        network = self._network()
        if network is None:
            network = self.account.make_network(self.pr)
            self._save(network)
        self.account.step()
        self.account.networks[network].commit = self._wanted()
        self._save(network)
        return Run(0)

    def destroy(self) -> Run:
        network = self._network()
        if network:
            self.account.delete_network(network)
        self._save(None)
        return Run(0)

    def modules(self) -> set[str]:
        return set()  # a team's own root, of whose quotas nothing is known

    def outputs(self) -> dict[str, Any]:
        return {}

    def discard_plan(self) -> None:
        pass

    def keep_unsaved_state(self) -> None:
        pass  # its states are saved

    def _wanted(self) -> str:
        return str(json.loads(self.tfvars())["commit"])

    def _network(self) -> str | None:
        """Return the network that the state knows and the account has."""
        body = self.account.bucket.read(self.state_key)
        resources = json.loads(body)["resources"] if body else ()
        known = [instance["attributes"]["id"] for resource in resources for instance in resource["instances"]]
        return next((id for id in known if id in self.account.networks), None)

    def _save(self, network: str | None) -> None:
        instances = [{"attributes": {"id": network}}]
        resource = {"mode": "managed", "type": "aws_vpc", "name": "this", "instances": instances}
        state = {"version": 4, "lineage": "x", "serial": 1, "resources": [resource] if network else []}
        self.account.bucket.put_object("", self.state_key, json.dumps(state).encode())
