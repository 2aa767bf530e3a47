"""Whatever lies in the bucket and in the parameter, and AWS leaves out of its answers: a value, or one clear error."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from builders import ARN, NOW, attempt, candidate, environment, record
from hypothesis import example, given
from hypothesis import strategies as st
from material import DEEP, JSON, TEXT, damaged, encoded, examples, lacking

from orchestrator import absence, bundle, locks, published
from orchestrator.absence import Absence
from orchestrator.aws import databases, engine_facts, health, inventory, orphans, power, quotas
from orchestrator.aws.found import tags_in
from orchestrator.aws.session import Session
from orchestrator.engines import judge
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.quotas import Standing
from orchestrator.snapshots import Policy, Snapshot

TIMES = st.one_of(
    TEXT,
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0987-01-01T00:00:00Z", "2026-11-22"]),
)


def clear(error: EnvctlError) -> None:
    assert error.code in (ExitCode.TERRAFORM, ExitCode.POLICY)
    assert error.message
    assert error.hint
    assert len(error.message) < 2000


# The bucket

NOTE = json.loads(absence.render(Absence("a" * 40, NOW, "expired")))


@examples()
@example(encoded({**NOTE, "since": "0001-01-01T00:00:00+23:59"}))
@given(
    st.one_of(
        st.binary(max_size=200),
        DEEP.map(str.encode),
        damaged(NOTE).map(encoded),
        TIMES.map(lambda time: encoded({**NOTE, "since": time})),
    )
)
def test_anything_as_a_note_of_absence(data: bytes) -> None:
    found = absence.parse(data)
    if found is not None:
        assert found.holds("b" * 40, record()) is False
        assert absence.parse(absence.render(found)) == replace(found, since=found.since.replace(microsecond=0))


@examples()
@given(st.fixed_dictionaries({"ID": TEXT, "Created": TIMES, "Info": TEXT}))
def test_any_times_in_a_lock(raw: dict[str, str]) -> None:
    lock = locks.parse(encoded(raw), None)
    assert locks.silent(lock, record(), NOW) in (True, False)


def archive(members: list[tuple[str, bytes, bytes]]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, content in members:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size = kind, len(content) if kind == tarfile.REGTYPE else 0
            entry.linkname = content.decode(errors="replace").replace("\0", "")
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


NAMES = st.sampled_from(
    ["terraform.tfvars.json", "code/main.tf", "code/env/main.tf", "../x", "code", "/x", "code/../../x", "a" * 300]
)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
CONTENTS = st.one_of(st.binary(max_size=20), st.sampled_from([b"..", b"/", b"code", b"../..", b"main.tf"]))
ARCHIVES = st.lists(st.tuples(NAMES, KINDS, CONTENTS), max_size=4).map(archive)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """An archive with one byte changed, or its end cut off."""
    data = bytearray(draw(ARCHIVES))
    place = draw(st.integers(0, len(data) - 1))
    data[place] ^= draw(st.integers(1, 255))
    return bytes(data if draw(st.booleans()) else data[:place])


ROOTS = st.one_of(TEXT, st.sampled_from([".", "env", "..", "/", "\0", "a" * 5000, "../../etc", "main.tf"]))


@examples()
@given(st.one_of(st.binary(max_size=100), ARCHIVES, broken()), ROOTS, st.integers(0, 4))
def test_anything_as_the_stored_code(data: bytes, root: str, honest: int) -> None:
    sha256 = hashlib.sha256(data).hexdigest() if honest else "0" * 64
    with tempfile.TemporaryDirectory() as name:
        into = Path(name) / "bundle"
        found = attempt(bundle.unpack, data, sha256, root, into)
        assert sorted(path.name for path in Path(name).iterdir()) in ([], ["bundle"])
        if isinstance(found, EnvctlError):
            clear(found)
            return
        assert found[0].is_dir()
        assert found[0].resolve().is_relative_to(into.resolve())


# The parameter

ANNOUNCED = json.loads(published.render(candidate()))


@examples(2)
@given(
    st.one_of(
        TEXT,
        JSON.map(json.dumps),
        DEEP,
        damaged(ANNOUNCED).map(json.dumps),
        TIMES.map(lambda time: json.dumps({**ANNOUNCED, "created_at": time})),
    )
)
def test_anything_in_the_parameter(text: str) -> None:
    found = attempt(published.parse, text, "The parameter /p")
    if isinstance(found, EnvctlError):
        assert found.code is ExitCode.POLICY
        clear(found)
        return
    assert found is None or isinstance(found, Snapshot)
    assert published.parse(published.render(found), "again") == found


# AWS's answers


class Client:
    """Answers every call of any service with the same."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **_: self._answers

    def can_paginate(self, _: str) -> bool:
        return True

    def get_paginator(self, _: str) -> Client:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        return iter([self._answers])


def session(answers: dict[str, Any]) -> Session:
    return Session("us-east-1", lambda service: Client(answers))


TAGS = [{"Key": "envctl:environment", "Value": "shop-pr-42"}, {"Key": "envctl:repository", "Value": "acme/shop"}]
STANDING = {
    "Quota": {"Value": 5.0},
    "Vpcs": [{"VpcId": "vpc-1", "Tags": TAGS}],
    "Addresses": [{"AllocationId": "eipalloc-1", "Tags": TAGS}],
    "NatGateways": [{"NatGatewayId": "nat-1", "SubnetId": "subnet-1", "State": "available"}],
    "AvailabilityZones": [{"ZoneName": "us-east-1a"}],
    "Subnets": [{"SubnetId": "subnet-1", "AvailabilityZone": "us-east-1a"}],
    "Limits": [{"Name": "application-load-balancers", "Max": "50"}, {"Name": "target-groups", "Max": "3000"}],
    "LoadBalancers": [{"Type": "application", "LoadBalancerArn": "arn:x", "LoadBalancerName": "shop-pr-42"}],
    "MaxNumberOfAutoScalingGroups": 500,
    "NumberOfAutoScalingGroups": 1,
    "AccountQuotas": [{"AccountQuotaName": "DBClusters", "Max": 40, "Used": 1}],
    "SummaryMap": {"RolesQuota": 1000, "Roles": 1, "InstanceProfilesQuota": 1000, "InstanceProfiles": 1},
}


@examples(0.5)
@given(lacking(STANDING))
def test_anything_that_an_account_says_of_its_quotas(answers: dict[str, Any]) -> None:
    """What cannot be understood is told, and stops nobody."""
    found, unknown = quotas.standings(session(answers), 2)
    assert all(isinstance(standing, Standing) and standing.limit == standing.limit for standing in found.values())
    assert all(unknown)


SNAPSHOT = {
    "DBClusterSnapshotIdentifier": "rds:shop-prod-2026-11-22-03-07",
    "DBClusterSnapshotArn": f"{ARN}rds:shop-prod-2026-11-22-03-07",
    "DBClusterIdentifier": "shop-prod",
    "SnapshotType": "automated",
    "Status": "available",
    "Engine": "aurora-mysql",
    "EngineVersion": "8.0.mysql_aurora.3.08.0",
    "StorageEncrypted": True,
    "SnapshotCreateTime": NOW - timedelta(hours=6),
    "TagList": TAGS,
}
COPY = {**SNAPSHOT, "SourceDBClusterSnapshotArn": f"{ARN}rds:shop-prod-2026-11-21-03-07"}
LISTED = {
    "DBClusterSnapshots": [SNAPSHOT, COPY],
    "DBSnapshots": [],
    "DBEngineVersions": [{"Status": "available", "MajorEngineVersion": "8.0"}],
    "DBMajorEngineVersions": [{"SupportedEngineLifecycles": [{"LifecycleSupportName": "open-source-rds"}]}],
    "OrderableDBInstanceOptions": [{"DBInstanceClass": "db.t4g.medium"}],
}
# What says which thing it is about, and how it is: without that an answer is none, and a bug of somebody's.
ALWAYS = (
    r".*(Arn|ARN|arn|Id|Identifier|Name|Class|State|Status|Key|Account)|(DB|Target|Instance|Address|Ord).*s|Target.*"
)
NO_SUCH_DAY = {**COPY, "SourceDBClusterSnapshotArn": f"{ARN}rds:shop-prod-2026-02-31-03-07"}


@examples()
@example({**LISTED, "DBClusterSnapshots": [NO_SUCH_DAY]}, "db.t4g.medium")
@given(lacking(LISTED, ALWAYS), TEXT)
def test_anything_that_rds_says_of_snapshots_and_engines(answers: dict[str, Any], instance_class: str) -> None:
    found = attempt(databases.choose, session(answers), Policy("shop-prod"), NOW)
    if isinstance(found, EnvctlError):
        clear(found)
    facts = attempt(engine_facts.read, session(answers), "aurora-mysql", "8.0", instance_class)
    if isinstance(facts, EnvctlError):
        clear(facts)
        return
    said = attempt(judge, "aurora-mysql", "8.0", instance_class, facts, False, NOW.astimezone(UTC))
    assert isinstance(said, list | EnvctlError)


LISTED_TAGS = [*TAGS, {"Key": "envctl:pr", "Value": "42"}, {"Key": "envctl:project", "Value": "shop"}, {"Key": "x"}]
RUNNING: dict[str, Any] = {
    "Arn": "arn:aws:sts::123456789012:assumed-role/x/y",
    "Account": "123456789012",
    **STANDING,
    **LISTED,
    "Vpcs": [{"VpcId": "vpc-1", "Tags": LISTED_TAGS}],
    "Volumes": [{"VolumeId": "vol-1", "State": "in-use", "Attachments": [{"DeleteOnTermination": True}]}],
    "Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}, "Tags": LISTED_TAGS}]}],
    "AutoScalingGroups": [{"AutoScalingGroupName": "shop-pr-42", "AutoScalingGroupARN": "arn:x", "Tags": LISTED_TAGS}],
    "DBClusters": [
        {
            "DBClusterIdentifier": "shop-pr-42",
            "DBClusterArn": "arn:x",
            "DbClusterResourceId": "cluster-X",
            "Status": "available",
            "TagList": LISTED_TAGS,
        }
    ],
    "logGroups": [{"logGroupName": "/aws/rds/cluster/shop-pr-42-x/error", "arn": "arn:x:*"}],
    "tags": {},
    "Roles": [{"RoleName": "shop-pr-42-web", "Arn": "arn:x"}],
    "SecretList": [{"Name": "rds!x", "ARN": "arn:x", "Tags": LISTED_TAGS}],
    "MetricAlarms": [{"AlarmArn": "arn:x", "AlarmName": "shop-pr-42-cpu"}],
    "TargetHealthDescriptions": [{"Target": {"Id": "i-1"}, "TargetHealth": {"State": "healthy"}}],
    "InstanceRefreshes": [{"Status": "Pending"}],
}


@examples(0.5)
@given(lacking(RUNNING, ALWAYS))
def test_anything_that_an_account_says_of_what_is_left(answers: dict[str, Any]) -> None:
    looks: list[Callable[[], Any]] = [
        lambda: inventory.find(session(answers), environment(), "vpc-1"),
        lambda: orphans.tagged(session(answers), "shop", "acme/shop"),
        lambda: power.databases(session(answers), environment()),
        lambda: health.targets(session(answers), "arn:x"),
        lambda: health.refresh(session(answers), "shop-pr-42"),
        lambda: databases.status(session(answers), True, "shop-pr-42"),
    ]
    for look in looks:
        found = attempt(look)
        if isinstance(found, EnvctlError):
            clear(found)


@examples()
@given(lacking(LISTED_TAGS, ALWAYS))
def test_any_tags(listed: list[dict[str, Any]]) -> None:
    assert all(isinstance(value, str) for value in tags_in(listed).values())
