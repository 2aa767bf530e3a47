"""From arguments to exit code: every command ends here, and so does every error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from orchestrator.cli.app import app
from orchestrator.cli.render import tell
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

# typer's own usage errors; where click lives depends on typer's version, this class does not.
_UsageError: Any = typer.BadParameter.__base__


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no ✓ shows a ? instead of ending us.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    terminal = Terminal(json="--json" in arguments, verbose=bool({"-v", "--verbose"} & set(arguments)))
    command = next((word for word in arguments if not word.startswith("-")), "")
    try:
        result = app(list(arguments), standalone_mode=False, prog_name="envctl")
        return int(result) if isinstance(result, int) else ExitCode.DONE
    except typer.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return tell(terminal, command, EnvctlError(ExitCode.INTERRUPTED, "Interrupted."))
    except _UsageError as error:
        return tell(terminal, command, _usage(error))
    except EnvctlError as error:
        return tell(terminal, command, error)
    except BrokenPipeError:
        # Whoever read stdout has gone; closing it again at exit must not complain.
        sys.stdout = None
        return ExitCode.UNEXPECTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug is told, not thrown
        if terminal.verbose:
            import traceback

            terminal.err(traceback.format_exc())
        return tell(terminal, command, _bug(error))


def _usage(error: Any) -> EnvctlError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "envctl"
    return EnvctlError(ExitCode.USAGE, error.format_message(), f"See `{path} --help`.")


def _bug(error: Exception) -> EnvctlError:
    return EnvctlError(
        ExitCode.UNEXPECTED,
        f"This is a bug in envctl: {type(error).__name__}: {error}",
        "Run it again with -v and report what it prints.",
    )
