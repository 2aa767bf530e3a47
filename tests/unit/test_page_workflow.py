"""What the runner is told, read back by the rules of the runner itself."""

import re
from dataclasses import replace

import pytest
from builders import NOW, environment, record
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.announcement import Announcement
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes
from orchestrator.outcome import Leftover, Outcome
from orchestrator.page.workflow import ANNOTATIONS, annotate, inert, outputs

DELIMITER = "envctl-0123456789abcdef"
LEFT = tuple(Leftover(f"arn:aws:ec2:::volume/vol-{i}", "ec2:volume", "tagged") for i in range(50))


def failed(message="It failed.", hint="Mend it.", **changes):
    error = EnvctlError(ExitCode.TERRAFORM, message, hint)
    return replace(Outcome("up", environment=environment(), manifest=record(), error=error), **changes)


def understood(line):
    """Return (command, properties, data) as the runner reads a line: None when it is no command."""
    found = re.fullmatch(r"\s*::(?P<name>[^: ]+)(?: (?P<properties>.*?))?::(?P<data>.*)", line, re.DOTALL)
    if not found:
        return None
    pairs = dict(pair.split("=", 1) for pair in (found["properties"] or "").split(",") if "=" in pair)
    return found["name"], {k: unescaped(v, "%3A", "%2C") for k, v in pairs.items()}, unescaped(found["data"])


def unescaped(text, *more):
    for code in ("%0D", "%0A", *more, "%25"):
        text = text.replace(code, chr(int(code[1:], 16)))
    return text


def commands_in(text):
    """Whether the runner finds any command in a stream's text."""
    return [line for line in re.split(r"\r\n|\r|\n", text) if understood(line) or "##[" in line]


def test_an_error_is_one_annotation():
    (line,) = annotate(failed("100% wrong:\nyes, it is", "Mend it."))
    assert "\n" not in line
    assert understood(line) == ("error", {"title": "envctl up shop-pr-42"}, "100% wrong:\nyes, it is\nMend it.")


def test_what_is_left_is_annotated_up_to_ten_in_all():
    lines = annotate(failed(left=LEFT))
    assert len(lines) == ANNOTATIONS
    assert LEFT[0].arn in lines[1]
    assert "42 more" in lines[-1]
    assert len(annotate(failed(left=LEFT[:9]))) == ANNOTATIONS


def test_success_has_none():
    assert annotate(failed(error=None)) == []
    assert annotate(Announcement("ready", environment(), NOW)) == []


def test_an_announcement_of_a_failure_has_one():
    told = Announcement("failed", environment(), NOW, reason="No.", hint="Yes.")
    assert understood(annotate(told)[0]) == ("error", {"title": "shop-pr-42 failed"}, "No.\nYes.")
    assert annotate(replace(told, outcome=failed())) == annotate(failed())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_within_its_annotation(name):
    evil = HOSTILE[name]
    outcome = failed(evil, evil, command=evil, left=(Leftover(evil, evil, evil),))
    for line in annotate(outcome):
        assert not re.search(r"[\r\n]", line)
        command, properties, data = understood(line)
        assert (command, properties.keys()) == ("error", {"title"})
        assert not commands_in(data)


@given(st.text())
def test_any_text_becomes_one_well_formed_line(text):
    (line,) = annotate(failed(text, text))
    assert understood(line)[0] == "error"
    assert not commands_in(understood(line)[2])


PIECES = st.sampled_from(["::", ":", "##[", "error", " ", "\t", "\n", "\r", "\u2028", "x", "]", "\u00a0"])


@given(st.text() | st.lists(PIECES).map("".join))
def test_inert_text_holds_no_command_and_looks_the_same(text):
    made = inert(text)
    assert not commands_in(made)
    assert made.replace("\u200b", "") == text.replace("\u200b", "")


def test_inert_leaves_ordinary_text_alone():
    ordinary = "→ creating arn:aws:iam::123456789012:role/x\n  … a::b\n"
    assert inert(ordinary) == ordinary


# GITHUB_OUTPUT


def parsed(text):
    """Read the file as the runner does."""
    values, lines = {}, iter(text.split("\n"))
    for line in lines:
        if line:
            name, delimiter = line.split("<<", 1)
            values[name] = "\n".join(iter(lines.__next__, delimiter))
    return values


def test_the_outputs_of_an_up():
    found = parsed(outputs(failed(error=None, changes=Changes(add=1)), DELIMITER))
    assert found == {
        "status": "ready",
        "url": "http://shop-pr-42.elb.example",
        "environment": "shop-pr-42",
        "has_changes": "true",
    }


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (failed(), {"status": "failed", "has_changes": ""}),
        (failed(error=None, changes=Changes()), {"status": "ready", "has_changes": "false"}),
        (failed(error=None, status="destroyed"), {"status": "destroyed", "url": ""}),
        (Outcome("plan", environment=environment()), {"status": "", "url": "", "environment": "shop-pr-42"}),
        (Outcome("up", error=EnvctlError(ExitCode.USAGE, "No.")), {"status": "failed", "environment": ""}),
        (failed(manifest=record(status="unhealthy")), {"status": "unhealthy"}),
    ],
)
def test_outputs_are_there_whatever_happened(outcome, expected):
    found = parsed(outputs(outcome, DELIMITER))
    assert found.keys() == {"status", "url", "environment", "has_changes"}
    assert expected.items() <= found.items()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_sets_no_other_output(name):
    outcome = failed(error=None, manifest=record(outputs={"url": f"http://x\n{HOSTILE[name]}\nstatus=ready"}))
    assert parsed(outputs(outcome, DELIMITER)).keys() == {"status", "url", "environment", "has_changes"}
