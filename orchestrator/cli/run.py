"""From arguments to exit code: every command ends here, and so does every error."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from orchestrator.cli.app import app
from orchestrator.cli.render import tell
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

# typer's own usage errors; where click lives depends on typer's version, this class does not.
_UsageError: Any = typer.BadParameter.__base__


def run(arguments: Sequence[str], at_last: Callable[[], None] = lambda: None) -> int:
    """Run one command line; return the exit code. `at_last` is called when all is over but the saying of an error."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no ✓ shows a ? instead of ending us.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    terminal = Terminal(
        json="--json" in arguments,
        verbose=bool({"-v", "--verbose"} & set(arguments)),
        no_color="--no-color" in arguments,
    )
    command = _command(arguments)
    try:
        result = app(list(arguments), standalone_mode=False, prog_name="envctl")
        return int(result) if isinstance(result, int) else ExitCode.DONE
    except typer.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        at_last()
        return tell(terminal, command, EnvctlError(ExitCode.INTERRUPTED, "Interrupted."))
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help text
            terminal.err(f"{error.format_message()}\n")
            return ExitCode.USAGE
        return tell(terminal, command, _usage(error))
    except EnvctlError as error:
        at_last()
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


def _command(arguments: Sequence[str]) -> str:
    """Return the words that name the command, as a successful run reports them: `up`, `config show`."""
    words = list(itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    groups = {group.name for group in app.registered_groups}
    return " ".join(words[: 2 if words[:1] and words[0] in groups else 1])


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
