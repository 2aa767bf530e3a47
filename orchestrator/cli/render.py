"""Outcomes and errors on the two streams."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError

if TYPE_CHECKING:
    from orchestrator.announcement import Announcement
    from orchestrator.outcome import Outcome


def tell(terminal: Terminal, command: str, error: EnvctlError) -> int:
    """Print an error that ended a command; return the exit code."""
    from orchestrator.outcome import Outcome

    return finish(terminal, Outcome(command, error=error, exit_code=error.code), bare=True)


def finish(terminal: Terminal, outcome: Outcome, bare: bool = False, told: Announcement | None = None) -> int:
    """Print an outcome, data to stdout and its error to stderr; return the exit code.

    `bare` is for an outcome that holds nothing but an error; `told` is what a pull request was told of it.
    """
    from orchestrator import report
    from orchestrator.cli.actions import tell_runner
    from orchestrator.cli.wiring import utc_now

    now = utc_now()
    if terminal.json:
        terminal.out(json.dumps(report.envelope(outcome, now), indent=2) + "\n")
    elif not bare:
        terminal.out(report.text(outcome, now, terminal.out_style))
    if outcome.error:
        terminal.err(report.failure(outcome.error, terminal.err_style))
    tell_runner(terminal, outcome, os.environ, now, told)
    return int(outcome.exit_code)
