from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber
from builders import ARN, NOW, candidate

from orchestrator.aws import databases
from orchestrator.aws.session import Session
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.snapshots import Policy

CLUSTERS, INSTANCES = "describe_db_cluster_snapshots", "describe_db_snapshots"
OF_CLUSTER = {"DBClusterIdentifier": "shop-prod"}
OF_INSTANCE = {"DBInstanceIdentifier": "shop-prod"}


@pytest.fixture(scope="module")
def client():
    return boto3.client("rds", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def rds(client):
    """Answers in the order they are given; each question must be the expected one, and all must be asked."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def listed(rds, **policy):
    session = Session("us-east-1", lambda service: rds.client)
    return list(databases.snapshots(session, Policy("shop-prod", **policy)))


def cluster(id="a", **more):
    return {
        "DBClusterSnapshotIdentifier": id,
        "DBClusterSnapshotArn": ARN + id,
        "DBClusterIdentifier": "shop-prod",
        "SnapshotType": "manual",
        "Status": "available",
        "Engine": "aurora-mysql",
        "EngineVersion": "8.0",
        "SnapshotCreateTime": NOW,
        **more,
    }


def instance(id="a", **more):
    return {
        "DBSnapshotIdentifier": id,
        "DBSnapshotArn": ARN.replace(":cluster-snapshot:", ":snapshot:") + id,
        "DBInstanceIdentifier": "shop-prod",
        "SnapshotType": "manual",
        "Status": "available",
        "Engine": "postgres",
        "EngineVersion": "16",
        "SnapshotCreateTime": NOW,
        **more,
    }


def answer(rds, operation, items, marker=None, **asked):
    key = "DBClusterSnapshots" if operation == CLUSTERS else "DBSnapshots"
    page = {key: items} | ({"Marker": marker} if marker else {})
    rds.add_response(operation, page, {"MaxRecords": 100, **asked})


# What is listed


def test_every_page_is_read(rds):
    answer(rds, CLUSTERS, [cluster("a")], marker="2", **OF_CLUSTER)
    answer(rds, CLUSTERS, [cluster("b")], marker="3", Marker="2", **OF_CLUSTER)
    answer(rds, CLUSTERS, [cluster("c")], Marker="3", **OF_CLUSTER)
    assert [found.id for found in listed(rds, kind="cluster")] == ["a", "b", "c"]


def test_pages_are_read_no_sooner_than_they_are_wanted(rds):
    answer(rds, CLUSTERS, [cluster("a")], marker="2", **OF_CLUSTER)
    session = Session("us-east-1", lambda service: rds.client)
    first = next(databases.snapshots(session, Policy("shop-prod", kind="cluster")))
    assert first.id == "a"


def test_both_kinds_are_listed_unless_one_is_asked_for(rds):
    answer(rds, CLUSTERS, [cluster()], **OF_CLUSTER)
    answer(rds, INSTANCES, [instance()], **OF_INSTANCE)
    answer(rds, INSTANCES, [instance()], **OF_INSTANCE)
    assert [found.kind for found in listed(rds)] == ["cluster", "instance"]
    assert [found.kind for found in listed(rds, kind="instance")] == ["instance"]


def test_a_snapshot_is_taken_over_whole(rds):
    answer(rds, INSTANCES, [instance("b", SnapshotType="automated", Status="creating")], **OF_INSTANCE)
    (found,) = listed(rds, kind="instance")
    assert (found.id, found.arn) == ("b", "arn:aws:rds:us-east-1:123456789012:snapshot:b")
    assert (found.source, found.type, found.status) == ("shop-prod", "automated", "creating")
    assert (found.engine, found.engine_version, found.created_at) == ("postgres", "16", NOW)


def test_backups_of_aws_backup_need_a_question_of_their_own(rds):
    answer(rds, CLUSTERS, [], **OF_CLUSTER)
    answer(rds, CLUSTERS, [cluster(SnapshotType="awsbackup")], SnapshotType="awsbackup", **OF_CLUSTER)
    assert [s.type for s in listed(rds, kind="cluster", types=("manual", "awsbackup"))] == ["awsbackup"]


def test_shared_ones_cannot_be_asked_for_by_source_and_are_marked(rds):
    answer(rds, CLUSTERS, [cluster(SnapshotType="manual")], SnapshotType="shared", IncludeShared=True)
    assert [s.type for s in listed(rds, kind="cluster", types=("shared",))] == ["shared"]


def test_an_id_is_asked_for_in_both_kinds(rds):
    answer(rds, CLUSTERS, [cluster("x")], DBClusterSnapshotIdentifier="x")
    rds.add_client_error(INSTANCES, "DBSnapshotNotFound", "not found")
    assert [found.kind for found in listed(rds, want="x")] == ["cluster"]


@pytest.mark.parametrize(
    ("arn", "operation", "key"),
    [
        (ARN + "rds:x", CLUSTERS, "DBClusterSnapshotIdentifier"),
        ("arn:aws:rds:us-east-1:1:snapshot:rds:x", INSTANCES, "DBSnapshotIdentifier"),
    ],
)
def test_an_arn_says_its_kind(rds, arn, operation, key):
    answer(rds, operation, [], **{key: arn})
    assert listed(rds, want=arn) == []


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling"])
def test_a_refusal_is_no_empty_list(rds, code):
    rds.add_client_error(CLUSTERS, code)
    with pytest.raises(EnvctlError, match="listing the snapshots of shop-prod") as caught:
        listed(rds, kind="cluster")
    assert caught.value.code is (ExitCode.CREDENTIALS if code == "AccessDenied" else ExitCode.TERRAFORM)


# When the data was taken

YEAR_AGO = NOW - timedelta(days=365)


def age_of(rds, raw, *originals):
    """Return what is said of `raw`, a copy, when RDS is asked for its `originals` in turn."""
    answer(rds, CLUSTERS, [raw], **OF_CLUSTER)
    asked = raw.get("SourceDBClusterSnapshotArn")
    for original in originals:
        rds.add_response(CLUSTERS, {"DBClusterSnapshots": [original]}, {"DBClusterSnapshotIdentifier": asked})
        asked = original.get("SourceDBClusterSnapshotArn")
    (found,) = listed(rds, kind="cluster")
    if found.origin:
        found = databases.settled(Session("us-east-1", lambda service: rds.client), found)
    return found.created_at, found.exact


def test_an_instances_copy_keeps_its_original_time(rds):
    answer(rds, INSTANCES, [instance(OriginalSnapshotCreateTime=YEAR_AGO)], **OF_INSTANCE)
    (found,) = listed(rds, kind="instance")
    assert (found.created_at, found.exact) == (YEAR_AGO, True)


def test_a_cluster_snapshot_that_is_no_copy_has_its_own_time(rds):
    assert age_of(rds, cluster()) == (NOW, True)


def test_a_snapshot_that_is_being_made_may_have_no_time(rds):
    raw = cluster(Status="creating")
    del raw["SnapshotCreateTime"]
    assert age_of(rds, raw) == (None, True)


def test_a_copy_of_an_automated_one_has_the_time_in_its_originals_name(rds):
    copy = cluster(SourceDBClusterSnapshotArn=ARN + "rds:shop-prod-2025-11-22-03-07")
    assert age_of(rds, copy) == (datetime(2025, 11, 22, 3, 7, tzinfo=UTC), True)


def test_the_date_in_a_manual_ones_name_proves_nothing(rds):
    copy = cluster(SourceDBClusterSnapshotArn=ARN + "nightly-2026-11-22-03-07")
    assert age_of(rds, copy, cluster(SnapshotCreateTime=YEAR_AGO)) == (YEAR_AGO, True)


def test_a_copy_of_a_copy_is_followed_to_the_original(rds):
    copy = cluster(SourceDBClusterSnapshotArn=ARN + "first")
    first = cluster(SourceDBClusterSnapshotArn=ARN + "zeroth")
    assert age_of(rds, copy, first, cluster(SnapshotCreateTime=YEAR_AGO)) == (YEAR_AGO, True)


def test_copies_in_a_circle_are_of_unknown_age(rds):
    copy = cluster(SourceDBClusterSnapshotArn=ARN + "self")
    assert age_of(rds, copy, *[copy] * 5) == (NOW, False)


def test_a_copy_whose_original_is_out_of_sight_is_of_unknown_age(rds):
    rds.add_client_error(CLUSTERS, "DBClusterSnapshotNotFoundFault")
    copy = candidate("copy", 0, origin=ARN + "gone")
    found = databases.settled(Session("us-east-1", lambda service: rds.client), copy)
    assert (found.created_at, found.exact, found.origin) == (NOW, False, None)


def test_an_original_is_only_looked_up_for_a_copy_that_could_win(rds):
    copies = [cluster("copy-1"), cluster("copy-2", SnapshotCreateTime=YEAR_AGO - timedelta(days=1))]
    for copy in copies:
        copy["SourceDBClusterSnapshotArn"] = ARN + "original"
    answer(rds, CLUSTERS, [*copies, cluster("plain", SnapshotCreateTime=NOW - timedelta(hours=1))], **OF_CLUSTER)
    original = {"DBClusterSnapshots": [cluster("original", SnapshotCreateTime=YEAR_AGO)]}
    rds.add_response(CLUSTERS, original, {"DBClusterSnapshotIdentifier": ARN + "original"})  # once
    session = Session("us-east-1", lambda service: rds.client)
    choice = databases.choose(session, Policy("shop-prod", kind="cluster", max_age=timedelta(days=400)), NOW)
    assert (choice.snapshot.id, choice.passed_over) == ("plain", {"older": 2})


def test_iam_authentication_is_enabled_at_once(rds):
    asked = {"DBClusterIdentifier": "shop-pr-42", "EnableIAMDatabaseAuthentication": True, "ApplyImmediately": True}
    rds.add_response("modify_db_cluster", {}, asked)
    databases.enable_iam_authentication(Session("us-east-1", lambda service: rds.client), "shop-pr-42")
