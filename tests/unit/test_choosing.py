"""What production names is taken after one call for the parameter and one for the snapshot, or refused."""

import json
from datetime import timedelta

import boto3
import pytest
from botocore.stub import Stubber
from builders import ARN, NOW, candidate, config

from orchestrator import published
from orchestrator.aws.session import Session
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.lifecycle import choosing

NAME = "/envctl/shop-prod/latest-snapshot"
THEIRS = "210987654321"
NAMED = candidate(kms_key="key")
INSTANCE = candidate("i", kind="instance", arn=ARN.replace("cluster-snapshot", "snapshot") + "i")


class Account:
    """Clients that answer what they are told to, in that order, and note what they were asked."""

    def __init__(self):
        self.stubs, self.asked = {}, []
        self.session = Session("us-east-1", self.client)

    def client(self, service):
        return self.stub(service).client

    def stub(self, service):
        if service not in self.stubs:
            made = boto3.client(service, "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
            made.meta.events.register("before-parameter-build", lambda model, **_: self.asked.append(model.name))
            self.stubs[service] = Stubber(made)
            self.stubs[service].activate()
        return self.stubs[service]

    def parameter(self, value, name=NAME):
        answer = {"Parameter": {"ARN": f"arn:aws:ssm:us-east-1:123456789012:parameter{NAME}", "Version": 3}}
        answer["Parameter"]["Value"] = value
        self.stub("ssm").add_response("get_parameter", answer, {"Name": name})

    def there(self, snapshot, **changes):
        middle = "Cluster" if snapshot.kind == "cluster" else ""
        raw = {
            f"DB{middle}SnapshotIdentifier": snapshot.id,
            f"DB{middle}SnapshotArn": snapshot.arn,
            f"DB{middle or 'Instance'}{'Identifier'}": snapshot.source,
            "SnapshotType": snapshot.type,
            "Status": "available",
            "Engine": snapshot.engine,
            "EngineVersion": snapshot.engine_version,
            "SnapshotCreateTime": snapshot.created_at,
            ("StorageEncrypted" if middle else "Encrypted"): True,
            **changes,
        }
        operation = f"describe_db_{'cluster_' if middle else ''}snapshots"
        asked = {f"DB{middle}SnapshotIdentifier": snapshot.arn, "MaxRecords": 100}
        self.stub("rds").add_response(operation, {f"DB{middle}Snapshots": [raw]}, asked)

    def choose(self, wanted=None, **database):
        section = config(database={"source_parameter": NAME, **database}).database
        return choosing.choose(self.session, section, wanted, NOW)

    def refusal(self, code=ExitCode.POLICY, **database):
        with pytest.raises(EnvctlError) as caught:
            self.choose(**database)
        assert caught.value.code is code
        assert NAME in caught.value.message
        return caught.value


@pytest.fixture
def account():
    return Account()


@pytest.mark.parametrize("named", [NAMED, INSTANCE], ids=["cluster", "instance"])
def test_one_call_for_the_parameter_and_one_for_the_snapshot(account, named):
    account.parameter(published.render(named))
    account.there(named)
    found = account.choose()
    assert found.snapshot.arn == named.arn
    assert found.reason == f"the one named by the parameter {NAME}"
    assert account.asked == ["GetParameter", f"DescribeDB{'Cluster' if named is NAMED else ''}Snapshots"]


def test_the_type_is_for_production_to_decide_and_the_rest_is_not(account):
    account.parameter(published.render(NAMED))
    account.there(NAMED)
    assert account.choose(snapshot_types=["manual"]).snapshot.type == "automated"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Status": "deleting"}, "status deleting"),
        ({"DBClusterIdentifier": "billing-prod"}, "of another source, 'billing-prod'"),
        ({"SnapshotCreateTime": NOW - timedelta(days=8)}, "it is 8 d old, older than 7d"),
    ],
)
def test_what_the_snapshot_is_now_counts_and_not_what_was_announced(account, changes, said):
    account.parameter(published.render(NAMED))
    account.there(NAMED, **changes)
    error = account.refusal()
    assert NAMED.id in error.message
    assert said in error.message
    assert "--snapshot" in error.hint


def test_the_other_kind_is_refused(account):
    account.parameter(published.render(NAMED))
    assert "gone or out of sight" in account.refusal(kind="instance").message


def test_a_snapshot_that_is_gone_is_refused(account):
    account.parameter(published.render(NAMED))
    account.stub("rds").add_client_error("describe_db_cluster_snapshots", "DBClusterSnapshotNotFoundFault")
    assert f"names {NAMED.id}, which is gone" in account.refusal().message


def test_a_parameter_that_is_not_there_is_refused(account):
    account.stub("ssm").add_client_error("get_parameter", "ParameterNotFound")
    assert "does not exist" in account.refusal().message


def test_a_parameter_that_may_not_be_read_is_a_matter_of_permission(account):
    account.stub("ssm").add_client_error("get_parameter", "AccessDeniedException")
    account.refusal(ExitCode.CREDENTIALS)


def test_production_may_have_nothing(account):
    account.parameter(published.render(None))
    assert "no usable snapshot" in account.refusal().message


def test_what_cannot_be_read_is_refused_before_rds_is_asked(account):
    account.parameter('{"version": 1, "arn": "rm -rf"}')
    account.refusal()
    assert account.asked == ["GetParameter"]


def test_a_copy_whose_original_is_out_of_our_sight_has_the_announced_age(account):
    taken = NOW - timedelta(days=2)
    account.parameter(published.render(candidate("copy", created_at=taken, type="manual")))
    origin = f"arn:aws:rds:us-east-1:{THEIRS}:cluster-snapshot:original"
    account.there(candidate("copy"), SourceDBClusterSnapshotArn=origin)
    found = account.choose().snapshot
    assert (found.created_at, found.exact) == (taken, True)
    assert len(account.asked) == 2


@pytest.mark.parametrize("encrypted", [True, False])
def test_another_accounts_is_restored_only_when_it_is_not_encrypted(account, encrypted):
    theirs = candidate("s", arn=ARN.replace("123456789012", THEIRS) + "s", type="manual")
    arn = f"arn:aws:ssm:us-east-1:{THEIRS}:parameter{NAME}"
    account.parameter(published.render(theirs), name=arn)
    account.there(theirs, StorageEncrypted=encrypted)
    who = {"Arn": "arn:aws:sts::123456789012:assumed-role/x/y", "Account": "123456789012", "UserId": "x"}
    account.stub("sts").add_response("get_caller_identity", who)
    if encrypted:
        assert "copy it into this account" in account.refusal(source_parameter=arn).message
    else:
        assert account.choose(source_parameter=arn).snapshot.arn == theirs.arn


def test_a_person_who_names_one_is_not_overruled(account):
    account.there(candidate("wanted", arn="wanted"))
    account.stub("rds").add_client_error("describe_db_snapshots", "DBSnapshotNotFound")
    assert account.choose(wanted="wanted").reason == "asked for by name"


def test_the_announcement_is_what_the_publisher_writes():
    assert json.loads(published.render(NAMED))["version"] == published.VERSION
