"""`envctl sync --all`: each environment by a run of its own, none of which takes another down."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from github_server import GitHubServer
from world import PREFIX, TAGS, VPC, Account, Envctl, FakeTerraform, ended

from orchestrator.memory import BYTES_EACH


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server


def decisions(found: Any) -> dict[int, tuple[str, int]]:
    return {each["environment"]["pr"]: (each["action"], each["exit_code"]) for each in found.json["decisions"]}


def test_everything_follows(envctl: Envctl, account: Account, github: GitHubServer) -> None:
    new, kept, closed, draft = (github.open_pr(draft=n == 3).number for n in range(4))
    for number in (kept, closed):
        assert envctl("sync", "--pr", str(number), "--yes").code == 0
    github.close(closed)
    account.vpc("shop-pr-900")  # of which nobody knows anything else: not tagged completely, so not ours
    result = envctl("sync", "--all", "--yes", "--json", "--parallel", "2")
    assert result.code == 0
    assert decisions(result) == {new: ("create", 0), kept: ("nothing", 0), closed: ("destroy", 0), draft: ("refuse", 0)}
    assert {key.split("/")[3] for key in account.objects()} == {f"pr-{new}", f"pr-{kept}"}
    assert f"shop-pr-{new}: → creating" in result.err
    assert "Drafts get no environment" in github.comments_on(draft)[0].body


def test_nothing_at_all_is_success(envctl: Envctl, github: GitHubServer) -> None:
    assert envctl("sync", "--all", "--yes").out == "There are no environments and no open pull requests.\n"


def test_one_broken_record_and_one_broken_apply_harm_nobody_else(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    broken, fine, gone = (github.open_pr().number for _ in range(3))
    account.put(f"{PREFIX}pr-{broken}/manifest.json", "{")
    account.record(gone, status="ready")
    github.close(gone)
    result = envctl("sync", "--all", "--yes", "--json")
    assert decisions(result) == {broken: ("refuse", 4), fine: ("create", 0), gone: ("destroy", 0)}
    assert result.code == 4
    assert f"1 of 3 did not follow: #{broken}." in result.json["error"]["message"]
    assert account.manifest(fine).status == "ready"


def test_the_oldest_get_the_room_that_there_is(
    envctl: Envctl, account: Account, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "1")
    first, second, third = (github.open_pr().number for _ in range(3))
    assert envctl("sync", "--pr", str(first), "--yes").code == 0
    github.close(first)
    planned = envctl("sync", "--all", "--dry-run", "--json")
    assert decisions(planned) == {first: ("destroy", 0), second: ("create", 0), third: ("wait", 0)}
    result = envctl("sync", "--all", "--yes", "--json")
    assert (result.code, decisions(result)) == (0, decisions(planned))
    assert "All 1 environments" in github.comments_on(third)[0].body


def test_no_more_run_at_once_than_the_memory_holds(
    envctl: Envctl,
    account: Account,
    terraform: FakeTerraform,
    github: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.memory.available_bytes", lambda: BYTES_EACH)
    for _ in range(3):
        github.open_pr()
    result = envctl("sync", "--all", "--yes", "--parallel", "3")
    assert "1 at once, not 3: there is not enough memory for more" in result.err
    places = [call.environ["TF_DATA_DIR"] for call in terraform.calls if "apply" in call.argv or "init" in call.argv]
    assert len([place for place, _ in groupby(places)]) == 3  # each had ended when the next began


def test_what_only_the_account_knows_of_is_found_and_taken_away(
    envctl: Envctl, account: Account, github: GitHubServer
) -> None:
    tags = {"environment": "shop-pr-77", "project": "shop", "repository": "acme/shop", "pr": "77"}
    account.client("ec2").create_vpc(
        CidrBlock="10.42.0.0/16",
        TagSpecifications=[
            {"ResourceType": "vpc", "Tags": [{"Key": f"envctl:{k}", "Value": v} for k, v in tags.items()]}
        ],
    )
    result = envctl("sync", "--all", "--yes", "--json")
    assert (result.code, decisions(result)) == (0, {77: ("destroy", 0)})
    assert decisions(envctl("sync", "--all", "--yes", "--json")) == {}


def test_a_database_of_an_open_one_that_nothing_else_knows_of_is_left_to_people(
    envctl: Envctl, account: Account, github: GitHubServer
) -> None:
    number = github.open_pr().number
    account.database(f"shop-pr-{number}")
    before = account.versions()
    for _ in range(2):
        result = envctl("sync", "--all", "--yes", "--json")
        assert (result.code, decisions(result)) == (8, {number: ("update", 8)})
    assert account.versions() == before
    assert len(account.client("rds").describe_db_clusters()["DBClusters"]) == 2  # production's is the other


def test_a_full_account_hides_no_database_that_nothing_knows_of(
    envctl: Envctl, account: Account, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "1")
    there, lost = (github.open_pr().number for _ in range(2))
    assert envctl("sync", "--pr", str(there), "--yes").code == 0
    account.database(f"shop-pr-{lost}")
    result = envctl("sync", "--all", "--yes", "--json")
    assert (result.code, decisions(result)) == (8, {there: ("nothing", 0), lost: ("update", 8)})
    assert "does not know its database" in github.comments_on(lost)[0].body


def test_nor_is_one_of_another_kind_destroyed(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    pull = github.open_pr(42)
    tags = [*TAGS, {"Key": "envctl:project", "Value": "shop"}, {"Key": "envctl:pr", "Value": "42"}]
    rds = account.client("rds")
    rds.create_db_cluster(DBClusterIdentifier="shop-pr-42-graph", Engine="neptune", Tags=tags)
    result = envctl("sync", "--pr", str(pull.number), "--yes", "--json")
    assert (result.code, decisions(result)) == (8, {42: ("update", 8)})
    assert rds.describe_db_clusters(DBClusterIdentifier="shop-pr-42-graph")["DBClusters"]
    assert "apply" not in terraform.commands


@pytest.mark.usefixtures("untouched")
def test_a_github_that_cannot_be_listed_ends_it_before_anything(envctl: Envctl, github: GitHubServer) -> None:
    github.fail(401, times=1000)
    assert envctl("sync", "--all", "--yes").code == 3


@pytest.mark.usefixtures("untouched")
def test_all_and_one_exclude_each_other(envctl: Envctl, github: GitHubServer) -> None:
    assert envctl("sync", "--all", "--pr", "7", "--yes").code == 2


def test_what_was_found_at_the_start_is_not_told_at_the_end(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer, tmp_path: Path
) -> None:
    kept = github.open_pr().number
    assert envctl("sync", "--pr", str(kept), "--yes").code == 0
    new = github.open_pr().number
    terraform.set(gate=VPC)
    process = envctl.spawn("sync", "--all", "--yes", "--json")
    terraform.wait_for("reached")
    terraform.set(gate=None)
    github.close(kept)
    other = envctl.elsewhere(tmp_path / "other")
    assert ended(other.spawn("sync", "--pr", str(kept), "--yes")).code == 0
    said = github.comments_on(kept)[0].body
    terraform.let("go")
    result = ended(process)
    assert (result.code, decisions(result)) == (0, {kept: ("nothing", 0), new: ("create", 0)})
    assert github.comments_on(kept)[0].body == said


def test_who_waited_for_room_and_was_closed_meanwhile_is_told_nothing(
    envctl: Envctl, terraform: FakeTerraform, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCTL_LIMITS__MAX_ENVIRONMENTS", "1")
    first, second = (github.open_pr().number for _ in range(2))
    terraform.set(gate=VPC)
    process = envctl.spawn("sync", "--all", "--yes", "--json")
    terraform.wait_for("reached")
    github.close(second)
    terraform.let("go")
    result = ended(process)
    assert (result.code, decisions(result)) == (0, {first: ("create", 0), second: ("nothing", 0)})
    assert github.comments_on(second) == []


def test_an_interrupt_reaches_every_run_and_nothing_is_begun_after_it(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    first, second = (github.open_pr().number for _ in range(2))
    terraform.set(gate=VPC)
    terraform.let("save")
    process = envctl.spawn("sync", "--all", "--yes", "--json", "--parallel", "1")
    terraform.wait_for("reached")
    process.send_signal(signal.SIGINT)
    result = ended(process)
    assert (result.code, decisions(result)) == (130, {first: ("create", 130), second: ("wait", 130)})
    assert [call.end["interrupts"] for call in terraform.calls if call.command == "apply"] == [1]
    assert account.manifest(first).status == "failed"


def test_a_lock_of_a_run_that_is_alive_is_left_alone_and_is_no_failure_of_the_others(
    envctl: Envctl, account: Account, github: GitHubServer
) -> None:
    busy, free = (github.open_pr().number for _ in range(2))
    account.record(busy, status="creating")
    account.lock(busy)
    result = envctl("sync", "--all", "--yes", "--json")
    assert decisions(result) == {busy: ("wait", 0), free: ("create", 0)}


def test_logs_that_were_written_after_their_deletion_are_found_at_the_next_look(
    envctl: Envctl, account: Account, github: GitHubServer
) -> None:
    logs, number = account.client("logs"), github.open_pr().number
    assert envctl("sync", "--pr", str(number), "--yes").code == 0
    github.close(number)
    assert envctl("sync", "--pr", str(number), "--yes").code == 0
    logs.create_log_group(logGroupName=f"/aws/rds/cluster/shop-pr-{number}/error")
    theirs = {"envctl:repository": "acme/other", "envctl:environment": "shop-pr-88"}
    logs.create_log_group(logGroupName="/aws/rds/cluster/shop-pr-88/error", tags=theirs)
    result = envctl("sync", "--all", "--yes", "--json")
    assert (result.code, decisions(result)) == (0, {number: ("destroy", 0)})
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == ["/aws/rds/cluster/shop-pr-88/error"]
