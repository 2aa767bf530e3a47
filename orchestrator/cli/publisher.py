"""`envctl publisher`: production's side, a Lambda function that announces the newest snapshot."""

from __future__ import annotations

import hashlib
import json as json_module
import os
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import Json, NoColor, Quiet, Verbose
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

publisher_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Production's side: announces its newest snapshot."
)


@publisher_app.callback()
def publisher() -> None:
    """Keeps `build` a command of its own: typer would take it for the whole group."""


@publisher_app.command()
def build(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="Where to; default: publisher.zip.")] = "publisher.zip",
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Pack the function that terraform/production applies; the same source gives the same bytes."""
    from orchestrator.publisher import package

    terminal = Terminal(json, quiet, verbose, no_color)
    content, target = package.build(), Path(path)
    digest = hashlib.sha256(content).hexdigest()
    partial = target.parent / f"{target.name}.{os.getpid()}"
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise EnvctlError(
            ExitCode.USAGE, f"{path!r} cannot be written: {error.strerror}.", "Name another place."
        ) from None
    if json:
        from orchestrator import report
        from orchestrator.cli.wiring import utc_now
        from orchestrator.outcome import Outcome

        told = {"path": str(target), "sha256": digest, "bytes": len(content)}
        body = {**report.envelope(Outcome("publisher build"), utc_now()), "package": told}
        terminal.out(json_module.dumps(body, indent=2) + "\n")
    else:
        terminal.out(f"{target}  {len(content)} bytes  sha256 {digest}\n")
    return 0
