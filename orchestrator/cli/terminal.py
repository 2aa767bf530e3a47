"""The two streams, colours, and the one question: data goes to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from orchestrator.errors import EnvctlError, ExitCode

_SGR = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True)
class Terminal:
    """How to talk to whoever started us."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False

    def out(self, text: str) -> None:
        # On a runner, `##[` would be a command even within a JSON string.
        sys.stdout.write(text.replace("##[", "##\\u005b") if self.json and _on_a_runner() else _inert(text))
        sys.stdout.flush()

    def err(self, text: str) -> None:
        sys.stderr.write(_inert(text))
        sys.stderr.flush()

    def command(self, line: str) -> None:
        """Give the runner a workflow command. It reads both streams; stdout belongs to the data."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def say(self, text: str) -> None:
        """Tell on stderr, unless asked to be quiet."""
        if not self.quiet:
            self.err(f"{text}\n")

    def out_style(self, text: str, colour: str) -> str:
        return self._style(text, colour, sys.stdout.isatty())

    def err_style(self, text: str, colour: str) -> str:
        return self._style(text, colour, sys.stderr.isatty())

    @property
    def live(self) -> bool:
        """Whether a view that redraws itself can be shown."""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and "CI" not in os.environ

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer."""
        return sys.stdin.isatty() and sys.stderr.isatty() and "CI" not in os.environ

    def ask(self, question: str, default: str | None = None) -> str:
        """Return a person's answer, without the space around it; `default` for an empty one.

        Raises EnvctlError (usage) at the end of the input.
        """
        self.err(f"{question} [{default}]: " if default else f"{question}: ")
        line = sys.stdin.readline()
        if not line:
            raise EnvctlError(ExitCode.USAGE, "The input ended before everything was answered.", "Nothing was done.")
        return line.strip() or default or ""

    def confirm(self, question: str, yes: bool) -> None:
        """Ask unless `yes`. Raises EnvctlError (usage) where nobody can answer, or when the answer is no."""
        if yes:
            return
        if not self.interactive:
            raise EnvctlError(ExitCode.USAGE, "There is nobody to ask here.", "Add --yes to go ahead.")
        self.err(f"{question} [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise EnvctlError(ExitCode.USAGE, "Nothing was done.", "Answer y, or add --yes, to go ahead.")

    def _style(self, text: str, colour: str, tty: bool) -> str:
        if not tty or self.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return text
        return f"\x1b[{_SGR[colour]}m{text}\x1b[0m"


def _on_a_runner() -> bool:
    return "GITHUB_ACTIONS" in os.environ


def _inert(text: str) -> str:
    """Return `text` so that nothing in it is a command to the GitHub Actions runner that shows it."""
    if not _on_a_runner():
        return text
    from orchestrator.page.workflow import inert

    return inert(text)
