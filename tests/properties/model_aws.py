"""The part of AWS that environments are made of, in memory: a versioned bucket with S3's conditional writes,
networks with their tags, production's one snapshot. It answers as boto3's clients do."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

Step = Callable[[], None]
"""Called before each change: where a run may be killed, and where other things may happen meanwhile."""


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Something")


@dataclass
class Bucket:
    """Objects by key, each with the ids of all its versions; the last one is what a reader gets."""

    step: Step
    objects: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, list[str]] = field(default_factory=dict)
    _count: int = 0

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise refused("NoSuchKey")
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": self._etag(Key), "VersionId": self.versions[Key][-1]}

    def put_object(
        self, Bucket: str, Key: str, Body: bytes, IfMatch: str | None = None, IfNoneMatch: str | None = None, **_: Any
    ) -> dict[str, Any]:
        self.step()
        if IfNoneMatch and Key in self.objects:
            raise refused("PreconditionFailed")
        if IfMatch and Key not in self.objects:
            raise refused("NoSuchKey")
        if IfMatch and IfMatch != self._etag(Key):
            raise refused("PreconditionFailed")
        self.objects[Key] = Body
        self._version(Key)
        return {"ETag": self._etag(Key)}

    def delete_object(self, Bucket: str, Key: str, VersionId: str | None = None) -> None:
        self.step()
        if VersionId:
            self._remove(Key, VersionId)
        elif self.objects.pop(Key, None) is not None:
            self._version(Key)  # a delete marker

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        self.step()
        for each in Delete["Objects"]:
            self._remove(each["Key"], each["VersionId"])
        return {}

    def get_paginator(self, operation: str) -> Pages:
        return Pages({"list_objects_v2": self._objects, "list_object_versions": self._versions}[operation])

    def _objects(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        return {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}

    def _versions(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        keys = sorted(key for key in self.versions if key.startswith(Prefix))
        return {"Versions": [{"Key": key, "VersionId": id} for key in keys for id in self.versions[key]]}

    def _etag(self, key: str) -> str:
        return hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest()

    def _version(self, key: str) -> None:
        self._count += 1
        self.versions.setdefault(key, []).append(f"v{self._count}")

    def _remove(self, key: str, version: str) -> None:
        """Delete one version. What was before a deleted last one never comes back here: nobody relies on it."""
        left = [id for id in self.versions.get(key, ()) if id != version]
        if self.versions.get(key, [""])[-1] == version:
            self.objects.pop(key, None)
        if left:
            self.versions[key] = left
        else:
            self.versions.pop(key, None)


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


@dataclass
class Account:
    """The networks that environments have, by pull request, and the commit that each serves."""

    bucket: Bucket
    now: Callable[[], datetime]
    serves: dict[int, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service == "s3":
            return self.bucket
        return Service({"describe_vpcs": self._vpcs, "describe_db_cluster_snapshots": self._snapshots})

    def _vpcs(self, Filters: Any = (), **_: Any) -> dict[str, Any]:
        found = [{"VpcId": f"vpc-{pr}", "State": "available", "Tags": _tags(pr)} for pr in self.serves]
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
    """Terraform for one environment, in two steps: the network, then the commit that it serves."""

    account: Account
    step: Step
    tfvars: Callable[[], str]
    pr: int
    state_key: str
    run: str

    def init(self) -> bool:
        return True

    def plan(self, lock: bool = True, save: bool = False) -> Any:
        return _ran(2 if self._state() != self._wanted() else 0)

    def apply(self, saved: bool) -> Any:
        if not self._lock():
            return _ran(1, "Error acquiring the state lock")
        if self.pr not in self.account.serves:
            self._make("")
        self._make(self._wanted())
        self._unlock()
        return _ran(0)

    def destroy(self) -> Any:
        if not self._lock():
            return _ran(1, "Error acquiring the state lock")
        if self._state() is not None:
            self._make(None)
        self._unlock()
        return _ran(0)

    def outputs(self) -> dict[str, Any]:
        return {}

    def discard_plan(self) -> None:
        pass

    def _wanted(self) -> str:
        return str(json.loads(self.tfvars())["commit"])

    def _state(self) -> str | None:
        body = self.account.bucket.objects.get(self.state_key)
        resources = json.loads(body)["resources"] if body else ()
        return resources[0]["commit"] if resources else None

    def _make(self, commit: str | None) -> None:
        """Change the account and save the state, in one: what Terraform does not get to save has tests of its own."""
        resources = [] if commit is None else [{"mode": "managed", "commit": commit}]
        self.account.bucket.put_object("", self.state_key, json.dumps({"resources": resources}).encode())
        if commit is None:
            self.account.serves.pop(self.pr, None)
        else:
            self.account.serves[self.pr] = commit

    def _lock(self) -> bool:
        info = {"ID": self.run, "Who": self.run, "Operation": "Apply", "Created": "now"}
        try:
            self.account.bucket.put_object("", f"{self.state_key}.tflock", json.dumps(info).encode(), IfNoneMatch="*")
        except ClientError:
            return False
        return True

    def _unlock(self) -> None:
        self.account.bucket.delete_object("", f"{self.state_key}.tflock")


def _ran(exit_code: int, error: str = "") -> Any:
    from orchestrator.events import Diagnostic, Run

    return Run(exit_code, diagnostics=[Diagnostic("error", error, "", None)] if error else [])
