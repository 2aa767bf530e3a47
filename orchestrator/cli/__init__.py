"""The edge: parse, wire, render, exit. Only here is anything printed."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process."""
    from orchestrator.cli.run import run

    sys.exit(run(sys.argv[1:]))
