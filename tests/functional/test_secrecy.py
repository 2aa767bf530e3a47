"""What a provider repeats of a secret reaches neither the screen nor the record."""

from __future__ import annotations

from pathlib import Path

import pytest
from github_server import GitHubServer
from world import LB, Account, Envctl, FakeTerraform, ended

SECRET = "hunter22-and-more"


@pytest.fixture
def known(envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root that calls a variable sensitive, and its value in the environment."""
    root = envctl.directory / "terraform" / "env" / "main.tf"
    root.write_text(root.read_text() + 'variable "password" {\n  type      = string\n  sensitive = true\n}\n')
    monkeypatch.setenv("TF_VAR_password", SECRET)


def test_a_secret_that_a_provider_repeats(
    envctl: Envctl, known: None, account: Account, terraform: FakeTerraform
) -> None:
    terraform.fail(
        "apply", LB, summary=f"expected type to be one of [String], got {SECRET}", detail=f"It was {SECRET}."
    )
    failed = envctl("up", "--pr", "42", "--yes", "-v", "--json")
    assert failed.code == 4
    assert SECRET not in failed.out + failed.err
    assert "got (sensitive value)" in failed.json["error"]["message"]
    operation = account.manifest().operation
    assert operation
    assert operation.outcome
    assert SECRET not in operation.outcome


def test_it_is_in_no_comment_and_in_nothing_that_the_job_hands_on(
    envctl: Envctl, known: None, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = [tmp_path / "GITHUB_OUTPUT", tmp_path / "GITHUB_STEP_SUMMARY"]
    terraform.fail("apply", LB, summary=f"the name {SECRET} is taken", detail=f"It was {SECRET}.")
    with GitHubServer() as github:
        for name, value in {**github.environ, "GITHUB_ACTIONS": "true", **{f.name: str(f) for f in files}}.items():
            monkeypatch.setenv(name, value)
        number = github.open_pr().number
        failed = envctl("sync", "--pr", str(number), "--yes", "-v")
        comments = [comment.body for comment in github.comments_on(number)]
    handed_on = [file.read_text() for file in files]
    assert failed.code == 4
    assert all("(sensitive value)" in text for text in (failed.err, comments[0], handed_on[1]))
    assert [text for text in (failed.out, failed.err, *comments, *handed_on) if SECRET in text] == []


def test_a_secret_that_a_short_command_repeats(envctl: Envctl, known: None, terraform: FakeTerraform) -> None:
    terraform.set(unsaved="once", crash={"state": f"Error: the backend does not like {SECRET}"})
    failed = ended(envctl.spawn("up", "--pr", "42", "--yes", "-v"))  # nobody else listens to what libraries log there
    assert failed.code == 4
    assert SECRET not in failed.out + failed.err
    assert "does not like (sensitive value)" in failed.err


def test_a_sensitive_output_is_not_taken_from_the_state_either(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    """As after an apply whose stream told of no outputs."""
    terraform.set(unsaved="once", outputs={"login": {"value": SECRET, "sensitive": True}, "port": {"value": 3306}})
    done = envctl("up", "--pr", "42", "--yes", "-v", "--json")
    assert (done.code, account.manifest().outputs) == (0, {"port": 3306})
    assert SECRET not in done.out + done.err
