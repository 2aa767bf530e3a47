"""The JSON that programs read: its keys stay, on success and on failure."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from orchestrator import identity, manifest, report
from orchestrator.config import Config
from orchestrator.cost import Cost
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes, Resource
from orchestrator.manifest import PinnedSnapshot
from orchestrator.outcome import Check, Decided, Leftover, Outcome
from orchestrator.sync.decision import Action

SCHEMA = json.loads((Path(__file__).parent / "envelope.schema.json").read_text())
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
CONFIG = Config.model_validate(
    {
        "project": {"name": "shop", "repository": "acme/shop"},
        "state": {"bucket": "acme-preview-state"},
        "database": {"source": "shop-prod"},
    }
)
ENVIRONMENT = identity.identify(42, CONFIG, "us-east-1")
SNAPSHOT = PinnedSnapshot("arn:x", "x", "cluster", "aurora-mysql", "8.0", NOW, "the only usable one")
MANIFEST = manifest.begin(ENVIRONMENT, SNAPSHOT, NOW, timedelta(hours=72))
ERROR = EnvctlError(ExitCode.TERRAFORM, "It failed.", "Try again.", "aws_vpc.this")

OUTCOMES = {
    "nothing at all": Outcome("config validate"),
    "everything": Outcome(
        "up",
        environment=ENVIRONMENT,
        manifest=MANIFEST,
        snapshot=SNAPSHOT,
        changes=Changes(add=1),
        resources=(Resource("done", "aws_vpc.this", "aws_vpc", "create", 1.5),),
        outputs={"url": "http://x", "port": 3306},
        timings={"init_s": 1.0, "total_s": 2.0},
        cost=Cost(0.2602),
        left=(Leftover("arn:x", "ec2:vpc", "has the environment's tag"),),
    ),
    "a failure half way": Outcome(
        "up", environment=ENVIRONMENT, manifest=MANIFEST, changes=Changes(), error=ERROR, exit_code=ERROR.code
    ),
    "an environment without a record": Outcome("destroy", environment=ENVIRONMENT, status="destroyed", left=()),
    "a listing": Outcome("list", environments=((ENVIRONMENT, MANIFEST),)),
    "an empty listing": Outcome("list", environments=()),
    "checks": Outcome("doctor", checks=(Check("a", True, "fine"), Check("b", False, "bad", "Do this."))),
    "decisions": Outcome(
        "sync",
        decisions=(
            Decided(ENVIRONMENT, "wait", "It is full.", "Wait.", MANIFEST),
            Decided(ENVIRONMENT, "destroy", "It is closed.", "", None, "failed", ExitCode.NOT_CLEAN),
        ),
        error=ERROR,
        exit_code=ERROR.code,
    ),
    "no decisions": Outcome("sync", decisions=()),
    "changes asked for": Outcome("plan", changes=Changes(add=1), exit_code=ExitCode.CHANGES),
}


def checked(envelope):
    jsonschema.Draft202012Validator(SCHEMA).validate(envelope)
    return envelope


def run(directory, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments], cwd=directory, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_outcome_fits_the_schema(name):
    checked(report.envelope(OUTCOMES[name], NOW))


def test_the_keys_are_those_of_the_design():
    found = report.envelope(OUTCOMES["everything"], NOW)
    assert list(found) == SCHEMA["required"]
    assert {
        part: list(found[part] if isinstance(found[part], dict) else found[part][0])
        for part in ("environment", "snapshot", "changes", "resources", "timings", "cost", "left")
    } == {
        "environment": SCHEMA["$defs"]["environment"]["required"],
        "snapshot": SCHEMA["$defs"]["snapshot"]["required"],
        "changes": SCHEMA["properties"]["changes"]["required"],
        "resources": SCHEMA["$defs"]["resource"]["required"],
        "timings": SCHEMA["properties"]["timings"]["required"],
        "cost": SCHEMA["properties"]["cost"]["required"],
        "left": SCHEMA["$defs"]["leftover"]["required"],
    }


def test_success_and_failure_have_the_same_keys():
    assert list(report.envelope(OUTCOMES["everything"], NOW)) == list(
        report.envelope(OUTCOMES["a failure half way"], NOW)
    )


@pytest.mark.parametrize("code", [code for code in ExitCode if code not in (ExitCode.DONE, ExitCode.CHANGES)])
def test_every_error_code_has_its_word(code):
    error = EnvctlError(code, "It failed.")
    checked(report.envelope(Outcome("up", error=error, exit_code=code), NOW))


def test_the_actions_are_those_of_the_decision():
    assert {*SCHEMA["$defs"]["decision"]["properties"]["action"]["enum"]} == {*manifest.get_args(Action)}


def test_the_statuses_are_those_of_the_manifest():
    allowed = SCHEMA["$defs"]["environment"]["properties"]["status"]["enum"]
    assert {*allowed} - {None} == {*manifest.get_args(manifest.Status)} == {*report.SYMBOLS}


@pytest.mark.parametrize(
    ("arguments", "command", "code"),
    [
        (["up", "--pr", "42", "--json"], "up", ExitCode.USAGE),
        (["config", "validate", "--json"], "config validate", ExitCode.USAGE),
        (["plan", "--json", "--no-such-option"], "plan", ExitCode.USAGE),
        (["sandbox", "env", "--json"], "sandbox env", ExitCode.USAGE),
        (["no-such-command", "--json"], "no-such-command", ExitCode.USAGE),
        (["config", "schema", "--json"], "config schema", ExitCode.DONE),
    ],
)
def test_stdout_is_exactly_one_object_whatever_happens(tmp_path, arguments, command, code):
    done = run(tmp_path, *arguments)
    found = checked(json.loads(done.stdout))
    assert (done.returncode, found["command"], found["ok"]) == (code, command, code == 0)
    assert "Traceback" not in done.stderr


def test_an_error_is_told_on_stderr_in_words(tmp_path):
    done = run(tmp_path, "up", "--pr", "42")
    assert done.stdout == ""
    assert done.stderr.startswith("✗ ")
    assert "\x1b" not in done.stderr
