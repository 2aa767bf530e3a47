"""`envctl comment`: what people ask for in comments, who may, and what they are answered."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from github_server import ACTIONS, GitHubServer
from world import CLUSTER, PREFIX, VPC, Account, Envctl, FakeTerraform, Result, ended

from orchestrator import manifest as manifests
from orchestrator.absence import Absence, render

Say = Callable[..., Result]
Begin = Callable[[str, str], subprocess.Popen[str]]


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        server.person("maintainer", "write")
        yield server


@pytest.fixture
def say(envctl: Envctl, github: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Somebody writes a comment on pull request 1, and the workflow runs."""

    def say(body: str, author: str = "maintainer", again: bool = False) -> Result:
        commented(github, body, tmp_path, monkeypatch, author, again)
        return envctl("comment", "--yes", "--json")

    assert github.open_pr().number == 1
    return say


@pytest.fixture
def begin(
    say: Say,
    envctl: Envctl,
    terraform: FakeTerraform,
    github: GitHubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Begin:
    """The same in a checkout of its own: it gets as far as a gate, and waits there."""

    def begin(body: str, gate: str) -> subprocess.Popen[str]:
        commented(github, body, tmp_path, monkeypatch)
        terraform.set(gate=gate)
        process = envctl.elsewhere(tmp_path / "other").spawn("comment", "--yes", "--json")
        terraform.wait_for("reached")
        terraform.set(gate=None)
        return process

    return begin


def commented(
    github: GitHubServer,
    body: str,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    author: str = "maintainer",
    again: bool = False,
) -> None:
    """Let the event be that of a comment on pull request 1, of the last one if `again`."""
    comment = github.comments_on(1, author)[-1] if again else github.comment(1, body, author)
    event = directory / "event.json"
    event.write_text(json.dumps(github.event("created", 1, author, comment)))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))


def answers(github: GitHubServer) -> list[str]:
    return [comment.body for comment in github.comments_on(1, ACTIONS) if "envctl:reply" in comment.body]


def reactions(github: GitHubServer, author: str = "maintainer") -> list[str]:
    return [reaction.content for reaction in github.comments_on(1, author)[-1].reactions]


def test_up_and_destroy(say: Say, envctl: Envctl, account: Account, github: GitHubServer) -> None:
    assert say("/envctl up").code == 0
    assert (account.manifest(1).status, reactions(github)) == ("ready", ["eyes", "rocket"])
    assert say("/envctl destroy").code == 0
    assert account.objects() == [f"{PREFIX}pr-1/absence.json"]
    # The pull request is open all the same: the hourly look does not bring it back, a person does.
    assert envctl("sync", "--pr", "1", "--yes", "--json").json["decisions"][0]["action"] == "nothing"
    assert say("/envctl up").code == 0
    assert account.manifest(1).status == "ready"


def test_up_lets_what_has_expired_live_on(say: Say, account: Account, github: GitHubServer, envctl: Envctl) -> None:
    envctl("sync", "--pr", "1", "--yes")
    created = account.manifest(1)
    account.record(
        1, status="ready", commit=created.commit, applied_at=created.created_at, expires_at=datetime.now(UTC)
    )
    assert say("/envctl up").code == 0
    assert account.manifest(1).expires_at > datetime.now(UTC) + timedelta(hours=71)


def test_extend_and_status_are_answered(say: Say, envctl: Envctl, account: Account, github: GitHubServer) -> None:
    envctl("sync", "--pr", "1", "--yes")
    assert say("/envctl extend 9d").code == 0
    assert account.manifest(1).expires_at > datetime.now(UTC) + timedelta(days=8)
    assert say("/envctl status").code == 0
    assert all("shop-pr-1" in answer and "ready" in answer for answer in answers(github))
    assert len(answers(github)) == 2


def test_pause_resume_and_refresh_data(say: Say, envctl: Envctl, account: Account, github: GitHubServer) -> None:
    envctl("sync", "--pr", "1", "--yes")
    assert say("/envctl pause").code == 0
    assert (account.manifest(1).status, account.manifest(1).paused_by) == ("paused", "person")
    assert say("/envctl refresh-data").code == 7
    assert "resume" in answers(github)[-1]
    assert say("/envctl resume").code == 0
    account.snapshot(timedelta(minutes=1), "newer")
    assert say("/envctl refresh-data").code == 0
    assert (account.manifest(1).snapshot.id, account.manifest(1).status) == ("newer", "ready")


@pytest.mark.parametrize("command", ["pause", "refresh-data"])
def test_what_happened_to_the_pull_request_meanwhile_is_followed(
    say: Say, envctl: Envctl, account: Account, github: GitHubServer, command: str
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    head = github.push(1)  # its own run found the command at work, and left it to that
    assert say(f"/envctl {command}").code == 0
    assert (account.manifest(1).commit, account.manifest(1).status) == (head, "ready")
    github.close(1)
    assert say(f"/envctl {command}").code == 0
    assert account.versions() == []


@pytest.mark.parametrize("command", ["pause", "refresh-data", "resume"])
def test_a_destroy_that_comes_while_something_else_is_prepared_is_not_forgotten(
    say: Say, begin: Begin, envctl: Envctl, account: Account, terraform: FakeTerraform, command: str
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    if command == "resume":
        assert say("/envctl pause").code == 0
    account.snapshot(timedelta(minutes=1), "newer")
    process = begin(f"/envctl {command}", "init")
    assert say("/envctl destroy").code == 5  # that one is at work
    terraform.forget()
    time.sleep(1.1)  # the record and the note know whole seconds
    terraform.let("go")
    assert ended(process).code == 0
    assert account.objects() == [f"{PREFIX}pr-1/absence.json"]
    if command == "resume":
        assert "apply" not in terraform.commands


def test_a_destroy_that_comes_while_something_else_is_applied_is_carried_out_after_it(
    say: Say, begin: Begin, envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    terraform.change(VPC)
    process = begin("/envctl pause", VPC)
    assert say("/envctl destroy").code == 5
    terraform.let("go")
    assert ended(process).code == 0
    assert account.objects() == [f"{PREFIX}pr-1/absence.json"]


@pytest.mark.parametrize("gate", ["plan", VPC])
def test_nothing_is_begun_after_an_interrupt(
    begin: Begin, envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer, gate: str
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    terraform.change(VPC)
    terraform.forget()
    process = begin("/envctl pause", gate)
    github.push(1)
    terraform.let("save")
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130
    assert terraform.commands.count("plan") == 1


def test_closed_before_its_work_is_noted_it_is_destroyed_by_the_same_run(
    begin: Begin, envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    process = begin("/envctl pause", "init")
    github.close(1)
    assert envctl("sync", "--pr", "1", "--yes").code == 5  # it leaves a tombstone
    terraform.let("go")
    assert ended(process).code == 0
    assert account.versions() == []


def test_a_push_is_followed_although_what_was_asked_for_is_refused(
    begin: Begin, envctl: Envctl, account: Account, terraform: FakeTerraform, github: GitHubServer
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    wanted = terraform.resources
    terraform.change(CLUSTER, replaces=True)
    process = begin("/envctl pause", "plan")
    terraform.set(resources=wanted)
    head = github.push(1)
    terraform.let("go")
    assert ended(process).code == 7
    assert (account.manifest(1).commit, account.manifest(1).status) == (head, "ready")
    assert "data" in answers(github)[-1]


def test_what_went_wrong_is_not_tried_again_by_the_same_run(
    say: Say, envctl: Envctl, terraform: FakeTerraform, github: GitHubServer
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    wanted = terraform.resources
    terraform.change(CLUSTER, replaces=True)
    terraform.forget()
    assert say("/envctl pause").code == 7
    terraform.set(resources=wanted)
    terraform.change(VPC)
    terraform.fail("apply", VPC)
    assert say("/envctl pause").code == 4
    assert (terraform.commands.count("plan"), terraform.commands.count("apply")) == (2, 1)
    terraform.fail("destroy", VPC)
    assert say("/envctl destroy").code == 4
    terraform.forget()
    assert say("/envctl pause").code == 7
    assert terraform.commands == []


def test_what_has_expired_is_not_destroyed_by_a_command(say: Say, envctl: Envctl, account: Account) -> None:
    envctl("sync", "--pr", "1", "--yes")
    expired = replace(account.manifest(1), expires_at=datetime.now(UTC))
    account.put(f"{PREFIX}pr-1/manifest.json", manifests.render(expired))
    for command, status in (("pause", "paused"), ("up", "ready")):
        assert say(f"/envctl {command}").code == 0
        assert account.manifest(1).status == status
    assert account.manifest(1).expires_at > datetime.now(UTC) + timedelta(hours=71)  # who wants it up wants it to live


def test_resume_wins_against_an_older_wish_to_have_none(
    say: Say, envctl: Envctl, account: Account, github: GitHubServer
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    record = account.manifest(1)
    assert record.commit
    note = Absence(record.commit, record.created_at - timedelta(hours=1), "asked")
    account.put(f"{PREFIX}pr-1/absence.json", render(note))
    assert say("/envctl pause").code == 0
    assert account.manifest(1).status == "paused"
    assert say("/envctl resume").code == 0
    assert account.manifest(1).status == "ready"


def test_pause_stays_until_somebody_resumes(say: Say, envctl: Envctl, account: Account, github: GitHubServer) -> None:
    envctl("sync", "--pr", "1", "--yes")
    assert say("/envctl pause").code == 0
    assert (account.manifest(1).status, account.manifest(1).paused_by) == ("paused", "person")
    assert envctl("sync", "--pr", "1", "--yes", "--json").json["decisions"][0]["reason"] == "It is paused."
    assert say("/envctl up").code == 0
    assert account.manifest(1).status == "ready"


def test_refresh_data_says_when_there_is_nothing_newer(
    say: Say, envctl: Envctl, account: Account, github: GitHubServer
) -> None:
    envctl("sync", "--pr", "1", "--yes")
    assert say("/envctl refresh-data").code == 0
    assert account.manifest(1).status == "ready"


def test_what_cannot_be_done_is_answered_with_why(say: Say, github: GitHubServer) -> None:
    result = say("/envctl status")
    assert result.code == 2
    assert "There is no environment shop-pr-1" in answers(github)[0]
    assert reactions(github) == ["eyes", "confused"]


@pytest.mark.usefixtures("untouched")
def test_only_who_may_write_is_obeyed(say: Say, github: GitHubServer) -> None:
    github.person("stranger", "read")
    result = say("/envctl destroy", "stranger")
    assert (result.code, reactions(github, "stranger")) == (7, ["confused"])
    assert "Only people who may write" in answers(github)[0]


@pytest.mark.usefixtures("untouched")
def test_an_event_that_comes_twice_is_answered_once(say: Say, github: GitHubServer) -> None:
    say("/envctl fly")
    say("", again=True)
    assert len(answers(github)) == 1


@pytest.mark.parametrize("body", ["/envctl $(reboot)", "/envctl up; rm -rf /", "/envctl <img src=x onerror=alert(1)>"])
@pytest.mark.usefixtures("untouched")
def test_hostile_commands_are_refused_without_a_word_of_theirs(say: Say, github: GitHubServer, body: str) -> None:
    result = say(body)
    assert result.code == 2
    assert not any(word in answers(github)[0] for word in ("reboot", "rm -rf", "<img"))


@pytest.mark.parametrize("body", ["Looks good!", "> /envctl destroy", "    /envctl destroy"])
@pytest.mark.usefixtures("untouched")
def test_what_is_no_command_is_not_even_asked_about(say: Say, github: GitHubServer, body: str) -> None:
    result = say(body)
    assert (result.code, answers(github), github.writes()) == (0, [], [])
