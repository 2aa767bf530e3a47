"""The GitHub room as a test enters it: over HTTP to the fake GitHub, with a clock on which waits take no time."""

from __future__ import annotations

import dataclasses

from github_server import GitHubServer

from orchestrator.github.client import GitHub
from orchestrator.github.session import Session

LABEL = "preview"


@dataclasses.dataclass
class Clock:
    """Seconds that pass only by waiting; `waits` are those that were asked for."""

    now: float = 1000.0
    waits: list[float] = dataclasses.field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def room(server: GitHubServer, clock: Clock | None = None, *, label: str = LABEL, **environ: str) -> GitHub:
    """Return the room of a job of GitHub Actions, or of whoever `GITHUB_TOKEN` in `environ` belongs to."""
    clock = clock or Clock()
    session = Session("acme/shop", {**server.environ, **environ}, clock.sleep, clock.monotonic)
    return GitHub(session, label)
