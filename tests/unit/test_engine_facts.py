from datetime import timedelta

import boto3
import pytest
from botocore.stub import Stubber
from builders import NOW

from orchestrator.aws import engine_facts
from orchestrator.aws.session import Session
from orchestrator.engines import Facts

ENGINE = {"Engine": "postgres"}
VERSION = {**ENGINE, "EngineVersion": "16.6"}
ORDER = {**VERSION, "Vpc": True}
EXTENDED = NOW + timedelta(days=800)


@pytest.fixture
def rds():
    client = boto3.client("rds", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def read(rds):
    return engine_facts.read(Session("us-east-1", lambda service: rds.client), "postgres", "16.6", "db.t4g.medium")


def versions(rds, *found):
    rds.add_response("describe_db_engine_versions", {"DBEngineVersions": list(found)}, {**VERSION, "IncludeAll": True})


def majors(rds, *cycles):
    answer = {"DBMajorEngineVersions": [{**ENGINE, "SupportedEngineLifecycles": list(cycles)}]}
    rds.add_response("describe_db_major_engine_versions", answer, {**ENGINE, "MajorEngineVersion": "16"})


def orderable(rds, names, **asked):
    answer = {"OrderableDBInstanceOptions": [{"DBInstanceClass": name} for name in names]}
    rds.add_response("describe_orderable_db_instance_options", answer, {**ORDER, **asked})


AVAILABLE = {**VERSION, "MajorEngineVersion": "16", "Status": "available"}
DATES = {"LifecycleSupportStartDate": EXTENDED, "LifecycleSupportEndDate": EXTENDED + timedelta(days=1095)}
STANDARD = {**DATES, "LifecycleSupportName": "open-source-rds-standard-support"}
PAID = {**DATES, "LifecycleSupportName": "open-source-rds-extended-support"}


def test_three_questions_when_all_is_well(rds):
    versions(rds, AVAILABLE)
    majors(rds, STANDARD, PAID)
    orderable(rds, ["db.t4g.medium"] * 3, DBInstanceClass="db.t4g.medium")
    assert read(rds) == Facts("available", "16", EXTENDED, ("db.t4g.medium",))


def test_an_engine_without_extended_support_is_never_under_it(rds):
    versions(rds, AVAILABLE)
    majors(rds, STANDARD)
    orderable(rds, ["db.t4g.medium"], DBInstanceClass="db.t4g.medium")
    assert read(rds).extended_since is None


@pytest.mark.parametrize(
    ("found", "status"), [([], "unknown"), ([{**AVAILABLE, "Status": "deprecated"}], "deprecated")]
)
def test_a_version_that_cannot_be_made_settles_it(rds, found, status):
    versions(rds, *found)
    assert read(rds).status == status


def test_all_classes_are_only_read_for_a_hint(rds):
    versions(rds, AVAILABLE)
    majors(rds)
    orderable(rds, [], DBInstanceClass="db.t4g.medium")
    orderable(rds, ["db.r6g.large", "db.r6g.large", "db.r7g.large"])
    assert read(rds).classes == ("db.r6g.large", "db.r7g.large")


def test_what_aws_refuses_to_tell_is_noted_and_the_rest_asked(rds):
    rds.add_client_error("describe_db_engine_versions", "AccessDenied")
    rds.add_client_error("describe_orderable_db_instance_options", "AccessDenied")
    found = read(rds)
    assert (found.status, found.classes) == (None, None)
    assert [note[:22] for note in found.untold] == ["Going on without knowi"] * 2
    assert all("AccessDenied" in note for note in found.untold)
