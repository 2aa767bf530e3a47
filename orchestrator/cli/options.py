"""The options that several commands share, each written once."""

from __future__ import annotations

from typing import Annotated

import typer

Pr = Annotated[
    str | None,
    typer.Option("--pr", metavar="N", help="Pull request; default: the GitHub event's, then ENVCTL_PR."),
]
ConfigPath = Annotated[
    str | None,
    typer.Option("--config", "-c", metavar="PATH", help="Configuration; default: ENVCTL_CONFIG, envctl.toml."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every resource, and tracebacks of bugs.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Commit = Annotated[
    str | None,
    typer.Option("--commit", metavar="SHA", help="Commit; default: the GitHub event's head, then HEAD."),
]
Snapshot = Annotated[
    str | None, typer.Option("--snapshot", metavar="ID", help="A snapshot's id or ARN; default: latest.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until it is healthy.")]
Timeout = Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long to wait for health.")]
