"""The edge: parse, wire, render, exit. Only here is anything printed."""

from __future__ import annotations

import gc
import os
import signal
import sys

# Importing boto3 and pydantic makes a hundred thousand objects and no garbage: with Python's own 700,
# looking for it takes as long as the imports.
gc.set_threshold(100_000)


def _deafen() -> None:
    """Hear no signal any more: all is unwound, and a second Ctrl-C would only end the sentence that says so."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main() -> None:
    """Run the command line of this process, and end it."""
    from orchestrator.cli.run import run

    code = run(sys.argv[1:], _deafen)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    # All files are written and all children waited for; taking the modules apart one by one is of no use.
    os._exit(code)
