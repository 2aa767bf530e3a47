"""Whatever Terraform prints: a folded run, or the one error about the version of its stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from builders import attempt
from hypothesis import given
from hypothesis import strategies as st
from material import DEEP, JSON, TEXT, damaged, examples

from orchestrator.cli.progress import Tally, _line
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Run
from orchestrator.lifecycle import policy
from orchestrator.terraform import failure

STREAMS = Path(__file__).parents[1] / "unit" / "streams"
LINES = [line for file in sorted(STREAMS.glob("*.jsonl")) for line in file.read_text().splitlines() if line]
OBJECTS = [json.loads(line) for line in LINES if line.startswith("{")]
KINDS = st.sampled_from(sorted({each.get("type", "") for each in OBJECTS}))


@st.composite
def events(draw: st.DrawFn) -> str:
    """A line as Terraform printed it, with something wrong in it."""
    return json.dumps(draw(damaged(draw(st.sampled_from(OBJECTS)))))


@st.composite
def invented(draw: st.DrawFn) -> str:
    """An event of a known type with anything in it."""
    parts = st.sampled_from(["hook", "change", "changes", "diagnostic", "outputs", "ui", "terraform", "tofu"])
    return json.dumps({"type": draw(KINDS), **draw(st.dictionaries(parts, JSON, max_size=4))})


STREAM = st.lists(st.one_of(TEXT, events(), invented(), st.sampled_from(LINES), DEEP), max_size=12)


def fold(lines: list[str]) -> Run | EnvctlError:
    run, tally = Run(), Tally(lambda: 0.0)
    for line in lines:
        event = attempt(run.feed, line)
        if isinstance(event, EnvctlError):
            assert event.code is ExitCode.TERRAFORM
            assert "version" in event.message
            return event
        if event is not None:
            tally.feed(event)
            _line(event, True)
            tally.heartbeat()
    return run


@examples(2)
@given(STREAM, st.integers(-15, 255), st.sampled_from(["init", "plan", "apply", "destroy"]), st.booleans())
def test_any_stream(lines: list[str], code: int, command: str, interrupted: bool) -> None:
    run = fold(lines)
    if isinstance(run, EnvctlError):
        return
    run.exit_code, run.interrupted = code, interrupted
    error = failure(run, command)
    assert error.message
    assert error.hint
    assert error.code in (ExitCode.INTERRUPTED, ExitCode.LOCKED, ExitCode.CREDENTIALS, ExitCode.TERRAFORM)
    attempt(policy.refuse_replaced_database, run.planned)
    json.dumps(run.outputs)
    assert run.changes.add >= 0


@examples()
@given(events())
def test_an_event_with_something_wrong(line: str) -> None:
    fold([line])


@examples()
@given(invented())
def test_an_event_of_a_known_type_with_anything_in_it(line: str) -> None:
    fold([line])


@examples()
@given(st.text(max_size=300))
def test_any_line(line: str) -> None:
    fold([line])


@examples()
@given(st.dictionaries(TEXT, st.fixed_dictionaries({}, optional={"sensitive": JSON, "value": JSON, "action": JSON})))
def test_no_sensitive_output_is_kept(outputs: dict[str, Any]) -> None:
    run = fold([json.dumps({"type": "outputs", "outputs": outputs})])
    assert isinstance(run, Run)
    for name, output in outputs.items():
        if output.get("sensitive"):
            assert name not in run.outputs
