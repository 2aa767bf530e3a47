"""Streams were recorded from Terraform 1.11.4 on terraform_data resources."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes, Run

STREAMS = Path(__file__).parent / "streams"


def folded(name):
    run = Run()
    for line in (STREAMS / f"{name}.jsonl").read_text().splitlines(keepends=True):
        run.feed(line)
    return run


def line(kind, **parts):
    return json.dumps({"type": kind, **parts})


def hook(kind, address="aws_vpc.this", action="create", **more):
    found = {"resource": {"addr": address, "resource_type": "aws_vpc"}, "action": action, **more}
    return line(kind, hook=found)


# Recorded streams


def test_an_apply_is_counted_and_its_outputs_are_kept():
    run = folded("apply")
    assert run.changes == Changes(add=3)
    assert {r.phase for r in run.resources.values()} == {"done"}
    assert run.outputs.keys() == {"url"}
    assert not run.errors


def test_a_sensitive_output_never_gets_in():
    run = folded("apply")
    run.feed(line("outputs", outputs={"password": {"sensitive": True, "value": "hunter2"}}))
    assert "hunter2" not in repr(run)


def test_a_replacement_is_one_change_whichever_half_comes_first():
    run = folded("replace")
    assert run.changes == Changes(change=1, replace=2)
    found = {address.removeprefix("terraform_data."): r for address, r in run.resources.items()}
    assert (found["web"].action, found["web"].phase, found["web"].elapsed_s) == ("replace", "done", 1.0)
    assert (found["slow"].action, found["slow"].phase) == ("replace", "done")  # create_before_destroy
    assert (found["network"].action, found["network"].phase) == ("update", "done")


def test_a_plan_without_changes_is_none():
    run = folded("noop")
    assert not run.changes
    assert not run.planned
    assert not run.output_changes


def test_a_failed_apply_says_what_failed_where_and_why():
    run = folded("fail")
    assert run.resources["terraform_data.web"].phase == "failed"
    (error,) = run.errors
    assert error.address == "terraform_data.web"
    assert error.summary == "local-exec provisioner error"
    assert "exit status 3" in error.detail


def test_a_destroy_is_counted():
    assert folded("destroy").changes.destroy >= 2


# Single lines


def test_both_halves_of_a_replacement_add_up():
    run = Run()
    for text in (
        hook("apply_start", action="delete"),
        hook("apply_complete", action="delete", elapsed_seconds=30),
        hook("apply_start", action="create"),
        hook("apply_progress", action="create", elapsed_seconds=10),
    ):
        run.feed(text)
    done = run.feed(hook("apply_complete", action="create", elapsed_seconds=12))
    assert (done.action, done.elapsed_s) == ("replace", 42)


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("apply_start", "started"),
        ("apply_progress", "progress"),
        ("apply_complete", "done"),
        ("apply_errored", "failed"),
    ],
)
def test_each_phase_is_told(kind, phase):
    told = Run().feed(hook(kind, elapsed_seconds=7))
    assert (told.phase, told.address, told.type, told.action) == (phase, "aws_vpc.this", "aws_vpc", "create")
    assert told.elapsed_s == 7


@pytest.mark.parametrize("action", ["read", "noop"])
def test_reading_a_data_source_is_nothing_to_tell(action):
    run = Run()
    assert run.feed(hook("apply_complete", action=action)) is None
    assert run.feed(line("planned_change", change={"resource": {"addr": "data.x.y"}, "action": action})) is None
    assert not run.changes


@pytest.mark.parametrize(("action", "changed"), [("noop", False), ("create", True), ("update", True), ("delete", True)])
def test_a_changed_output_is_noticed(action, changed):
    run = Run()
    run.feed(line("outputs", outputs={"url": {"action": action, "sensitive": False}}))
    assert run.output_changes is changed


def test_an_error_that_is_told_twice_counts_once():
    run = Run()
    for _ in range(2):
        run.feed(line("diagnostic", diagnostic={"severity": "error", "summary": "no", "detail": "room"}))
    run.feed(line("diagnostic", diagnostic={"severity": "warning", "summary": "old"}))
    assert [error.summary for error in run.errors] == ["no"]
    assert len(run.diagnostics) == 2


def test_lines_that_are_no_json_are_kept_for_the_error_message():
    run = Run()
    for text in ("panic: oh no\n", "\n", "{broken\n", "[1]\n"):
        assert run.feed(text) is None
    assert list(run.tail) == ["panic: oh no", "{broken", "[1]"]


def test_only_the_last_lines_are_kept():
    run = Run()
    for number in range(100):
        run.feed(f"line {number}")
    assert len(run.tail) == 40
    assert run.tail[-1] == "line 99"


@pytest.mark.parametrize("ui", ["1.0", "1.2", "1.99"])
def test_every_minor_version_is_understood(ui):
    assert Run().feed(line("version", ui=ui)) is None


@pytest.mark.parametrize("ui", ["2.0", "0.9", "", "11.0"])
def test_another_major_version_is_refused(ui):
    with pytest.raises(EnvctlError, match=r"envctl understands 1\.x") as caught:
        Run().feed(line("version", ui=ui))
    assert caught.value.code is ExitCode.TERRAFORM


KINDS = st.sampled_from(
    ["diagnostic", "outputs", "planned_change", "apply_start", "apply_complete", "change_summary", "x"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text()
KEYS = st.sampled_from(
    [
        "type",
        "diagnostic",
        "outputs",
        "change",
        "hook",
        "resource",
        "addr",
        "action",
        "elapsed_seconds",
        "value",
        "address",
    ]
)
OBJECTS = st.recursive(
    LEAVES | KINDS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(KINDS, st.dictionaries(KEYS, OBJECTS, max_size=4))
def test_no_json_but_a_version_ever_raises(kind, event):
    Run().feed(json.dumps(event | {"type": kind}))


@given(st.sampled_from(["apply_complete", "apply_progress"]), LEAVES)
def test_seconds_are_always_a_finite_number(kind, elapsed):
    told = Run().feed(hook(kind, elapsed_seconds=elapsed))
    assert told.elapsed_s - told.elapsed_s == 0


@given(st.text())
def test_no_text_ever_raises(text):
    Run().feed(text)


def test_changes_are_true_when_there_are_any():
    assert not Changes()
    assert all((Changes(add=1), Changes(change=1), Changes(replace=1), Changes(destroy=1)))
