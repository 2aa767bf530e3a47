"""What a GitHub Actions run is told besides its log: annotations, outputs, and text that commands nothing. Pure.

The forms are those of the runner (actions/runner, ActionCommand.cs): it reads stdout and stderr alike, takes a
line that begins with `::name` as a command, and, in its older form, `##[name]` anywhere in a line.
"""

from __future__ import annotations

import re

from orchestrator.announcement import Announcement
from orchestrator.errors import EnvctlError
from orchestrator.outcome import Leftover, Outcome
from orchestrator.page.markdown import clean

# GitHub shows ten annotations of a kind for a step.
ANNOTATIONS = 10
_LONGEST = 4000
_BEGINNING = re.compile(r"(^|[\r\n\x85\u2028\u2029])(\s*):(?=:)")
_ZERO_WIDTH = "\u200b"


def annotate(told: Announcement | Outcome) -> list[str]:
    """Return workflow commands, one a line, for what went wrong: the error first, then what is left."""
    outcome = told.outcome if isinstance(told, Announcement) else told
    if outcome is None:
        if isinstance(told, Announcement) and told.state in ("failed", "unhealthy"):
            return [_command("error", f"{told.environment.name} {told.state}", f"{told.reason}\n{told.hint}")]
        return []
    lines = [_of_error(outcome, outcome.error)] if outcome.error else []
    lines += [_of_leftover(item) for item in outcome.left or ()]
    if len(lines) <= ANNOTATIONS:
        return lines
    more = len(lines) - ANNOTATIONS + 1
    return [*lines[: ANNOTATIONS - 1], _command("error", "Left in the account", f"{more} more: see the job's summary.")]


def outputs(outcome: Outcome, delimiter: str) -> str:
    """Return what is appended to GITHUB_OUTPUT; `delimiter` must be one that nobody can guess."""
    record, status = outcome.manifest, status_of(outcome)
    values = {
        "status": status or "",
        "url": (record.url if record and status != "destroyed" else None) or "",
        "environment": outcome.environment.name if outcome.environment else "",
        "has_changes": "" if outcome.changes is None else str(bool(outcome.changes)).lower(),
    }
    return "".join(f"{name}<<{delimiter}\n{clean(value)}\n{delimiter}\n" for name, value in values.items())


def status_of(outcome: Outcome) -> str | None:
    """Return the status that a command ended in: an error is never called by what was there before it."""
    status = outcome.status or (outcome.manifest.status if outcome.manifest else None)
    return "failed" if outcome.error and status != "unhealthy" else status


def inert(text: str) -> str:
    """Return `text` so that the runner finds no command in it; it looks the same."""
    return _BEGINNING.sub(rf"\1\2:{_ZERO_WIDTH}", text).replace("##[", f"##{_ZERO_WIDTH}[")


def _of_error(outcome: Outcome, error: EnvctlError) -> str:
    name = outcome.environment.name if outcome.environment else ""
    where = f"\n{error.address}" if error.address and error.address not in error.message else ""
    hint = f"\n{error.hint}" if error.hint else ""
    return _command("error", f"envctl {outcome.command} {name}".rstrip(), f"{error.message}{where}{hint}")


def _of_leftover(item: Leftover) -> str:
    return _command("error", "Left in the account", f"{item.arn} ({item.why})")


def _command(name: str, title: str, text: str) -> str:
    body = "\n".join(clean(line, _LONGEST) for line in text.splitlines())[:_LONGEST]
    return f"::{name} title={_property(clean(title, 200))}::{_data(inert(body))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(inert(text)).replace(":", "%3A").replace(",", "%2C")
