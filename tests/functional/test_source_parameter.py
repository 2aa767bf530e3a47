"""`plan`, `up` and `doctor` follow what production announces, and refuse before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import SOURCE, Account, Envctl, FakeTerraform

from orchestrator.aws.session import Session
from orchestrator.errors import ExitCode
from orchestrator.publisher import handler
from orchestrator.publisher.handler import Settings
from orchestrator.snapshots import Policy

NAME = "/envctl/shop-prod/latest-snapshot"
UP = ("up", "--pr", "42", "--yes", "--json")


@pytest.fixture(autouse=True)
def _named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCTL_DATABASE__SOURCE_PARAMETER", NAME)


@pytest.fixture
def production(account: Account) -> Iterator[Account]:
    """An account whose publisher has looked once."""
    publish(account)
    return account


def publish(account: Account, source: str = SOURCE) -> str:
    session = Session("us-east-1", account.client)
    done = handler.run({}, Settings(NAME, Policy(source)), session, lambda: datetime.now(UTC))
    return str(done["snapshot"])


def test_up_follows_the_announcement_and_not_the_listing(production: Account, envctl: Envctl) -> None:
    announced = publish(production)
    production.snapshot(timedelta(minutes=5))  # newer, but not announced yet
    done = envctl(*UP)
    assert done.code == ExitCode.DONE
    assert done.json["snapshot"]["arn"] == announced
    assert done.json["snapshot"]["reason"] == f"the one named by the parameter {NAME}"
    assert f"chosen as the one named by the parameter {NAME}" in envctl("show", "--pr", "42").out


def test_an_environment_keeps_its_data_when_production_announces_more(production: Account, envctl: Envctl) -> None:
    first = envctl(*UP).json["snapshot"]["arn"]
    production.snapshot(timedelta(minutes=5))
    assert publish(production) != first
    assert envctl(*UP).json["snapshot"]["arn"] == first
    assert envctl("plan", "--pr", "43", "--json").json["snapshot"]["arn"] != first


def test_doctor_looks_where_up_will(production: Account, envctl: Envctl) -> None:
    (check,) = [each for each in envctl("doctor", "--json").json["checks"] if each["name"] == "snapshot"]
    assert check["ok"]
    assert NAME in check["detail"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("command", [UP, ("plan", "--pr", "42", "--json")], ids=["up", "plan"])
def test_a_snapshot_that_is_gone_is_refused_and_nothing_made(
    production: Account, envctl: Envctl, command: tuple[str, ...]
) -> None:
    id = publish(production).split(":", 6)[6]
    production.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=id)
    done = envctl(*command)
    assert done.code == ExitCode.POLICY
    assert "is gone" in done.json["error"]["message"]


@pytest.mark.usefixtures("untouched")
def test_an_announcement_that_is_too_old_is_refused(
    production: Account, envctl: Envctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_DATABASE__MAX_SNAPSHOT_AGE", "90m")
    done = envctl(*UP)
    assert done.code == ExitCode.POLICY
    assert "it is 2 h old, older than 90m" in done.json["error"]["message"]


@pytest.mark.usefixtures("untouched", "account")
@pytest.mark.parametrize("text", ["nonsense", '{"version": 1, "arn": null}', '{"version": 2}', None])
def test_an_announcement_that_names_nothing_is_refused(account: Account, envctl: Envctl, text: str | None) -> None:
    if text is not None:
        account.client("ssm").put_parameter(Name=NAME, Value=text, Type="String")
    done = envctl(*UP)
    assert done.code == ExitCode.POLICY
    assert NAME in done.json["error"]["message"]


@pytest.mark.usefixtures("untouched")
def test_the_announcement_of_another_source_is_refused(
    production: Account, envctl: Envctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_DATABASE__SOURCE", "billing-prod")
    done = envctl(*UP)
    assert done.code == ExitCode.POLICY
    assert "of another source, 'shop-prod'" in done.json["error"]["message"]


def test_what_is_no_parameters_name_is_a_mistake_in_the_configuration(
    envctl: Envctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_DATABASE__SOURCE_PARAMETER", "a b")
    done = envctl(*UP)
    assert done.code == ExitCode.USAGE
    assert "the name or the ARN of an SSM parameter" in done.json["error"]["message"]


# The engine, which comes from the snapshot


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("version", "said", "hint"),
    [
        ("8.0.mysql_aurora.3.01.0", "that version is deprecated", "Upgrade production"),
        ("8.7.mysql_aurora.9.01.0", "that version is unknown", "Upgrade production"),
        ("5.7.mysql_aurora.2.11.6", "under RDS Extended Support since 2024-11-01", "extended_support = true"),
    ],
)
def test_a_version_that_cannot_be_had_is_refused_and_nothing_made(
    account: Account, envctl: Envctl, version: str, said: str, hint: str
) -> None:
    upgrade(account, version)
    done = envctl(*UP)
    assert done.code == ExitCode.POLICY
    assert said in done.json["error"]["message"]
    assert hint in done.json["error"]["hint"]


def test_extended_support_can_be_paid_for(account: Account, envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCTL_DATABASE__EXTENDED_SUPPORT", "true")
    upgrade(account, "5.7.mysql_aurora.2.11.6")
    done = envctl(*UP)
    assert done.code == ExitCode.DONE
    assert "is billed for that" in done.err


@pytest.mark.usefixtures("untouched")
def test_a_class_that_cannot_be_ordered_is_refused_with_the_nearest(
    production: Account, envctl: Envctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_DATABASE__INSTANCE_CLASS", "db.t4g.micro")
    done = envctl(*UP)
    assert done.code == ExitCode.POLICY
    assert "db.t4g.medium" in done.json["error"]["hint"]


def test_an_up_that_creates_nothing_asks_nothing_about_engines(
    production: Account, envctl: Envctl, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert envctl(*UP).code == ExitCode.DONE
    monkeypatch.setenv("ENVCTL_DATABASE__INSTANCE_CLASS", "db.t4g.micro")
    assert envctl(*UP).code == ExitCode.DONE  # Terraform's and AWS's business now


def upgrade(account: Account, version: str) -> None:
    """Make production one of that version, with one snapshot, and announce that."""
    rds = account.client("rds")
    for made in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=made["DBClusterSnapshotIdentifier"])
    rds.delete_db_cluster(DBClusterIdentifier=SOURCE, SkipFinalSnapshot=True)
    login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
    rds.create_db_cluster(DBClusterIdentifier=SOURCE, Engine="aurora-mysql", EngineVersion=version, **login)
    for made in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=made["DBClusterSnapshotIdentifier"])
    account.snapshot(timedelta(hours=2))
    publish(account)
