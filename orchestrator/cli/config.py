"""`envctl config`: what is configured, whether it is valid, and what may be configured."""

from __future__ import annotations

import json as json_module

import typer

from orchestrator.cli.options import ConfigPath, Json, NoColor, Quiet, Verbose
from orchestrator.cli.terminal import Terminal

config_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Show, validate or describe the configuration."
)


@config_app.command()
def show(
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Print the configuration as it is in force: flags, environment, file and defaults together."""
    from orchestrator.cli import wiring

    terminal = Terminal(json, quiet, verbose, no_color)
    values = wiring.setting(config).config.model_dump(mode="json")
    if json:
        _envelope(terminal, "config show", {"config": values})
        return 0
    for section, keys in values.items():
        terminal.out(f"[{section}]\n")
        for key, value in keys.items():
            # JSON's strings, numbers, booleans and lists are TOML's as well; there is no null in TOML.
            terminal.out(f"# {key} is not set\n" if value is None else f"{_key(key)} = {json_module.dumps(value)}\n")
        terminal.out("\n")
    return 0


@config_app.command()
def validate(
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Check the configuration; every problem is reported at once."""
    from orchestrator.cli import wiring

    terminal = Terminal(json, quiet, verbose, no_color)
    wiring.setting(config)
    if json:
        _envelope(terminal, "config validate", {})
    else:
        terminal.out(f"{terminal.out_style('✓', 'green')} The configuration is valid.\n")
    return 0


@config_app.command()
def schema(
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Print the JSON Schema of envctl.toml."""
    from orchestrator.config import Config

    terminal = Terminal(json, quiet, verbose, no_color)
    described = Config.model_json_schema()
    if json:
        _envelope(terminal, "config schema", {"config_schema": described})
    else:
        terminal.out(json_module.dumps(described, indent=2) + "\n")
    return 0


def _key(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else json_module.dumps(key)


def _envelope(terminal: Terminal, command: str, more: dict[str, object]) -> None:
    from orchestrator import report
    from orchestrator.cli.wiring import utc_now
    from orchestrator.outcome import Outcome

    terminal.out(json_module.dumps(report.envelope(Outcome(command), utc_now()) | more, indent=2) + "\n")
