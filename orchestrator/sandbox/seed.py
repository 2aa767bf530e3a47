"""Fills an empty account with a small production: what envctl needs to find, and what it must not take.

Works through the public API of the given endpoint only; the tags of `corrections/seeding.py`
stand in for the passing of time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from orchestrator.sandbox.names import ACCESS_KEY, CLUSTER, INSTANCE, OTHER_CLUSTER, REGION, STATE_BUCKET

NEWEST_AGE = timedelta(hours=3, minutes=7)
CLUSTER_SNAPSHOTS = 130
AUTOMATED_DAYS = 35  # the longest retention AWS offers


@dataclass(frozen=True)
class Snapshot:
    """One snapshot to make: of `source`, at `created`."""

    source: str
    identifier: str
    created: datetime
    automated: bool = False
    status: str = "available"

    @property
    def tags(self) -> list[dict[str, str]]:
        told = {
            "sandbox:created-at": self.created.isoformat(),
            "sandbox:type": "automated" if self.automated else "manual",
        }
        if self.status != "available":
            told["sandbox:status"] = self.status
        return [{"Key": key, "Value": value} for key, value in told.items()]


def seed(endpoint: str, now: datetime) -> str:
    """Make the production account; where it exists already, production makes one more snapshot.

    Returns the identifier of the newest usable snapshot of `shop-prod`.
    """
    rds = _client("rds", endpoint)
    if not _exists(rds):
        _state_bucket(_client("s3", endpoint))
        _databases(rds)
        newest = _history(rds, now)
    else:
        newest = automated(CLUSTER, _free_minute(rds, now), created=now)
        _create_cluster_snapshot(rds, newest)
    return f"rds:{newest.identifier}"


def automated(source: str, label: datetime, created: datetime | None = None) -> Snapshot:
    """A backup that AWS makes by itself, named after its minute."""
    return Snapshot(source, f"{source}-{label:%Y-%m-%d-%H-%M}", created or label, automated=True)


def cluster_snapshots(now: datetime) -> Iterator[Snapshot]:
    """Two years of `shop-prod`, oldest first; only the last of all is what envctl should take.

    Of the 130, one more is a copy (see `_history`).
    """
    manual = CLUSTER_SNAPSHOTS - AUTOMATED_DAYS - 3
    for number in range(manual):
        created = now - timedelta(days=3 + 8 * (manual - number))
        yield Snapshot(CLUSTER, f"{CLUSTER}-release-{number + 1:03}", created)
    yield Snapshot(CLUSTER, f"{CLUSTER}-before-migration", now - timedelta(hours=1), status="failed")
    yield Snapshot(CLUSTER, f"{CLUSTER}-on-demand", now - timedelta(minutes=2), status="creating")
    for days in reversed(range(AUTOMATED_DAYS)):
        yield automated(CLUSTER, now - NEWEST_AGE - timedelta(days=days))


def other_cluster_snapshots(now: datetime) -> Iterator[Snapshot]:
    """Newer than any of `shop-prod`, and never to be chosen for it."""
    for days in reversed(range(5)):
        yield automated(OTHER_CLUSTER, now - timedelta(minutes=30, days=days))


def instance_snapshots(now: datetime) -> Iterator[Snapshot]:
    for month in reversed(range(1, 7)):
        yield Snapshot(INSTANCE, f"{INSTANCE}-month-{month}", now - timedelta(days=30 * month))
    yield Snapshot(INSTANCE, f"{INSTANCE}-on-demand", now, status="creating")
    for days in reversed(range(7)):
        yield automated(INSTANCE, now - timedelta(hours=5, days=days))


def _client(service: str, endpoint: str) -> Any:
    """Never the caller's credentials, profile, region or proxy."""
    create: Any = boto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=ACCESS_KEY, region_name=REGION
    ).client
    config = Config(proxies={}, s3={"addressing_style": "path"})
    return create(service, endpoint_url=endpoint, config=config)


def _exists(rds: Any) -> bool:
    try:
        rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)
    except rds.exceptions.DBClusterNotFoundFault:
        return False
    return True


def _state_bucket(s3: Any) -> None:
    s3.create_bucket(Bucket=STATE_BUCKET)
    s3.put_bucket_versioning(Bucket=STATE_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_public_access_block(
        Bucket=STATE_BUCKET,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )


def _databases(rds: Any) -> None:
    login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-the-sandbox"}
    for cluster, members in ((CLUSTER, 2), (OTHER_CLUSTER, 1)):
        engine = {"Engine": "aurora-mysql"}
        rds.create_db_cluster(
            DBClusterIdentifier=cluster,
            EngineVersion="8.0.mysql_aurora.3.08.2",
            DatabaseName=cluster.removesuffix("-prod"),
            StorageEncrypted=True,
            DeletionProtection=True,
            BackupRetentionPeriod=AUTOMATED_DAYS,
            **engine,
            **login,
        )
        for number in range(1, members + 1):
            rds.create_db_instance(
                DBInstanceIdentifier=f"{cluster}-{number}",
                DBClusterIdentifier=cluster,
                DBInstanceClass="db.r6g.large",
                **engine,
            )
    rds.create_db_instance(
        DBInstanceIdentifier=INSTANCE,
        DBInstanceClass="db.t4g.medium",
        Engine="postgres",
        EngineVersion="16.6",
        AllocatedStorage=50,
        StorageEncrypted=True,
        DeletionProtection=True,
        DBName="legacy",
        **login,
    )
    # A database's first backup is made when it is, which is now; this production is older.
    for snapshot in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=snapshot["DBClusterSnapshotIdentifier"])
    for snapshot in rds.describe_db_snapshots()["DBSnapshots"]:
        rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])


def _history(rds: Any, now: datetime) -> Snapshot:
    """Every snapshot; returns the newest usable one of `shop-prod`."""
    made = list(cluster_snapshots(now))
    for each in (*made, *other_cluster_snapshots(now)):
        _create_cluster_snapshot(rds, each)
    for each in instance_snapshots(now):
        rds.create_db_snapshot(DBInstanceIdentifier=each.source, DBSnapshotIdentifier=each.identifier, Tags=each.tags)
    # Made today, and yet two years old.
    rds.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=made[0].identifier,
        TargetDBClusterSnapshotIdentifier=f"{CLUSTER}-copy-of-release-001",
    )
    rds.copy_db_snapshot(
        SourceDBSnapshotIdentifier=f"{INSTANCE}-month-6",
        TargetDBSnapshotIdentifier=f"{INSTANCE}-copy-of-month-6",
    )
    return made[-1]


def _create_cluster_snapshot(rds: Any, snapshot: Snapshot) -> None:
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier=snapshot.source,
        DBClusterSnapshotIdentifier=snapshot.identifier,
        Tags=snapshot.tags,
    )


def _free_minute(rds: Any, now: datetime) -> datetime:
    """The minute to name a new automated snapshot after: this one, or the next that is not taken."""
    pages = rds.get_paginator("describe_db_cluster_snapshots").paginate(DBClusterIdentifier=CLUSTER)
    taken = {each["DBClusterSnapshotIdentifier"] for page in pages for each in page["DBClusterSnapshots"]}
    while f"rds:{automated(CLUSTER, now).identifier}" in taken:
        now += timedelta(minutes=1)
    return now
