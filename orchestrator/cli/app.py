"""The commands and their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from orchestrator import __version__
from orchestrator.cli.bootstrap import bootstrap
from orchestrator.cli.config import config_app
from orchestrator.cli.init import init
from orchestrator.cli.options import (
    Commit,
    ConfigPath,
    Json,
    NoColor,
    NoWait,
    Pr,
    Quiet,
    Snapshot,
    Timeout,
    Verbose,
    Yes,
)
from orchestrator.cli.publisher import publisher_app
from orchestrator.cli.sandbox import sandbox_app
from orchestrator.cli.sync import comment, sync
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

if TYPE_CHECKING:
    from datetime import timedelta

    from orchestrator.cli.wiring import Setting
    from orchestrator.identity import Environment
    from orchestrator.lifecycle.context import Context
    from orchestrator.outcome import Outcome


class _Commands(TyperGroup):
    """All commands. An interrupt is told as every other error is: typer would end with 130 and not a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise EnvctlError(ExitCode.INTERRUPTED, "Interrupted.") from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich's help costs as much as everything else together
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A production-like AWS environment for every pull request.",
)
app.command()(sync)
app.command()(comment)
app.command()(bootstrap)
app.add_typer(config_app, name="config")
app.add_typer(publisher_app, name="publisher")
app.add_typer(sandbox_app, name="sandbox")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"envctl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def plan(
    pr: Pr = None,
    commit: Commit = None,
    snapshot: Snapshot = None,
    fail_on_changes: Annotated[bool, typer.Option("--fail-on-changes", help="Exit 10 when there are changes.")] = False,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Show what `up` would do; changes nothing, takes no lock."""
    from orchestrator.cli import wiring

    terminal = Terminal(json, quiet, verbose, no_color)

    def work(context: Context, setting: Setting) -> Outcome:
        from orchestrator.lifecycle.plan import plan

        sha = wiring.commit_of(commit, setting.environ, setting.directory)
        return plan(context, sha, _wanted(snapshot), fail_on_changes)

    return _long(terminal, config, pr, "plan", work)


@app.command()
def up(
    pr: Pr = None,
    commit: Commit = None,
    snapshot: Snapshot = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    timeout: Timeout = "15m",
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Create the environment, or make it follow the configuration and the commit."""
    from orchestrator.cli import wiring

    terminal = Terminal(json, quiet, verbose, no_color)
    wait_s = None if no_wait else _duration("--timeout", timeout).total_seconds()

    def work(context: Context, setting: Setting) -> Outcome:
        from orchestrator.lifecycle.up import UpOptions, up

        sha = wiring.commit_of(commit, setting.environ, setting.directory)
        return up(context, UpOptions(sha, _wanted(snapshot), wait_s))

    return _long(terminal, config, pr, "up", work, ask=None if yes else "Bring up {name} in {region}?")


@app.command("refresh-data")
def refresh_data(
    pr: Pr = None,
    snapshot: Snapshot = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    timeout: Timeout = "15m",
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Replace the database, and nothing else, with one from the newest snapshot."""
    from orchestrator.cli import wiring

    terminal = Terminal(json, quiet, verbose, no_color)
    wait_s = None if no_wait else _duration("--timeout", timeout).total_seconds()
    setting = wiring.setting(config)
    environment = setting.environment(wiring.pr_of(pr, setting.environ))
    terminal.say(f"envctl refresh-data {environment.name} ({environment.repository}, {environment.region})")
    from orchestrator.lifecycle.refresh import refresh, survey

    found = survey(setting.records(), environment, _wanted(snapshot))
    if found.due:
        terminal.say(found.describe(wiring.utc_now()))
        terminal.confirm(f"Replace the database of {environment.name} and everything in it?", yes)
    return _run(terminal, setting, environment, lambda context: refresh(context, found, wait_s))


@app.command()
def pause(
    pr: Pr = None,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Stop what bills by the hour; data and URL stay, `resume` or a push brings it back."""
    terminal = Terminal(json, quiet, verbose, no_color)

    def work(context: Context, setting: Setting) -> Outcome:
        from orchestrator.lifecycle.pause import pause

        return pause(context, "person")

    return _long(terminal, config, pr, "pause", work)


@app.command()
def resume(
    pr: Pr = None,
    no_wait: NoWait = False,
    timeout: Timeout = "15m",
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Start a paused environment again, as it was, and wait until it is healthy."""
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish

    terminal = Terminal(json, quiet, verbose, no_color)
    wait_s = None if no_wait else _duration("--timeout", timeout).total_seconds()
    setting = wiring.setting(config)
    environment = setting.environment(wiring.pr_of(pr, setting.environ))
    terminal.say(f"envctl resume {environment.name} ({environment.repository}, {environment.region})")
    from orchestrator.lifecycle import records
    from orchestrator.lifecycle.up import UpOptions, up

    running = records.not_paused(setting.records(), environment)
    if running is not None:
        return finish(terminal, running)
    return _run(terminal, setting, environment, lambda context: up(context, UpOptions(wait_s=wait_s, kind="resume")))


@app.command()
def destroy(
    pr: Pr = None,
    yes: Yes = False,
    no_sweep: Annotated[
        bool, typer.Option("--no-sweep", help="Delete nothing that Terraform does not know of; only name it.")
    ] = False,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Take the environment away, its data included, and prove that nothing is left."""

    terminal = Terminal(json, quiet, verbose, no_color)

    def work(context: Context, setting: Setting) -> Outcome:
        from orchestrator.lifecycle.destroy import destroy

        return destroy(context, sweep=not no_sweep)

    ask = None if yes else "Destroy {name} in {region}, with its data?"
    return _long(terminal, config, pr, "destroy", work, ask=ask)


@app.command()
def show(
    pr: Pr = None,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Show one environment: status, URL, snapshot, expiry, lock."""
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish

    terminal = Terminal(json, quiet, verbose, no_color)
    setting = wiring.setting(config)
    environment = setting.environment(wiring.pr_of(pr, setting.environ))
    from orchestrator.lifecycle import records

    return finish(terminal, records.show(setting.records(), environment))


@app.command()
def outputs(
    pr: Pr = None,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Print the outputs of the last apply, one `name = value` a line."""
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish

    terminal = Terminal(json, quiet, verbose, no_color)
    setting = wiring.setting(config)
    environment = setting.environment(wiring.pr_of(pr, setting.environ))
    from orchestrator.lifecycle import records

    return finish(terminal, records.outputs(setting.records(), environment))


@app.command("list")
def list_environments(
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """List every environment of the repository."""
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish

    terminal = Terminal(json, quiet, verbose, no_color)
    setting = wiring.setting(config)
    from orchestrator.lifecycle import records

    return finish(terminal, records.list_all(setting.records()))


@app.command()
def extend(
    by: Annotated[
        str | None,
        typer.Argument(metavar="[TIME]", help="How long from now, as in 24h; default: limits.ttl."),
    ] = None,
    pr: Pr = None,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Let an environment live longer."""
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish

    terminal = Terminal(json, quiet, verbose, no_color)
    duration = _duration("TIME", by) if by is not None else None
    setting = wiring.setting(config)
    environment = setting.environment(wiring.pr_of(pr, setting.environ))
    from orchestrator.lifecycle import records

    return finish(terminal, records.extend(setting.records(), environment, duration or setting.config.limits.ttl))


@app.command()
def unlock(
    pr: Pr = None,
    yes: Yes = False,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Remove the lock of a run that is certainly dead."""
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish

    terminal = Terminal(json, quiet, verbose, no_color)
    setting = wiring.setting(config)
    environment = setting.environment(wiring.pr_of(pr, setting.environ))
    from orchestrator.lifecycle import records

    found = records.lock_of(setting.records(), environment)
    if found is not None:
        terminal.say(f"{environment.name} is locked {found.describe()}.")
        terminal.confirm("Is that run certainly dead?", yes)
    return finish(terminal, records.unlock(setting.records(), environment, found))


@app.command()
def doctor(
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Check everything that `up` needs, without changing anything."""
    from orchestrator import toolchain
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish

    terminal = Terminal(json, quiet, verbose, no_color)
    setting = wiring.setting(config)
    terminal.say("envctl doctor: looking at the toolchain and the account")
    from orchestrator.lifecycle.doctor import doctor

    session = setting.session()
    outcome = doctor(
        setting.config,
        setting.root,
        lambda: toolchain.find(setting.environ),
        setting.providers,
        session,
        setting.store(session),
        wiring.utc_now,
    )
    return finish(terminal, outcome)


app.command()(init)


def _long(
    terminal: Terminal,
    config: str | None,
    pr: str | None,
    command: str,
    work: Callable[[Context, Setting], Outcome],
    ask: str | None = None,
) -> int:
    """Run one of the operations that take minutes, with its display."""
    from orchestrator.cli import wiring

    setting = wiring.setting(config)
    environment = setting.environment(wiring.pr_of(pr, setting.environ))
    # Before anything slow: no network, no boto3.
    terminal.say(f"envctl {command} {environment.name} ({environment.repository}, {environment.region})")
    if ask is not None:
        terminal.confirm(ask.format(name=environment.name, region=environment.region), yes=False)
    return _run(terminal, setting, environment, lambda context: work(context, setting))


def _run(terminal: Terminal, setting: Setting, environment: Environment, work: Callable[[Context], Outcome]) -> int:
    """Do the work with its display, and print what came of it."""
    from orchestrator.cli.progress import shown
    from orchestrator.cli.render import finish

    with shown(terminal) as emit:
        outcome = work(setting.context(environment, terminal, emit))
    return finish(terminal, outcome)


def _duration(option: str, text: str) -> timedelta:
    from orchestrator import durations

    try:
        return durations.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _wanted(snapshot: str | None) -> str | None:
    return None if snapshot == "latest" else snapshot
