"""What `sync` is handed beside the means to work on one environment, and its look at what is there now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Protocol

from orchestrator import locks
from orchestrator.announcement import Announcement
from orchestrator.aws import orphans, power
from orchestrator.aws.session import Session
from orchestrator.aws.store import Store, Stored
from orchestrator.config import Config
from orchestrator.errors import EnvctlError
from orchestrator.events import Event, Notice
from orchestrator.identity import Environment, repository_prefix
from orchestrator.pull_request import PullRequest
from orchestrator.sync.decision import Found


class PullRequests(Protocol):
    """The part of GitHub that is asked. Whatever cannot be asked raises EnvctlError, and is never an answer."""

    def pull_request(self, number: int) -> PullRequest | None:
        """Return the pull request as it is now; None when there definitely is none."""

    def open_pull_requests(self) -> tuple[PullRequest, ...]:
        """Return all open ones."""


def _never(now: datetime) -> datetime | None:
    return None


@dataclass(frozen=True)
class World:
    """The bucket, the account, GitHub, the page, a clock and an ear.

    `announce` tells the people of a pull request. `night` returns since when the pause schedule wants
    environments paused, or None.
    """

    config: Config
    session: Session
    store: Store
    github: PullRequests
    announce: Callable[[Announcement], None]
    now: Callable[[], datetime]
    emit: Callable[[Event], None]
    run_url: str | None = None
    night: Callable[[datetime], datetime | None] = field(default=_never)

    def look(self, environment: Environment) -> tuple[Found, Stored | None]:
        """Return the environment as it is now. Raises EnvctlError, also for a record that cannot be read."""
        stored, lock = self.store.read(environment), self.store.lock(environment)
        record = stored.manifest if stored else None
        state = tagged = data = traces = full = False
        if record is None:
            state = self.store.has_state(environment)
            tagged = not state and environment.pr in self.tagged(environment)
            data = tagged and bool(power.with_data(power.databases(self.session, environment)))
            traces = self.store.keeps(environment)
            full = self.store.count(repository_prefix(self.config)) >= self.config.limits.max_environments
        # Of a run that has been silent for long its lock's next taker finds out whether it is dead.
        busy = lock is not None and not locks.silent(lock, record, self.now())
        absence = self.store.absence(environment)
        return Found(record, state, tagged, data, traces, busy, lock is not None and not busy, absence, full), stored

    def tagged(self, environment: Environment) -> set[int]:
        """Return which pull requests the account holds something for, by tags."""
        return orphans.tagged(self.session, environment.project, environment.repository)

    def usual_s(self) -> float | None:
        """Return how many seconds the creation of the repository's present environments took, or None."""
        records, _ = self.store.all(repository_prefix(self.config))
        took = [(record.applied_at - record.created_at).total_seconds() for record in records if record.applied_at]
        return median(took) if took else None

    def tell(self, announcement: Announcement) -> None:
        """Announce; that nobody could be told is told here, and changes nothing for the environment."""
        try:
            self.announce(announcement)
        except EnvctlError as error:
            self.emit(Notice(f"The pull request could not be told: {error.message}"))
        except Exception as error:  # noqa: BLE001 - a flaw in how a page is written must not stop what it is about
            self.emit(Notice(f"The pull request could not be told: {type(error).__name__}: {error}"))
