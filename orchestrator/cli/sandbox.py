"""`envctl sandbox`: a local AWS to try everything on."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestrator.cli.options import Json, NoColor, Quiet, Verbose
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

if TYPE_CHECKING:
    from orchestrator.sandbox.control import Sandbox

sandbox_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A local AWS with a small production account, to try everything on.",
)


@sandbox_app.command()
def start(json: Json = False, quiet: Quiet = False, verbose: Verbose = False, no_color: NoColor = False) -> int:
    """Start the local AWS on a free loopback port, and its production account in it."""
    from orchestrator.sandbox import control

    terminal = Terminal(json, quiet, verbose, no_color)
    sandbox = control.start(_directory(), echo=terminal.say)
    _tell(terminal, "sandbox start", sandbox, f"Running at {sandbox.endpoint} (pid {sandbox.pid}).")
    terminal.say('Use it with: eval "$(envctl sandbox env)"')
    return 0


@sandbox_app.command()
def stop(json: Json = False, quiet: Quiet = False, verbose: Verbose = False, no_color: NoColor = False) -> int:
    """End the local AWS and everything in it."""
    from orchestrator.sandbox import control

    terminal = Terminal(json, quiet, verbose, no_color)
    sandbox = control.stop(_directory())
    _tell(terminal, "sandbox stop", sandbox, "Stopped." if sandbox else "None was running.")
    return 0


@sandbox_app.command()
def env(json: Json = False, quiet: Quiet = False, verbose: Verbose = False, no_color: NoColor = False) -> int:
    """Print what to export: eval "$(envctl sandbox env)"."""
    from orchestrator.sandbox import control

    terminal = Terminal(json, quiet, verbose, no_color)
    sandbox = _running()
    _tell(terminal, "sandbox env", sandbox, control.shell(sandbox))
    return 0


@sandbox_app.command()
def seed(json: Json = False, quiet: Quiet = False, verbose: Verbose = False, no_color: NoColor = False) -> int:
    """Let production make one more automated snapshot."""
    from orchestrator.cli.wiring import utc_now
    from orchestrator.sandbox.seed import seed

    terminal = Terminal(json, quiet, verbose, no_color)
    sandbox = _running()
    newest = seed(sandbox.endpoint, utc_now())
    _tell(terminal, "sandbox seed", sandbox, f"Production's newest snapshot is {newest}.")
    return 0


def _directory() -> Path:
    return Path.cwd() / ".envctl"


def _running() -> Sandbox:
    from orchestrator.sandbox import control

    sandbox = control.find(_directory())
    if sandbox is None:
        raise EnvctlError(ExitCode.USAGE, "No sandbox runs here.", "Start one with `envctl sandbox start`.")
    return sandbox


def _tell(terminal: Terminal, command: str, sandbox: Sandbox | None, text: str) -> None:
    if not terminal.json:
        terminal.out(f"{text}\n")
        return
    from orchestrator import report
    from orchestrator.cli.wiring import utc_now
    from orchestrator.outcome import Outcome
    from orchestrator.sandbox import control

    found = None
    if sandbox:
        found = {
            "pid": sandbox.pid,
            "endpoint": sandbox.endpoint,
            "environment": control.environment(sandbox),
        }
    body = report.envelope(Outcome(command), utc_now()) | {"sandbox": found}
    terminal.out(json_module.dumps(body, indent=2) + "\n")
