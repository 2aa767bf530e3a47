"""A repository with pull requests, an account, and runners that may die: everything `sync` touches, in memory.

The code under test is the real one, from the decision to `up` and `destroy` and the bucket's conditional
writes. Only what is outside of it is modelled here: S3, RDS and EC2, Terraform, GitHub, the clock, the runner.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from model_aws import Account, Bucket, Engine

from orchestrator import absence, identity, manifest
from orchestrator.announcement import Announcement
from orchestrator.aws.session import Session
from orchestrator.aws.store import Store
from orchestrator.config import Config
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import Environment
from orchestrator.lifecycle.context import Context, Stopwatch
from orchestrator.manifest import Manifest
from orchestrator.outcome import Decided, Outcome
from orchestrator.pull_request import PullRequest
from orchestrator.sync.all import Fleet, sync_all
from orchestrator.sync.one import sync
from orchestrator.sync.world import World
from orchestrator.workspace import Workspace

PREFIX = "environments/acme/shop/"
LIMIT = 2
TTL = timedelta(hours=72)
CONFIG = Config.model_validate(
    {
        "project": {"name": "shop", "repository": "acme/shop", "region": "us-east-1"},
        "state": {"bucket": "state"},
        "database": {"source": "shop-prod"},
        "limits": {"max_environments": LIMIT, "ttl": "72h"},
    }
)


class Killed(BaseException):
    """kill -9: nothing of the run happens after it, whatever its `finally` says."""


@dataclass
class Runner:
    """One run of envctl. It dies at its `dies_at`-th change; `meanwhile` happens just before a change."""

    id: int
    dies_at: int | None = None
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    deaf_from: int | None = None  # from this question on GitHub does not answer
    mute: bool = False  # GitHub takes no comment
    changes: int = 0
    questions: int = 0
    dead: bool = False

    def step(self) -> None:
        self.changes += 1
        self.dead = self.dead or self.changes == self.dies_at
        if self.dead:
            raise Killed
        happens = self.meanwhile.pop(self.changes, None)
        if happens:
            happens()

    def ask(self) -> None:
        self.questions += 1
        if self.deaf_from is not None and self.questions >= self.deaf_from:
            raise EnvctlError(ExitCode.TERRAFORM, "GitHub does not answer.", "Try again.")


class Model:
    """The whole world, and `sync` in it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 9, tzinfo=UTC)
        self.pull_requests: dict[int, PullRequest] = {}
        self.touched: dict[int, datetime] = {}  # when each got its head commit
        self.commits = 0
        self.runners: list[Runner] = []
        self.dead: set[int] = set()
        self.runs = 0
        self.bucket = Bucket(self.step)
        self.account = Account(self.bucket, self.step, lambda: self.time)
        self.checkouts = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))

        self.code = self.checkouts / "code"
        self.code.mkdir()
        (self.code / "main.tf").write_text("# any\n")

    def close(self) -> None:
        shutil.rmtree(self.checkouts, ignore_errors=True)

    # What people do

    def open(self, number: int, **standing: bool) -> None:
        """A new one, or once more a closed one: it comes back as it was."""
        if number in self.pull_requests:
            self._change(number, open=True)
        else:
            self.pull_requests[number] = PullRequest(number, True, self._commit(), **standing)
            self.touched[number] = self.time

    def push(self, number: int) -> None:
        self._change(number, head=self._commit(), approved=False)
        self.touched[number] = self.time

    def shut(self, number: int) -> None:
        self._change(number, open=False)

    def draft(self, number: int) -> None:
        pull_request = self.pull_requests.get(number)
        self._change(number, draft=not (pull_request and pull_request.draft))

    def approve(self, number: int) -> None:
        self._change(number, labelled=True, approved=True)

    def _change(self, number: int, **what: Any) -> None:
        if number in self.pull_requests:
            self.pull_requests[number] = replace(self.pull_requests[number], **what)

    def _commit(self) -> str:
        self.commits += 1
        return f"{self.commits:040x}"

    # What sync asks and tells

    def pull_request(self, number: int) -> PullRequest | None:
        self.runners[-1].ask()
        return self.pull_requests.get(number)

    def open_pull_requests(self) -> tuple[PullRequest, ...]:
        self.runners[-1].ask()
        return tuple(found for found in self.pull_requests.values() if found.open)

    def announce(self, announcement: Announcement) -> None:
        self.step()
        if self.runners[-1].mute:
            raise EnvctlError(ExitCode.TERRAFORM, "GitHub takes no comment.", "Try again.")

    def step(self) -> None:
        self.runners[-1].step()

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    # Runs

    @contextmanager
    def running(self, **how: Any) -> Iterator[Runner]:
        """One run of envctl. When it is killed nobody hears of it; its lock stays until somebody knows it dead."""
        self.runs += 1
        runner = Runner(self.runs, **how)
        self.runners.append(runner)
        try:
            yield runner
        except Killed:
            self.dead.add(runner.id)
        finally:
            self.runners.pop()

    def sync(self, number: int, **how: Any) -> Outcome | EnvctlError | None:
        """Return what `sync --pr` came to; None when it was killed."""
        with self.running(**how) as runner:
            return self._sync(number, runner)
        return None

    def sync_all(self, **how: Any) -> Outcome | EnvctlError | None:
        with self.running(**how) as runner:

            def run(environment: Environment) -> Decided:
                outcome = self._sync(environment.pr, runner)
                if isinstance(outcome, EnvctlError):
                    return Decided(environment, "refuse", outcome.message, outcome.hint, exit_code=outcome.code)
                return (outcome.decisions or ())[0]

            try:
                return sync_all(Fleet(self.world(), self.environment, run))
            except EnvctlError as error:
                return error
        return None

    def _sync(self, number: int, runner: Runner) -> Outcome | EnvctlError:
        context = self.context(number, runner)
        try:
            return sync(self.world(), context)
        except EnvctlError as error:
            return error

    def world(self) -> World:
        session = Session("us-east-1", make=self.account.client)
        return World(
            config=CONFIG,
            session=session,
            store=Store(session, "state", self.sleep),
            github=self,
            announce=self.announce,
            now=self.now,
            emit=lambda event: None,
        )

    def environment(self, number: int) -> Environment:
        return identity.identify(number, CONFIG, "us-east-1")

    def context(self, number: int, runner: Runner) -> Context:
        """The means to work on one environment, in a fresh checkout as CI has it."""
        world, environment = self.world(), self.environment(number)
        workspace = Workspace(self.checkouts / str(runner.id), number)
        tfvars = lambda: workspace.read(workspace.tfvars) or "{}"  # noqa: E731
        engine = Engine(self.account, tfvars, number, environment.state_key, self.code)
        return Context(
            config=CONFIG,
            environment=environment,
            workspace=workspace,
            session=world.session,
            store=world.store,
            engine=engine,  # type: ignore[arg-type]
            watch=Stopwatch(lambda: self.time.timestamp(), world.emit),
            now=self.now,
            sleep=self.sleep,
            emit=world.emit,
            who=f"runner-{runner.id}",
            lock_info=f"GitHub Actions run {runner.id}, attempt 1, of acme/shop",
            run_is_over=lambda run, attempt: run in self.dead,
        )

    @property
    def serves(self) -> dict[int, str]:
        """The commit that each environment serves; one that has two networks is a flaw, whatever is in them."""
        networks = self.account.networks.values()
        assert len({network.pr for network in networks}) == len(networks), "made twice"
        return {network.pr: network.commit for network in networks}

    # What there is

    def admitted(self, pull_request: PullRequest) -> bool:
        """Said once more in other words than the code under test has for it."""
        stranger = pull_request.fork or pull_request.bot
        return pull_request.open and not pull_request.draft and (pull_request.approved or not stranger)

    def record(self, number: int) -> Manifest | None:
        body = self.bucket.read(f"{PREFIX}pr-{number}/manifest.json")
        return manifest.parse(body, "the manifest") if body else None

    def resting(self, number: int) -> bool:
        """Whether an open pull request has no environment on purpose, which only time can have brought about."""
        body = self.bucket.read(f"{PREFIX}pr-{number}/absence.json")
        note = absence.parse(body) if body else None
        if note is None or note.commit != self.pull_requests[number].head:
            return False
        assert self.time - self.touched[number] >= TTL
        return True

    def keys(self) -> set[str]:
        """Every key of which there is any version."""
        return {key.removeprefix(PREFIX) for key in self.bucket.versions}
