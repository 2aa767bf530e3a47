"""RDS: what snapshots there are, and the one setting that Terraform cannot make in a first apply."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from orchestrator import snapshots as rule
from orchestrator.aws.session import Session, client_error, code_of, translated
from orchestrator.snapshots import LATEST, Kind, Policy, Snapshot, SnapshotChoice

# Automated snapshots are named after their source and the minute: rds:shop-prod-2026-11-22-03-07.
_NAMED_BY_TIME = re.compile(r":cluster-snapshot:rds:.+-(\d{4})-(\d{2})-(\d{2})-(\d{2})-(\d{2})$")
# What RDS answers for an original that is gone, in another region, or not ours to see.
_OUT_OF_SIGHT = frozenset(
    {"DBClusterSnapshotNotFoundFault", "InvalidParameterValue", "AccessDenied", "AccessDeniedException"}
)
_COPIES_OF_COPIES = 5
_PAGE = 100  # RDS's maximum


class _Listing:
    """How RDS calls things, for one kind of snapshot."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.cluster = kind == "cluster"
        middle = "Cluster" if self.cluster else ""
        self.operation = "describe_db_cluster_snapshots" if self.cluster else "describe_db_snapshots"
        self.items = f"DB{middle}Snapshots"
        self.id = f"DB{middle}SnapshotIdentifier"
        self.arn = f"DB{middle}SnapshotArn"
        self.source = "DBClusterIdentifier" if self.cluster else "DBInstanceIdentifier"
        self.not_found = ("DBClusterSnapshotNotFoundFault", "DBSnapshotNotFound", "DBSnapshotNotFoundFault")


_LISTINGS = (_Listing("cluster"), _Listing("instance"))


def choose(session: Session, policy: Policy, now: datetime, also: Iterable[Snapshot] = ()) -> SnapshotChoice:
    """Return the snapshot to use out of those that RDS lists, and `also`. Raises EnvctlError.

    One page is in memory at a time, however many there are.
    """
    candidates = itertools.chain(also, snapshots(session, policy))
    return rule.choose(candidates, policy, now, lambda copy: settled(session, copy))


def snapshots(session: Session, policy: Policy) -> Iterator[Snapshot]:
    """Yield every snapshot that `policy` may be about, page by page."""
    rds = session.client("rds")
    with translated(f"listing the snapshots of {policy.source}"):
        for listing in _LISTINGS:
            if policy.kind not in ("auto", listing.kind):
                continue
            for query in _queries(listing, policy):
                yield from _listed(rds, listing, query)


def _queries(listing: _Listing, policy: Policy) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each listing: one for the default types, one for each other type."""
    if policy.want != LATEST:
        # An ARN says its kind; `shared` ones can be found by their ARN only.
        if not policy.want.startswith("arn:") or (":cluster-snapshot:" in policy.want) == listing.cluster:
            yield {listing.id: policy.want}
        return
    of_source = {listing.source: policy.source}
    if {"automated", "manual"} & set(policy.types):
        yield of_source
    if "awsbackup" in policy.types:
        yield {**of_source, "SnapshotType": "awsbackup"}
    if "shared" in policy.types:
        # Another account's snapshots cannot be asked for by source: all are looked at.
        yield {"SnapshotType": "shared", "IncludeShared": True}


def _listed(rds: Any, listing: _Listing, query: dict[str, Any]) -> Iterator[Snapshot]:
    pages = rds.get_paginator(listing.operation).paginate(**query, PaginationConfig={"PageSize": _PAGE})
    try:
        for page in pages:
            for raw in page.get(listing.items, ()):
                yield _snapshot(listing, raw, shared=query.get("SnapshotType") == "shared")
    except client_error() as error:
        if code_of(error) not in listing.not_found:
            raise


def _snapshot(listing: _Listing, raw: dict[str, Any], shared: bool) -> Snapshot:
    """Return what RDS says, with the time the data was taken as far as that is known without asking more.

    An instance's snapshot says so itself. A cluster's does not (RDS API reference, DBClusterSnapshot):
    there a copy names its original, whose time may be in its name or has to be asked for (`settled`).
    """
    created_at, origin = raw.get("SnapshotCreateTime"), None
    if listing.cluster:
        origin = raw.get("SourceDBClusterSnapshotArn") or None
        named = _time_in_name(origin)
        if named:
            created_at, origin = named, None
    else:
        created_at = raw.get("OriginalSnapshotCreateTime") or created_at
    return Snapshot(
        arn=raw[listing.arn],
        id=raw[listing.id],
        kind=listing.kind,
        source=raw.get(listing.source, ""),
        type="shared" if shared else raw.get("SnapshotType", ""),
        status=raw.get("Status", ""),
        engine=raw.get("Engine", ""),
        engine_version=raw.get("EngineVersion", ""),
        created_at=created_at,
        encrypted=bool(raw.get("StorageEncrypted", raw.get("Encrypted"))),
        kms_key=raw.get("KmsKeyId"),
        origin=origin,
    )


def _time_in_name(arn: str | None) -> datetime | None:
    named = _NAMED_BY_TIME.search(arn or "")
    if not named:
        return None
    year, month, day, hour, minute = (int(part) for part in named.groups())
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:  # it looks like a time and is none
        return None


def settled(session: Session, copy: Snapshot) -> Snapshot:
    """Return `copy` with the time of the original that it was made from, or not `exact` where that is out of sight."""
    rds, origin = session.client("rds"), copy.origin
    with translated(f"looking for the original of {copy.id}"):
        for _ in range(_COPIES_OF_COPIES):
            try:
                answer = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=origin)
            except client_error() as error:
                if code_of(error) not in _OUT_OF_SIGHT:
                    raise
                break
            if not answer.get("DBClusterSnapshots"):
                break
            original = answer["DBClusterSnapshots"][0]
            origin = original.get("SourceDBClusterSnapshotArn") or None
            taken = _time_in_name(origin) or (None if origin else original.get("SnapshotCreateTime"))
            if taken or not origin:
                return replace(copy, created_at=taken, origin=None)
    return replace(copy, exact=False, origin=None)


def enable_iam_authentication(session: Session, cluster: str) -> None:
    """Switch IAM authentication on for a restored cluster."""
    with translated(f"enabling IAM authentication on {cluster}"):
        session.client("rds").modify_db_cluster(
            DBClusterIdentifier=cluster, EnableIAMDatabaseAuthentication=True, ApplyImmediately=True
        )


def status(session: Session, cluster: bool, identifier: str) -> str | None:
    """Return what RDS says of a cluster or an instance, as in `available`; None when there is none.

    `identifier` is its name; of an instance the DbiResourceId, which states hold, will do as well.
    """
    client = session.client("rds")
    with translated(f"looking at the database {identifier}"):
        try:
            if cluster:
                found = client.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
                return str(found[0]["Status"]) if found else None
            found = client.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
            return str(found[0]["DBInstanceStatus"]) if found else None
        except client_error() as error:
            if "NotFound" in code_of(error):
                return None
            raise
