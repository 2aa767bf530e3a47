"""The workflows and the action: GitHub's schema, zizmor, and rules of our own (workflow_rules.py)."""

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
import yaml
from workflow_rules import DEFAULT_BRANCH, events, problems, schema_errors, steps, zizmor_findings

from orchestrator import expiry
from orchestrator.cli.app import app

CHECKOUT = Path(__file__).parents[2]
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.y*ml"))
ACTIONS = [CHECKOUT / "setup" / "action.yml"]
READY_MADE = ["preview", "reap", "comment"]


def text_of(name):
    return (CHECKOUT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")


def workflow(name):
    return yaml.safe_load(text_of(name))


def job_of(name):
    (job,) = workflow(name)["jobs"].values()
    return job


# What others say


def test_github_would_take_the_workflows():
    assert schema_errors("github-workflows", *WORKFLOWS) == ""


def test_github_would_take_the_action():
    assert schema_errors("github-actions", *ACTIONS) == ""


def test_zizmor_finds_nothing_that_is_not_explained():
    assert zizmor_findings(CHECKOUT / ".github") == ""
    assert zizmor_findings(CHECKOUT / "setup") == ""


def test_zizmor_and_the_schema_are_really_asked(tmp_path):
    bad = tmp_path / ".github" / "workflows" / "bad.yml"
    bad.parent.mkdir(parents=True)
    bad.write_text("on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: true\n")
    assert "dangerous-triggers" in zizmor_findings(tmp_path)
    bad.write_text("on: pull_request_target\njobs:\n  a:\n    steps:\n      - run: true\n")
    assert "runs-on" in schema_errors("github-workflows", bad)


# What we say


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_keeps_to_the_rules(path):
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("PR: ${{ github.event.pull_request.number }}", "T: ${{ github.event.pull_request.title }}", "expression"),
        ("PR: ${{ github.event.pull_request.number }}", "T: ${{ github.head_ref }}", "expression"),
        ("PR: ${{ github.event.pull_request.number }}", "T: ${{ github.event.label.name }}", "expression"),
        ("PR: ${{ github.event.pull_request.number }}", "T: ${{ github.actor }}", "expression"),
        ("PR: ${{ github.event.pull_request.number }}", "T: ${{ toJSON(github.event) }}", "expression"),
        ('--pr "$PR" --yes', "--pr ${{ github.event.pull_request.number }} --yes", "inside a run"),
        ("github.event.action == 'closed'", "github.event.pull_request.title == 'closed'", "condition"),
        (DEFAULT_BRANCH, "${{ github.event.pull_request.head.sha }}", "a checkout of"),
        (f"          ref: {DEFAULT_BRANCH}\n", "", "not the default branch's"),
        ("persist-credentials: false", "persist-credentials: true", "leaves the token"),
        ("@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "@v5", "not pinned"),
        ("dd907a8 # v5.0.0", "dd907a8", "version is not named"),
        ("ubuntu-24.04", "ubuntu-latest", "runs on"),
        ("    timeout-minutes: 240\n", "", "no timeout"),
        ("cancel-in-progress: false", "cancel-in-progress: true", "can be cancelled"),
        ("permissions: {}", "permissions: write-all", "permissions for every job"),
        ('exec envctl sync --pr "$PR" --yes', 'envctl sync --pr "$PR" --yes', "a shell stands between"),
        (
            "ignore[dangerous-triggers] runs no line of the pull request",
            "ignore[dangerous-triggers]",
            "without a reason",
        ),
        ("GITHUB_TOKEN: ${{ github.token }}", "GITHUB_TOKEN: ${{ secrets.ADMIN }}", "a secret"),
    ],
)
def test_the_rules_find_what_breaks_them(old, new, problem):
    text = text_of("preview")
    assert old in text
    assert any(problem in found for found in problems(text.replace(old, new)))


# What the ready-made ones are for


@pytest.mark.parametrize("name", READY_MADE)
def test_each_can_be_called_with_the_same_inputs(name):
    inputs = events(workflow(name))["workflow_call"]["inputs"]
    assert {key: value.get("required", False) for key, value in inputs.items()} == {
        "role": True,
        "region": True,
        "session-seconds": False,
    }


def test_preview_follows_people_by_one_event_and_everybody_else_by_the_other():
    found = events(workflow("preview"))
    people = {"opened", "synchronize", "reopened", "labeled", "unlabeled", "ready_for_review", "converted_to_draft"}
    assert {*found["pull_request"]["types"]} == people
    # GitHub starts no pull_request run for a conflicted pull request: the end has to come the other way.
    assert {*found["pull_request_target"]["types"]} == people | {"closed"}


def test_one_run_for_each_pull_request_whichever_event_started_it():
    # One job, so one group: the same for both events.
    assert job_of("preview")["concurrency"] == {
        "group": "envctl-pr-${{ github.event.pull_request.number }}",
        "cancel-in-progress": False,
    }
    assert "concurrency" not in workflow("preview")


def chosen(event, action="synchronize", head="acme/shop", author="User", role="arn"):
    """Evaluate preview's condition as GitHub would, for the few operators in it."""
    values = {
        "inputs.role": role,
        "vars.ENVCTL_PREVIEW_ROLE": "",
        "github.event_name": event,
        "github.event.action": action,
        "github.repository": "acme/shop",
        "github.event.pull_request.head.repo.full_name": head,
        "github.event.pull_request.user.type": author,
    }
    python = " ".join(job_of("preview")["if"].split()).replace("&&", " and ").replace("||", " or ")
    for name, value in values.items():
        python = python.replace(name, repr(value))
    return bool(eval(python, {"__builtins__": {}}))  # noqa: S307 - a line of this repository


@pytest.mark.parametrize(
    "pull_request",
    [
        {},
        {"head": "mallory/shop"},
        {"head": None},
        {"author": "Bot"},
        {"head": "mallory/shop", "author": "Bot"},
    ],
)
def test_each_event_goes_exactly_one_way(pull_request):
    trusted = pull_request == {}
    assert chosen("pull_request", **pull_request) is trusted
    assert chosen("pull_request_target", **pull_request) is not trusted
    assert chosen("pull_request_target", action="closed", **pull_request)
    assert not chosen("pull_request", role="", **pull_request)


def test_a_comment_runs_only_when_it_is_a_command_on_a_pull_request():
    condition = job_of("comment")["if"]
    assert "github.event.issue.pull_request" in condition
    assert "startsWith(github.event.comment.body, '/envctl')" in condition
    assert events(workflow("comment"))["issue_comment"] == {"types": ["created"]}


def test_everything_is_looked_at_every_hour():
    (schedule,) = events(workflow("reap"))["schedule"]
    assert re.fullmatch(r"\d+ \* \* \* \*", schedule["cron"])


@pytest.mark.parametrize("name", READY_MADE)
def test_a_job_and_its_credentials_outlast_terraforms_longest_wait(name):
    modules = "".join(path.read_text() for path in CHECKOUT.glob("terraform/modules/*/*.tf"))
    longest = max(int(minutes) for minutes in re.findall(r'(?:create|update|delete) = "(\d+)m"', modules))
    minutes = job_of(name)["timeout-minutes"]
    assert minutes > longest
    (action,) = ACTIONS
    defaults = {
        events(workflow(name))["workflow_call"]["inputs"]["session-seconds"]["default"],
        yaml.safe_load(action.read_text())["inputs"]["session-seconds"]["default"],
    }
    assert defaults == {str(minutes * 60)}


def test_what_was_interrupted_is_looked_at_in_the_time_that_github_leaves():
    last = job_of("preview")["steps"][-1]
    assert last["if"].startswith("always()")
    assert last["timeout-minutes"] < 5
    assert "--dry-run" in last["run"]


@pytest.mark.parametrize("name", READY_MADE)
def test_the_token_is_given_to_envctl_alone(name):
    for step in steps(workflow(name)):
        assert ("GITHUB_TOKEN" in step.get("env", {})) == ("run" in step)


@pytest.mark.parametrize("name", READY_MADE)
def test_a_job_may_do_what_it_needs_and_no_more(name):
    expected = {
        "actions": "read",
        "contents": "read",
        "deployments": "write",
        "id-token": "write",
        "pull-requests": "write",
        "statuses": "write" if name == "preview" else "read",
    }
    assert job_of(name)["permissions"] == expected | ({"issues": "write"} if name == "comment" else {})


@pytest.mark.parametrize("name", READY_MADE)
def test_every_command_line_is_one(name):
    commands = typer.main.get_command(app).commands
    for step in steps(workflow(name)):
        words = step.get("run", "").split()[2:]
        if not words:
            continue
        if words[0] not in commands:
            pytest.skip(f"envctl {words[0]} is not there yet")
        known = {spelling for parameter in commands[words[0]].params for spelling in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= known


def test_the_action_installs_what_was_tested_and_a_bare_terraform():
    (action,) = ACTIONS
    terraform, install, _, role = steps(yaml.safe_load(action.read_text()))
    assert terraform["with"]["terraform_wrapper"] is False
    assert "constraints.txt" in install["run"]
    # Last: nothing is installed while there are credentials.
    assert role["uses"].startswith("aws-actions/configure-aws-credentials@")


def end_of_credentials(tmp_path, seconds):
    """Run the step that notes it; what the later steps have in their environment then."""
    *_, note, role = steps(yaml.safe_load(ACTIONS[0].read_text()))
    assert note["env"]["SECONDS_OF_SESSION"] == role["with"]["role-duration-seconds"]  # noted before it is asked for
    file = tmp_path / "env"
    file.touch()
    environ = {"PATH": os.environ["PATH"], "GITHUB_ENV": str(file), "SECONDS_OF_SESSION": seconds}
    ended = subprocess.run(["bash", "-e", "-c", note["run"]], env=environ, capture_output=True, check=False)
    return ended.returncode, dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_envctl_knows_when_the_credentials_of_a_job_end(tmp_path):
    before = datetime.now(UTC).replace(microsecond=0)
    code, noted = end_of_credentials(tmp_path, "14400")
    assert code == 0
    end = expiry.ends_at({"AWS_ACCESS_KEY_ID": "ASIA", **noted})
    assert before <= end - timedelta(seconds=14400) <= datetime.now(UTC)


@pytest.mark.parametrize("seconds", ["", "soon", "$(id)", "1; id", "1\nPATH=/evil", "x seconds\nA=b"])
def test_no_session_length_writes_more_than_a_time(tmp_path, seconds):
    _, noted = end_of_credentials(tmp_path, seconds)
    assert noted.keys() <= {"AWS_CREDENTIAL_EXPIRATION"}
    assert all(re.fullmatch(r"[0-9TZ:-]{20}", value) for value in noted.values())
