"""`envctl bootstrap`: what an account needs once. Shows the plan, asks, applies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import ConfigPath, Json, NoColor, Quiet, Verbose, Yes
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

if TYPE_CHECKING:
    from orchestrator.cli.wiring import Setting
    from orchestrator.events import Event
    from orchestrator.lifecycle.bootstrap import Bootstrap, Trusted
    from orchestrator.outcome import Outcome


def bootstrap(
    project: Annotated[str | None, typer.Option("--project", metavar="NAME", help="Default: project.name.")] = None,
    repository: Annotated[
        str | None, typer.Option("--repository", metavar="OWNER/NAME", help="Default: project.repository.")
    ] = None,
    bucket: Annotated[str | None, typer.Option("--bucket", metavar="NAME", help="Default: state.bucket.")] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="ID", help="Default: database.source.")] = None,
    owner_id: Annotated[
        str | None, typer.Option("--owner-id", metavar="N", help="GitHub's number of the repository's owner.")
    ] = None,
    repository_id: Annotated[
        str | None, typer.Option("--repository-id", metavar="N", help="GitHub's number of the repository.")
    ] = None,
    default_branch: Annotated[
        str, typer.Option("--default-branch", metavar="NAME", help="Branch whose workflows are trusted.")
    ] = "main",
    kms_key: Annotated[
        list[str] | None, typer.Option("--kms-key", metavar="ARN", help="Key of production's snapshots; repeatable.")
    ] = None,
    root: Annotated[
        str | None, typer.Option("--root", metavar="PATH", help="Default: envctl's own terraform/bootstrap.")
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show the plan and change nothing.")] = False,
    yes: Yes = False,
    config: ConfigPath = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Prepare an account: state bucket, GitHub's OIDC provider, and the roles that workflows take."""
    from orchestrator import identity
    from orchestrator.cli import wiring
    from orchestrator.cli.render import finish
    from orchestrator.lifecycle.bootstrap import Trusted

    terminal = Terminal(json, quiet, verbose, no_color)
    given = {"project": {"name": project, "repository": repository}, "state": {"bucket": bucket}}
    setting = wiring.setting(config, _given(given | {"database": {"source": source}}))
    name = identity.repository_of(setting.config)
    ids = _ids(name, owner_id, repository_id, setting.environ)
    trusted = Trusted(*ids, default_branch=default_branch, kms_key_arns=tuple(kms_key or ()))
    terminal.say(f"envctl bootstrap {setting.config.project.name} ({name}, bucket {setting.config.state.bucket})")
    # It is envctl's own, also where a team applies a root of its own to each pull request.
    own = wiring.HOME / "terraform" / "bootstrap"
    directory = Path(root).resolve() if root else (own if own.is_dir() else setting.root.with_name("bootstrap"))
    display = _Display(terminal)
    context = _context(setting, trusted, directory, terminal, display)
    with context.workspace.held():
        return finish(terminal, _run(context, terminal, display, plan_only, yes))


class _Display:
    """Where events go: to the display that is on. It is off while a question is asked."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._emit: Callable[[Event], None] | None = None

    def __call__(self, event: Event) -> None:
        if self._emit:
            self._emit(event)

    @contextmanager
    def on(self) -> Iterator[None]:
        from orchestrator.cli.progress import shown

        with shown(self._terminal) as self._emit:
            yield
        self._emit = None


def _run(context: Bootstrap, terminal: Terminal, display: _Display, plan_only: bool, yes: bool) -> Outcome:
    from orchestrator import report
    from orchestrator.cli.wiring import utc_now
    from orchestrator.lifecycle import bootstrap as operation

    with display.on():
        there = operation.look(context)
    if not there.bucket:
        if plan_only:
            return operation.without_bucket(context)
        bucket = context.config.state.bucket
        terminal.confirm(f"There is no bucket {bucket}. Make it, to keep the state of the rest in it?", yes)
        with display.on():
            operation.make_bucket(context)
    with display.on():
        planned = operation.plan(context, there)
    try:
        if plan_only:
            return planned.outcome
        if not planned.changed:
            return operation.unchanged(context)
        terminal.say(report.text(planned.outcome, utc_now(), terminal.err_style).rstrip())
        terminal.confirm("Apply this plan?", yes)
        with display.on():
            return operation.apply(context)
    finally:
        context.engine.discard_plan()


def _context(
    setting: Setting, trusted: Trusted, root: Path, terminal: Terminal, emit: Callable[[Event], None]
) -> Bootstrap:
    from orchestrator import toolchain
    from orchestrator.interrupts import Interrupts
    from orchestrator.lifecycle.bootstrap import Bootstrap
    from orchestrator.lifecycle.context import Stopwatch
    from orchestrator.terraform import Engine
    from orchestrator.workspace import Workspace

    interrupts = Interrupts(terminal.say)
    interrupts.install()
    workspace = Workspace.of_bootstrap(setting.directory)
    tool, environ = toolchain.find(setting.environ), setting.environ
    engine = Engine(tool, root, workspace, environ, emit, interrupts, setting.providers, locking=True)
    return Bootstrap(
        config=setting.config,
        trusted=trusted,
        workspace=workspace,
        session=setting.session(),
        engine=engine,
        watch=Stopwatch(time.monotonic, emit),
        emit=emit,
        path_style=bool(environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")),
    )


def _given(values: Mapping[str, Mapping[str, str | None]]) -> dict[str, dict[str, object]]:
    """Return only what was given on the command line."""
    return {section: {k: v for k, v in keys.items() if v is not None} for section, keys in values.items()}


def _ids(repository: str, owner: str | None, number: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return GitHub's numbers: given, or those of the job that we are if it is one of this repository."""
    if environ.get("GITHUB_REPOSITORY") == repository:
        owner = owner or environ.get("GITHUB_REPOSITORY_OWNER_ID")
        number = number or environ.get("GITHUB_REPOSITORY_ID")
    if owner and number:
        return owner, number
    raise EnvctlError(
        ExitCode.USAGE,
        f"GitHub's numbers of {repository} and its owner are not known; they keep a later owner of the name out.",
        f"Look with `gh api repos/{repository} --jq '.owner.id, .id'` and give --owner-id and --repository-id.",
    )
