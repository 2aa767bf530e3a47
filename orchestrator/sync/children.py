"""One process for each environment of a `sync --all`: a signal, a crash or a leak of one is its own.

It starts this program itself, never Terraform. A signal that reaches this process is passed on to each
child once; what the child does with it is what it does when it is alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, get_args

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import Environment
from orchestrator.interrupts import Interrupts
from orchestrator.manifest import Status
from orchestrator.outcome import Decided

_CODES = {code.value: code for code in ExitCode}


class Children:
    """Runs `envctl sync --pr N` for one environment after the other, or several at once from threads."""

    def __init__(self, options: Sequence[str], interrupts: Interrupts, say: Callable[[str], None]) -> None:
        self._options = tuple(options)
        self._interrupts = interrupts
        self._say = say

    def __call__(self, environment: Environment) -> Decided:
        """Sync one environment; how it ended is in the answer, whatever happens to the process."""
        if self._interrupts.received:
            return Decided(environment, "wait", "Interrupted before its turn.", exit_code=ExitCode.INTERRUPTED)
        command = [sys.executable, "-m", "orchestrator", "sync", "--pr", str(environment.pr), "--json", "--yes"]

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen(
                [*command, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # a terminal's Ctrl-C reaches it through here only
            )

        with self._interrupts.child(start) as process:
            out = self._listen(process, environment)
        return read(environment, out, process.returncode)

    def _listen(self, process: subprocess.Popen[str], environment: Environment) -> str:
        """Pass on what it says, each line with its name, and return its one JSON object."""
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - they are pipes
        said: IO[str] = process.stderr

        def hear() -> None:
            for line in said:
                self._say(f"{environment.name}: {line.rstrip()}")

        hearer = threading.Thread(target=hear, daemon=True)
        hearer.start()
        answer = process.stdout.read()
        process.wait()
        hearer.join()
        return answer


def read(environment: Environment, out: str, returned: int) -> Decided:
    """Return what the child decided and how it ended, from what it printed and its exit code."""
    code = _CODES.get(returned, ExitCode.INTERRUPTED if returned < 0 else ExitCode.UNEXPECTED)
    try:
        said = json.loads(out)
        (decision,) = said.get("decisions") or ({"action": "refuse", "reason": "", "hint": ""},)
        error = said["error"] or {}
        found = EnvctlError(
            code, str(error.get("message", decision["reason"])), str(error.get("hint", decision["hint"]))
        )
        status = (said["environment"] or {}).get("status")
        known = status if status in get_args(Status) else None
        return Decided(environment, str(decision["action"]), found.message, found.hint, None, known, code)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        reason = f"Its run ended with {returned} and without a word."
        return Decided(environment, "refuse", reason, "Its output above may say more.", exit_code=code)
