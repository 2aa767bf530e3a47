"""What a GitHub Actions run is told: its files, its annotations, and that nothing else it shows is a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from world import Envctl, FakeTerraform


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runner's directory with the files that it hands to a step."""
    directory = tmp_path / "runner"
    directory.mkdir()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("output", "step_summary"):
        (directory / name).touch()
        monkeypatch.setenv(f"GITHUB_{name.upper()}", str(directory / name))
    return directory


def outputs(runner: Path) -> dict[str, str]:
    """What the step's output file says, one line a value."""
    lines = (runner / "output").read_text().splitlines()
    return {name.split("<<")[0]: value for name, value, _ in zip(*[iter(lines)] * 3, strict=True)}


def summary(runner: Path) -> str:
    return (runner / "step_summary").read_text(encoding="utf-8")


def test_an_environment_that_came_up_is_told(envctl: Envctl, terraform: FakeTerraform, runner: Path) -> None:
    terraform.set(outputs={"url": {"value": "http://127.0.0.1:9"}})
    assert envctl("up", "--pr", "42", "--yes", "--json", "--no-wait").code == 0
    assert outputs(runner) == {
        "status": "ready",
        "url": "http://127.0.0.1:9",
        "environment": "shop-pr-42",
        "has_changes": "true",
    }
    assert summary(runner).startswith("### ✅ Ready: <http://127.0.0.1:9>")


def test_up_and_destroy_of_one_step_stand_one_after_the_other(envctl: Envctl, runner: Path) -> None:
    envctl("up", "--pr", "42", "--yes")
    envctl("destroy", "--pr", "42", "--yes")
    assert summary(runner).index("### ✅ Ready") < summary(runner).index("### 🏁 Destroyed")
    assert (runner / "output").read_text().count("status<<") == 2


def test_a_plan_is_told(envctl: Envctl, runner: Path) -> None:
    envctl("plan", "--pr", "42")
    assert "to add" in summary(runner)
    assert outputs(runner)["has_changes"] == "true"


def test_a_failure_is_an_annotation_on_stderr_and_the_object_on_stdout_stays_one(
    envctl: Envctl, terraform: FakeTerraform, runner: Path
) -> None:
    terraform.fail("apply", "module.web.aws_lb.this", summary="##[add-mask]x", detail="\n::set-output name=url::evil")
    done = envctl("up", "--pr", "42", "--yes", "--json")
    assert done.code == 4
    error = json.loads(done.out)["error"]
    assert "##[add-mask]x" in error["message"]
    assert "##[" not in done.out + done.err
    commands = [line for line in done.err.splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == 1
    assert commands[0].startswith("::error title=envctl up shop-pr-42::")
    assert outputs(runner)["status"] == "failed"
    assert "Whose fault" in summary(runner)


def test_an_error_before_anything_is_told_as_well(envctl: Envctl, runner: Path) -> None:
    done = envctl("up", "--pr", "nonsense", "--yes")
    assert done.code == 2
    assert outputs(runner)["status"] == "failed"
    assert "It failed" in summary(runner)


def test_commands_that_only_look_tell_nothing(envctl: Envctl, runner: Path) -> None:
    envctl("list")
    assert summary(runner) == (runner / "output").read_text() == ""


def test_files_that_cannot_be_written_fail_nothing(
    envctl: Envctl, runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(runner / "gone" / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(runner))
    done = envctl("up", "--pr", "42", "--yes", "--json")
    assert done.code == 0
    assert json.loads(done.out)["ok"]
    assert "The file that GITHUB_OUTPUT names cannot be written" in done.err
    assert "The file that GITHUB_STEP_SUMMARY names cannot be written" in done.err


def test_nothing_is_added_to_a_full_summary(envctl: Envctl, runner: Path) -> None:
    (runner / "step_summary").write_bytes(b"x" * 990_000)
    done = envctl("up", "--pr", "42", "--yes")
    assert (runner / "step_summary").stat().st_size == 990_000
    assert "The job's summary is full" in done.err


def test_without_a_runner_nothing_changes(envctl: Envctl) -> None:
    done = envctl("up", "--pr", "nonsense")
    assert "::error" not in done.err


def test_up_show_and_destroy_estimate_what_it_costs(envctl: Envctl) -> None:
    lines = ("up --pr 42 --yes", "show --pr 42", "destroy --pr 42 --yes")
    costs = [json.loads(envctl(*line.split(), "--json").out)["cost"] for line in lines]
    assert costs[0]["hourly_usd"] > 0
    assert costs[0] == costs[1] == costs[2]
