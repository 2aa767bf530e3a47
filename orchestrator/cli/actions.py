"""What a GitHub Actions run is told of a command: outputs, the job's summary and annotations.

Outputs and summary are appended to the files that the runner names. Annotations go to stderr: the runner reads
its commands from both streams, and stdout belongs to the data. Telling never fails a command.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.terminal import Terminal

if TYPE_CHECKING:
    from orchestrator.announcement import Announcement
    from orchestrator.outcome import Outcome

COMMANDS = ("plan", "up", "destroy", "sync", "refresh-data", "pause", "resume")


def tell_runner(
    terminal: Terminal, outcome: Outcome, environ: Mapping[str, str], now: datetime, told: Announcement | None = None
) -> None:
    """Tell the runner that started us, if one did, what a command came to.

    `told` is what the pull request was told last, where it was: the job's summary says the same.
    """
    if outcome.command not in COMMANDS:
        return
    try:
        _tell(terminal, outcome, environ, now, told)
    except Exception as error:  # noqa: BLE001 - what was done is done, whether or not it can be told
        terminal.err(f"The run's page could not be written: {type(error).__name__}: {error}.\n")


def _tell(
    terminal: Terminal, outcome: Outcome, environ: Mapping[str, str], now: datetime, told: Announcement | None
) -> None:
    if environ.get("GITHUB_OUTPUT"):
        from orchestrator.page import workflow

        _append(terminal, "GITHUB_OUTPUT", environ, workflow.outputs(outcome, f"envctl-{secrets.token_hex(16)}"))
    if environ.get("GITHUB_STEP_SUMMARY"):
        from orchestrator.page import body

        room = body.SUMMARY_BYTES - _size(environ["GITHUB_STEP_SUMMARY"])
        if room >= body.AROUND_BYTES:  # one that is too long, GitHub shows nothing of
            text = body.summary(told, room) if told else body.summary_of(outcome, now, room)
            _append(terminal, "GITHUB_STEP_SUMMARY", environ, text)
        else:
            terminal.err("The job's summary is full: nothing was added to it.\n")
    if environ.get("GITHUB_ACTIONS"):
        from orchestrator.page import workflow

        for line in workflow.annotate(outcome):
            terminal.command(line)


def _append(terminal: Terminal, variable: str, environ: Mapping[str, str], text: str) -> None:
    try:
        with Path(environ[variable]).open("ab") as file:
            file.write(text.encode(errors="replace"))
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        terminal.err(f"The file that {variable} names cannot be written: {error}.\n")


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0
