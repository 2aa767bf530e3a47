"""An RDS with many snapshots of one cluster, that speaks RDS's paging: boto3's real client gets real XML.

Pages are made when they are asked for and not kept, so that what a reader keeps can be measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

SOURCE = "shop-prod"
NEWEST = datetime(2026, 11, 22, 3, 7, tzinfo=UTC)
_ARN = "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:"
_ANSWER = (
    '<{op}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><{op}Result><{items}>{body}</{items}>{marker}'
    "</{op}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{op}Response>"
)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


class ManySnapshots:
    """`count` snapshots, one a minute, oldest first; every tenth is a copy of an automated one. Notes each call."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.calls: list[str] = []

    def client(self, service: str) -> Any:
        made = boto3.client(
            service,
            "us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}),
        )
        made.meta.events.register(f"before-send.{service}", self._answer)
        return made

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        asked = {key: values[0] for key, values in parse_qs(body).items()}
        operation = asked["Action"]
        self.calls.append(operation)
        if operation == "DescribeDBClusterSnapshots":
            start, size = int(asked.get("Marker", 0)), int(asked["MaxRecords"])
            end = min(start + size, self.count)
            items, xml = "DBClusterSnapshots", "".join(self._snapshot(number) for number in range(start, end))
            marker = f"<Marker>{end}</Marker>" if end < self.count else ""
        else:
            items, xml, marker = "DBSnapshots", "", ""
        text = _ANSWER.format(op=operation, items=items, body=xml, marker=marker)
        return AWSResponse(request.url, 200, {"Content-Type": "text/xml"}, _Raw(text.encode()))

    def _snapshot(self, number: int) -> str:
        created = NEWEST - timedelta(minutes=self.count - 1 - number)
        name = f"rds:{SOURCE}-{created:%Y-%m-%d-%H-%M}"
        copied = ""
        if number % 10 == 5:
            copied = f"<SourceDBClusterSnapshotArn>{_ARN}{name}</SourceDBClusterSnapshotArn>"
            name = f"copy-{number}"
        return (
            f"<DBClusterSnapshot><DBClusterSnapshotIdentifier>{name}</DBClusterSnapshotIdentifier>"
            f"<DBClusterSnapshotArn>{_ARN}{name}</DBClusterSnapshotArn>{copied}"
            f"<DBClusterIdentifier>{SOURCE}</DBClusterIdentifier>"
            f"<SnapshotCreateTime>{created:%Y-%m-%dT%H:%M:%S.123Z}</SnapshotCreateTime>"
            "<AvailabilityZones><AvailabilityZone>us-east-1a</AvailabilityZone>"
            "<AvailabilityZone>us-east-1b</AvailabilityZone></AvailabilityZones>"
            "<Engine>aurora-mysql</Engine><EngineVersion>8.0.mysql_aurora.3.08.2</EngineVersion>"
            "<EngineMode>provisioned</EngineMode><AllocatedStorage>1</AllocatedStorage><Status>available</Status>"
            "<Port>0</Port><VpcId>vpc-0123456789abcdef0</VpcId>"
            "<ClusterCreateTime>2020-01-01T00:00:00.000Z</ClusterCreateTime><MasterUsername>admin</MasterUsername>"
            "<LicenseModel>aurora-mysql</LicenseModel>"
            f"<SnapshotType>{'manual' if copied else 'automated'}</SnapshotType>"
            "<PercentProgress>100</PercentProgress><StorageEncrypted>true</StorageEncrypted>"
            "<KmsKeyId>arn:aws:kms:us-east-1:123456789012:key/0b1c2d3e-0000-0000-0000-000000000000</KmsKeyId>"
            "<IAMDatabaseAuthenticationEnabled>false</IAMDatabaseAuthenticationEnabled><TagList/>"
            "</DBClusterSnapshot>"
        )


def bare_listing(rds: Any) -> int:
    """What anybody has to do who wants to see them all: every page of both kinds, and nothing else."""
    seen = 0
    for operation, items, key in (
        ("describe_db_cluster_snapshots", "DBClusterSnapshots", "DBClusterIdentifier"),
        ("describe_db_snapshots", "DBSnapshots", "DBInstanceIdentifier"),
    ):
        for page in rds.get_paginator(operation).paginate(**{key: SOURCE}, PaginationConfig={"PageSize": 100}):
            seen += len(page[items])
    return seen
