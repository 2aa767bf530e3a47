"""`envctl sync --pr N`: the story of one pull request, over a real GitHub server, S3, and a fake Terraform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from github_server import GitHubServer
from world import PREFIX, VPC, Account, Envctl, FakeTerraform, Result, ended

from orchestrator import manifest as manifests
from orchestrator.absence import Absence, render
from orchestrator.lifecycle.destroy import ATTEMPTS


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server


def sync(envctl: Envctl, number: int, *more: str) -> Result:
    return envctl("sync", "--pr", str(number), "--yes", *more)


def decision(result: Result) -> dict[str, Any]:
    (found,) = result.json["decisions"]
    return dict(found)


def test_the_whole_story(envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer) -> None:
    number = github.open_pr().number
    created = sync(envctl, number, "--json")
    assert (created.code, decision(created)["action"], created.json["environment"]["status"]) == (0, "create", "ready")
    assert account.manifest(number).commit == github.pulls[number].head

    assert decision(sync(envctl, number, "--json"))["action"] == "nothing"

    head = github.push(number)
    terraform.change(VPC)
    assert decision(sync(envctl, number, "--json"))["action"] == "update"
    assert account.manifest(number).commit == head
    assert [deployment.state for deployment in github.deployments_of(number)] == ["inactive", "success"]

    github.close(number)
    gone = sync(envctl, number, "--json")
    assert (gone.code, decision(gone)["action"], gone.json["environment"]["status"]) == (0, "destroy", "destroyed")
    assert account.versions() == []
    assert github.deployments_of(number) == []

    assert decision(sync(envctl, number, "--json"))["action"] == "nothing"
    (comment,) = github.comments_on(number)
    assert "Destroyed" in comment.body

    github.reopen(number)
    assert decision(sync(envctl, number, "--json"))["action"] == "create"
    assert len(github.comments_on(number)) == 1


def test_a_pull_request_that_closes_while_it_is_created_is_destroyed_by_the_same_run(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    number = github.open_pr().number
    terraform.set(gate=VPC)
    process = envctl.spawn("sync", "--pr", str(number), "--yes", "--json")
    terraform.wait_for("reached")
    github.close(number)
    terraform.let("go")
    result = ended(process)
    assert (result.code, decision(result)["action"]) == (0, "destroy")
    assert account.versions() == []


def test_closing_while_another_run_creates_leaves_a_tombstone_that_wins(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer, tmp_path: Path
) -> None:
    number = github.open_pr().number
    terraform.set(gate=VPC)
    creating = envctl.spawn("up", "--pr", str(number), "--yes")  # which never looks at GitHub
    terraform.wait_for("reached")
    github.close(number)
    closing = envctl.elsewhere(tmp_path / "other")
    waits = ended(closing.spawn("sync", "--pr", str(number), "--yes", "--json"))
    assert (waits.code, decision(waits)["action"]) == (5, "wait")
    assert account.manifest(number).generation == 2
    terraform.let("go")
    ended(creating)
    record = account.manifest(number)
    assert (record.closed_at is not None, record.status) == (True, "creating")
    assert decision(sync(envctl, number, "--json"))["action"] == "destroy"
    assert account.versions() == []


def test_a_create_that_failed_is_carried_on_by_the_next_run_and_not_at_once(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    number = github.open_pr().number
    terraform.fail("apply", VPC)
    failed = sync(envctl, number, "--json")
    assert (failed.code, decision(failed)["action"]) == (4, "create")
    assert terraform.commands.count("apply") == 1
    terraform.set(fail={})
    again = sync(envctl, number, "--json")
    assert (again.code, decision(again)["action"], account.manifest(number).status) == (0, "update", "ready")


def test_a_destroy_that_failed_is_carried_on_by_the_next_run_and_not_at_once(
    envctl: Envctl, terraform: FakeTerraform, github: GitHubServer
) -> None:
    number = github.open_pr().number
    assert sync(envctl, number).code == 0
    github.close(number)
    terraform.fail("destroy", VPC)
    failed = sync(envctl, number, "--json")
    assert (failed.code, decision(failed)["action"]) == (4, "destroy")
    assert terraform.commands.count("destroy") == ATTEMPTS


def test_a_push_while_it_is_created_is_followed_by_the_same_run(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    number = github.open_pr().number
    terraform.set(gate=VPC)
    process = envctl.spawn("sync", "--pr", str(number), "--yes", "--json")
    terraform.wait_for("reached")
    head = github.push(number)
    terraform.let("go")
    assert ended(process).code == 0
    assert account.manifest(number).commit == head


def test_closed_and_opened_again_while_it_is_updated_it_is_updated_once_more(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer, tmp_path: Path
) -> None:
    number = github.open_pr().number
    assert sync(envctl, number).code == 0
    github.push(number)
    terraform.change(VPC)
    terraform.set(gate=VPC)
    process = envctl.spawn("sync", "--pr", str(number), "--yes", "--json")
    terraform.wait_for("reached")
    terraform.set(gate=None)
    other = envctl.elsewhere(tmp_path / "other")
    for change in (github.close, github.reopen):
        change(number)
        waits = ended(other.spawn("sync", "--pr", str(number), "--yes", "--json"))
        assert (waits.code, decision(waits)["action"]) == (5, "wait")
    terraform.let("go")
    assert ended(process).code == 0
    record = account.manifest(number)
    assert (record.status, record.closed_at) == ("ready", None)


def test_who_sends_it_away_before_anything_is_made_is_heard(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    pull = github.open_pr()
    terraform.set(gate="init")
    process = envctl.spawn("sync", "--pr", str(pull.number), "--yes", "--json")
    terraform.wait_for("reached")
    asked = render(Absence(pull.head, datetime.now(UTC), "asked"))
    account.put(f"{PREFIX}pr-{pull.number}/absence.json", asked)
    terraform.let("go")
    result = ended(process)
    assert (result.code, decision(result)["reason"]) == (0, "The environment was destroyed on request.")
    assert "apply" not in terraform.commands


def test_opened_again_before_anything_is_taken_away_it_stays(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer, tmp_path: Path
) -> None:
    number = github.open_pr().number
    assert sync(envctl, number).code == 0
    github.close(number)
    terraform.set(gate="init")
    process = envctl.elsewhere(tmp_path / "other").spawn("sync", "--pr", str(number), "--yes", "--json")
    terraform.wait_for("reached")
    terraform.set(gate=None)
    github.reopen(number)
    terraform.let("go")
    result = ended(process)
    assert (result.code, decision(result)["action"], "destroy" in terraform.commands) == (0, "update", False)
    record = account.manifest(number)
    assert (record.status, record.closed_at) == ("ready", None)


def test_extended_before_anything_is_taken_away_it_stays(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer, tmp_path: Path
) -> None:
    number = github.open_pr().number
    assert sync(envctl, number).code == 0
    expired = replace(account.manifest(number), expires_at=datetime.now(UTC))
    account.put(f"{PREFIX}pr-{number}/manifest.json", manifests.render(expired))
    terraform.set(gate="init")
    process = envctl.elsewhere(tmp_path / "other").spawn("sync", "--pr", str(number), "--yes", "--json")
    terraform.wait_for("reached")
    terraform.set(gate=None)
    assert envctl("extend", "24h", "--pr", str(number)).code == 0
    terraform.let("go")
    result = ended(process)
    assert (result.code, decision(result)["action"], "destroy" in terraform.commands) == (0, "nothing", False)


@pytest.mark.usefixtures("untouched")
def test_nothing_happens_when_github_does_not_answer(envctl: Envctl, github: GitHubServer, account: Account) -> None:
    number = github.open_pr().number
    github.close(number)
    github.fail(404, times=1000)
    result = sync(envctl, number, "--json")
    assert result.code != 0
    assert "decisions" not in result.json


def test_a_github_that_takes_no_comment_harms_nothing(envctl: Envctl, account: Account, github: GitHubServer) -> None:
    number = github.open_pr().number
    github.fail(403, method="POST", times=1000)
    result = sync(envctl, number)
    assert (result.code, account.manifest(number).status) == (0, "ready")
    assert "could not be told" in result.err


def test_what_expired_stays_away_until_the_next_push(envctl: Envctl, account: Account, github: GitHubServer) -> None:
    number = github.open_pr().number
    sync(envctl, number)
    account.record(number, commit=github.pulls[number].head, status="ready", expires_at=datetime.now(UTC))
    assert decision(sync(envctl, number, "--json"))["action"] == "destroy"
    assert account.objects() == [f"{PREFIX}pr-{number}/absence.json"]
    stays = decision(sync(envctl, number, "--json"))
    assert (stays["action"], "/envctl up" in stays["hint"]) == ("nothing", True)
    github.push(number)
    assert decision(sync(envctl, number, "--json"))["action"] == "create"
    github.close(number)
    sync(envctl, number)
    assert account.versions() == []


def test_a_note_of_a_closed_pull_request_goes_with_it(envctl: Envctl, account: Account, github: GitHubServer) -> None:
    number = github.open_pr().number
    note = Absence(github.pulls[number].head, datetime.now(UTC) - timedelta(hours=1), "expired")
    account.put(f"{PREFIX}pr-{number}/absence.json", render(note))
    github.close(number)
    assert decision(sync(envctl, number, "--json"))["action"] == "nothing"
    assert account.versions() == []


def test_a_draft_is_refused_with_a_sentence_and_a_label_is_worth_nothing_to_it(
    envctl: Envctl, account: Account, github: GitHubServer
) -> None:
    number = github.open_pr(draft=True).number
    result = sync(envctl, number, "--json")
    assert (result.code, decision(result)["action"]) == (0, "refuse")
    assert account.versions() == []
    (comment,) = github.comments_on(number)
    assert "Drafts get no environment" in comment.body


def labelled(github: GitHubServer, number: int, sender: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The label is put on, and its event arrives."""
    github.label(number, "preview")
    event = github.event("labeled", number, sender)
    path.write_text(json.dumps({**event, "label": {"name": "preview"}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))


def test_a_fork_gets_one_for_the_commit_that_a_maintainer_has_labelled_and_loses_it_with_the_next(
    envctl: Envctl, account: Account, github: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.person("maintainer", "write")
    number = github.open_pr(fork=True).number
    assert decision(sync(envctl, number, "--json"))["action"] == "refuse"
    labelled(github, number, "maintainer", tmp_path / "event.json", monkeypatch)
    assert decision(sync(envctl, number, "--json"))["action"] == "create"
    github.push(number)
    assert decision(sync(envctl, number, "--json"))["action"] == "destroy"  # the event, which comes again, too
    assert account.versions() == []


def test_a_label_of_somebody_who_may_not_write_counts_for_nothing(
    envctl: Envctl, github: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.person("stranger", "read")
    number = github.open_pr(fork=True).number
    labelled(github, number, "stranger", tmp_path / "event.json", monkeypatch)
    assert decision(sync(envctl, number, "--json"))["action"] == "refuse"


def test_a_dry_run_tells_and_does_nothing(
    envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    number = github.open_pr().number
    result = envctl("sync", "--pr", str(number), "--dry-run", "--json")
    assert (result.code, decision(result)["action"]) == (0, "create")
    assert (account.versions(), terraform.commands, github.writes()) == ([], [], [])


def test_the_job_hears_of_it(
    envctl: Envctl, github: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary, output = tmp_path / "summary", tmp_path / "output"
    for name, value in {"ACTIONS": "true", "STEP_SUMMARY": summary, "OUTPUT": output}.items():
        monkeypatch.setenv(f"GITHUB_{name}", str(value))
    number = github.open_pr().number
    assert sync(envctl, number).code == 0
    assert f"shop-pr-{number}" in summary.read_text()
    assert "\nready\n" in output.read_text()


@pytest.mark.parametrize("arguments", [("--pr", "7"), ("--all",)])
@pytest.mark.usefixtures("untouched", "github")
def test_it_is_not_done_unasked(envctl: Envctl, arguments: tuple[str, ...]) -> None:
    result = envctl("sync", *arguments)
    assert result.code == 2
    assert "--yes" in result.err


@pytest.mark.usefixtures("untouched")
def test_without_a_token_it_says_what_is_missing(envctl: Envctl) -> None:
    result = envctl("sync", "--pr", "7", "--yes")
    assert result.code == 3
    assert "GITHUB_TOKEN" in result.err


def test_the_schedule_pauses_by_night_and_a_push_wakes(
    envctl: Envctl, account: Account, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = github.open_pr().number
    sync(envctl, number)
    record = account.manifest(number)
    assert record.operation
    long_ago = replace(record.operation, started_at=datetime.now(UTC) - timedelta(days=2))
    account.put(f"{PREFIX}pr-{number}/manifest.json", manifests.render(replace(record, operation=long_ago)))
    monkeypatch.setenv("ENVCTL_LIMITS__PAUSE_SCHEDULE", "Mon-Sun 00:00-24:00 UTC")
    paused = sync(envctl, number, "--json")
    assert (decision(paused)["action"], paused.json["environment"]["paused_by"]) == ("pause", "schedule")
    assert decision(sync(envctl, number, "--json"))["action"] == "nothing"

    head = github.push(number)
    assert decision(sync(envctl, number, "--json"))["action"] == "resume"
    awake = account.manifest(number)
    assert (awake.status, awake.commit, awake.paused_at, awake.paused_by) == ("ready", head, None, None)
    assert decision(sync(envctl, number, "--json"))["action"] == "nothing"  # the push keeps it awake for this window

    monkeypatch.setenv("ENVCTL_LIMITS__PAUSE_SCHEDULE", "none")
    account.put(
        f"{PREFIX}pr-{number}/manifest.json",
        manifests.render(replace(awake, status="paused", paused_at=awake.updated_at, paused_by="schedule")),
    )
    assert decision(sync(envctl, number, "--json"))["action"] == "resume"
    assert account.manifest(number).status == "ready"
