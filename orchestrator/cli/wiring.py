"""Puts the parts together for one command. Nothing slow is imported before the first line is on the screen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import config_source, expiry, git, github_event, identity, locks, toolchain
from orchestrator.cli.terminal import Terminal
from orchestrator.config import Config, TerraformSettings
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Event
from orchestrator.identity import Environment
from orchestrator.interrupts import Interrupts
from orchestrator.toolchain import Providers

if TYPE_CHECKING:
    from orchestrator.aws.session import Session
    from orchestrator.aws.store import Store
    from orchestrator.github.client import GitHub
    from orchestrator.lifecycle.context import Context
    from orchestrator.lifecycle.records import Records


# Where envctl lies when it was installed from a checkout (`pip install --editable`), its Terraform code beside it.
HOME = Path(__file__).parents[2]


def utc_now() -> datetime:
    """Return the time of day; the one wall clock of the command line."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Setting:
    """The configuration and everything that is known without asking anyone."""

    config: Config
    directory: Path
    environ: Mapping[str, str]

    @property
    def root(self) -> Path:
        """The root module: the configured one, or, when nothing is configured or there, the one envctl came with."""
        default = TerraformSettings().root
        wanted = (self.directory / self.config.terraform.root).resolve()
        if self.config.terraform.root == default and not wanted.is_dir() and (HOME / default).is_dir():
            return HOME / default
        return wanted

    def providers(self) -> Providers:
        return toolchain.providers(self.environ, Path.home(), self.root, toolchain.registry_reachable)

    def session(self) -> Session:
        from orchestrator.aws.session import Session, default_region

        return Session(self.config.project.region or default_region(self.environ))

    def store(self, session: Session) -> Store:
        from orchestrator.aws.store import Store

        return Store(session, self.config.state.bucket)

    def environment(self, pr: int) -> Environment:
        # The region of a profile is read by boto3 only, and only if nothing else names one.
        region = self.config.project.region or self.environ.get("AWS_REGION") or self.environ.get("AWS_DEFAULT_REGION")
        return identity.identify(pr, self.config, identity.region_name(region or self.session().region))

    def records(self) -> Records:
        from orchestrator.lifecycle.records import Records

        session = self.session()
        return Records(self.config, session, self.store(session), utc_now)

    def _run_is_over(self, run: int, attempt: int) -> bool | None:
        return github(self).run_is_over(run, attempt)  # asked of a lock that is in the way, and else never

    def context(self, environment: Environment, terminal: Terminal, emit: Callable[[Event], None]) -> Context:
        """Return what the long operations need; from here on Ctrl-C goes through `Interrupts`."""
        tool = toolchain.find(self.environ)
        interrupts = Interrupts(terminal.say)
        interrupts.install()

        from orchestrator.lifecycle.context import Context, Stopwatch
        from orchestrator.terraform import Engine
        from orchestrator.workspace import Workspace

        session = self.session()
        workspace = Workspace(self.directory, environment.pr)
        engine = Engine(
            tool,
            self.root,
            workspace,
            self.environ,
            emit,
            interrupts,
            self.providers,
            self.config.terraform.parallelism,
        )
        return Context(
            config=self.config,
            environment=environment,
            workspace=workspace,
            session=session,
            store=self.store(session),
            engine=engine,
            watch=Stopwatch(time.monotonic, emit),
            now=utc_now,
            sleep=time.sleep,
            emit=emit,
            who=f"{self.environ.get('USER') or 'envctl'}@{os.uname().nodename}",
            lock_info=locks.info_of(self.environ),
            run_is_over=self._run_is_over if self.environ.get("GITHUB_TOKEN") or self.environ.get("GH_TOKEN") else None,
            credentials_end=expiry.ends_at(self.environ),
            path_style=bool(self.environ.get("AWS_ENDPOINT_URL_S3") or self.environ.get("AWS_ENDPOINT_URL")),
        )


def github(setting: Setting) -> GitHub:
    """Return the way to the repository on GitHub. Raises EnvctlError (credentials) without a token."""
    from orchestrator.github.client import GitHub
    from orchestrator.github.session import Session

    return GitHub(Session(identity.repository_of(setting.config), setting.environ), setting.config.github.label)


def setting(config_path: str | None, overrides: Mapping[str, Mapping[str, object]] | None = None) -> Setting:
    """Load the configuration; `overrides` are values of flags by section and key. Raises EnvctlError (usage)."""
    environ = dict(os.environ)
    named = config_path or environ.get("ENVCTL_CONFIG")
    config, directory = config_source.load(Path(named) if named else None, environ, Path.cwd(), overrides)
    return Setting(config, directory, environ)


def pr_of(given: str | None, environ: Mapping[str, str]) -> int:
    """Return the pull request: --pr, else the GitHub event's, else ENVCTL_PR. Raises EnvctlError (usage)."""
    if given is not None:
        return identity.pr_number(given)
    found = github_event.read(environ).pr
    if found is not None:
        return found
    if environ.get("ENVCTL_PR"):
        return identity.pr_number(environ["ENVCTL_PR"])
    raise EnvctlError(ExitCode.USAGE, "It is not known which pull request is meant.", "Add --pr N, or set ENVCTL_PR.")


def commit_of(given: str | None, environ: Mapping[str, str], directory: Path) -> str | None:
    """Return the commit: --commit, else the GitHub event's head, else HEAD of the checkout."""
    if given is not None:
        return identity.commit_id(given)
    found = github_event.read(environ).commit
    if found is not None:
        return found
    # On a runner HEAD is a merge commit of GitHub's that nobody can look up.
    return None if "GITHUB_ACTIONS" in environ else git.head(directory)
