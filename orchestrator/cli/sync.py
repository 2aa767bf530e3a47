"""`sync` and `comment`: the commands that look at GitHub before they do anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import ConfigPath, Json, NoColor, Pr, Quiet, Verbose, Yes
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

if TYPE_CHECKING:
    from orchestrator.cli.wiring import Setting
    from orchestrator.events import Event
    from orchestrator.github.client import GitHub
    from orchestrator.identity import Environment
    from orchestrator.sync.commands import Means
    from orchestrator.sync.teller import Teller
    from orchestrator.sync.world import World

HEALTH_S = 900.0


def sync(
    pr: Pr = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every environment and every open pull request of the repository.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, and why.")] = False,
    parallel: Annotated[
        int, typer.Option("--parallel", metavar="N", min=1, max=256, help="With --all: how many at once.")
    ] = 4,
    yes: Yes = False,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Make environments follow their pull requests, both as they are now: create, update, destroy, or nothing."""
    from orchestrator.cli import wiring

    terminal = Terminal(json, quiet, verbose, no_color)
    setting = wiring.setting(config)
    if everything and pr is not None:
        raise EnvctlError(ExitCode.USAGE, "--all and --pr exclude each other.", "Leave one of them out.")
    if everything:
        passed = ["--config", config] * (config is not None) + ["--quiet"] * quiet + ["--verbose"] * verbose
        return _all(terminal, setting, yes, dry_run, parallel, [str(word) for word in passed])
    return _one(terminal, setting, wiring.pr_of(pr, setting.environ), yes, dry_run)


def comment(
    yes: Yes = False,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Do what a comment on a pull request asks for; the workflow of `issue_comment` runs it."""
    from orchestrator import github_event
    from orchestrator.cli import wiring
    from orchestrator.cli.progress import shown
    from orchestrator.cli.render import finish
    from orchestrator.outcome import Outcome

    terminal = Terminal(json, quiet, verbose, no_color)
    setting = wiring.setting(config)
    event = github_event.read_comment(setting.environ)
    if event is None:
        return finish(terminal, Outcome("comment", notes=("There is no new comment on a pull request.",)))
    environment = setting.environment(event.pr)
    terminal.say(f"envctl comment {environment.name} ({environment.repository}, {environment.region})")
    terminal.confirm(f"Do what the comment asks of {environment.name}?", yes)
    from orchestrator.sync.commands import obey

    github = wiring.github(setting)
    with shown(terminal) as emit:
        outcome = obey(lambda: _means(terminal, setting, environment, github, emit), github, event)
    return finish(terminal, replace(outcome, command="comment"))


def _one(terminal: Terminal, setting: Setting, number: int, yes: bool, dry_run: bool) -> int:
    from orchestrator.cli import wiring
    from orchestrator.cli.progress import shown
    from orchestrator.cli.render import finish
    from orchestrator.sync import one

    environment = setting.environment(number)
    terminal.say(f"envctl sync {environment.name} ({environment.repository}, {environment.region})")
    if not dry_run:
        terminal.confirm(f"Make {environment.name} in {environment.region} follow its pull request?", yes)
    github = wiring.github(setting)
    with shown(terminal) as emit:
        if dry_run:
            return finish(terminal, one.look(_world(setting, github, emit)[0], environment))
        _approve(setting, github, number)
        world, teller = _world(setting, github, emit)
        outcome = one.sync(world, setting.context(environment, terminal, emit), HEALTH_S)
    return finish(terminal, outcome, told=teller.last)


def _all(terminal: Terminal, setting: Setting, yes: bool, dry_run: bool, parallel: int, passed: list[str]) -> int:
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish
    from orchestrator.events import Notice
    from orchestrator.identity import repository_of
    from orchestrator.interrupts import Interrupts
    from orchestrator.lifecycle import room
    from orchestrator.memory import available_bytes, parallel_bound
    from orchestrator.sync.all import Fleet, sync_all
    from orchestrator.sync.children import Children
    from orchestrator.terraform import modules

    repository = repository_of(setting.config)
    terminal.say(f"envctl sync --all ({repository})")
    if not dry_run:
        terminal.confirm(f"Make every environment of {repository} follow its pull request?", yes)

    def emit(event: Event) -> None:
        if isinstance(event, Notice):
            terminal.say(f"  {event.text}")

    interrupts = Interrupts(terminal.say)
    interrupts.install()
    world, _ = _world(setting, wiring.github(setting), emit)
    children = Children(passed, interrupts, terminal.say)
    at_once = parallel_bound(available_bytes(), parallel)
    if at_once < parallel:
        terminal.say(f"  {at_once} at once, not {parallel}: there is not enough memory for more.")

    def quota() -> Callable[[int], None]:
        region = setting.environment(1).region  # that of all of them
        return room.look(setting.config, world.session, region, modules(setting.root), emit).refuse

    return finish(terminal, sync_all(Fleet(world, setting.environment, children, at_once, quota), dry_run))


def _world(setting: Setting, github: GitHub, emit: Callable[[Event], None]) -> tuple[World, Teller]:
    from orchestrator.cli import wiring
    from orchestrator.schedule import paused_since
    from orchestrator.sync.teller import Teller
    from orchestrator.sync.world import World

    session = setting.session()
    teller = Teller(github, setting.config.github)
    world = World(
        config=setting.config,
        session=session,
        store=setting.store(session),
        github=github,
        announce=teller,
        now=wiring.utc_now,
        emit=emit,
        run_url=_run_url(setting.environ),
        night=partial(paused_since, setting.config.limits.pause_schedule),
    )
    return world, teller


def _means(
    terminal: Terminal, setting: Setting, environment: Environment, github: GitHub, emit: Callable[[Event], None]
) -> Means:
    from orchestrator.sync.commands import Means

    world, _ = _world(setting, github, emit)
    return Means(world, setting.context(environment, terminal, emit), HEALTH_S)


def _approve(setting: Setting, github: GitHub, number: int) -> None:
    """Bind the label that was just added to the very commit that it was added on, if a maintainer did it."""
    from orchestrator import github_event

    event = github_event.read_label(setting.environ)
    if event is None or event.pr != number or event.label != setting.config.github.label:
        return
    if github.may_write(event.sender):
        github.approve(number, event.commit)


def _run_url(environ: Mapping[str, str]) -> str | None:
    server, repository, run = (environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    url = f"{server}/{repository}/actions/runs/{run}"
    return url if re.fullmatch(r"https?://[A-Za-z0-9.:-]+/[\w.-]+/[\w.-]+/actions/runs/[0-9]+", url) else None
