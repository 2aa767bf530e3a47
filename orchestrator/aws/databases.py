"""RDS: what snapshots there are, and the one setting that Terraform cannot make in a first apply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from orchestrator.aws.session import Session, client_error, code_of, translated
from orchestrator.snapshots import LATEST, Kind, Policy, Snapshot

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
                yield _snapshot(rds, listing, raw, shared=query.get("SnapshotType") == "shared")
    except client_error() as error:
        if code_of(error) not in listing.not_found:
            raise


def _snapshot(rds: Any, listing: _Listing, raw: dict[str, Any], shared: bool) -> Snapshot:
    created_at, exact = _original_time(rds, listing, raw)
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
        exact=exact,
        encrypted=bool(raw.get("StorageEncrypted", raw.get("Encrypted"))),
    )


def _original_time(rds: Any, listing: _Listing, raw: dict[str, Any]) -> tuple[datetime | None, bool]:
    """Return when the data was taken, and whether that is certain.

    An instance's snapshot says so itself. A cluster's does not (RDS API reference, DBClusterSnapshot):
    there the original of a copy is followed, by the time in its name or by asking for it.
    """
    own = raw.get("SnapshotCreateTime")
    if not listing.cluster:
        return raw.get("OriginalSnapshotCreateTime") or own, True
    for _ in range(_COPIES_OF_COPIES):
        origin = raw.get("SourceDBClusterSnapshotArn")
        if not origin:
            return raw.get("SnapshotCreateTime"), True
        named = _NAMED_BY_TIME.search(origin)
        if named:
            year, month, day, hour, minute = (int(part) for part in named.groups())
            return datetime(year, month, day, hour, minute, tzinfo=UTC), True
        try:
            answer = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=origin)
        except client_error() as error:
            if code_of(error) not in _OUT_OF_SIGHT:
                raise
            break
        if not answer.get("DBClusterSnapshots"):
            break
        raw = answer["DBClusterSnapshots"][0]
    return own, False


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
                return str(client.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]["Status"])
            found = client.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
            return str(found[0]["DBInstanceStatus"])
        except client_error() as error:
            if "NotFound" in code_of(error):
                return None
            raise
