"""docs/operations.md quotes what envctl prints: each message is produced here, and each that is quoted is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import operations_github
import operations_refusals
import operations_runs
import pytest
from operations_stage import Stage
from world import Account, Envctl, FakeTerraform

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(?P<message>[^`]+)` \| (?P<code>\d+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def quoted() -> dict[str, int]:
    """The messages of the page with their exit codes."""
    return {row["message"]: int(row["code"]) for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}


SITUATIONS = {**operations_runs.SITUATIONS, **operations_refusals.SITUATIONS, **operations_github.SITUATIONS}


def pattern(message: str) -> re.Pattern[str]:
    return re.compile(".+?".join(re.escape(part) for part in message.split("…")), re.DOTALL)


def of(beginning: str) -> str:
    """The message of the page that is this, or the one that begins so."""
    (found,) = [beginning] if beginning in quoted() else [each for each in quoted() if each.startswith(beginning)]
    return found


@pytest.fixture
def stage(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    made = Stage(envctl, account, terraform, monkeypatch)
    yield made
    made.end()


@pytest.mark.parametrize("beginning", SITUATIONS)
def test_what_the_page_quotes_is_what_is_said(stage: Stage, beginning: str) -> None:
    message = of(beginning)
    result = SITUATIONS[beginning](stage)
    said = result.err + result.out
    assert pattern(message).search(said), said
    assert result.code == quoted()[message], said


def test_nothing_is_quoted_that_no_test_produces() -> None:
    assert set(quoted()) == {of(beginning) for beginning in SITUATIONS}


def test_every_row_of_the_page_is_read() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(quoted()) == len(SITUATIONS)
