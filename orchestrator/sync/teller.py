"""Telling a pull request: its one comment and its deployment. What is told is rendered in `page`."""

from __future__ import annotations

from typing import Literal, Protocol

from orchestrator.announcement import Announcement, State
from orchestrator.config import GitHub as Rules
from orchestrator.errors import EnvctlError
from orchestrator.page.marker import beginning

Deployed = Literal["in_progress", "success", "failure"]
# States that say nothing of a deployment are not here: what it said before stays.
_DEPLOYED: dict[State, Deployed] = {
    "creating": "in_progress",
    "updating": "in_progress",
    "ready": "success",
    "unhealthy": "failure",
    "failed": "failure",
}


class Pages(Protocol):
    """The part of GitHub that is told; each call may be made again, and then changes nothing."""

    def comment(self, number: int, body: str, marker: str) -> str:
        """Make `body` the one comment."""

    def deployment(
        self, number: int, commit: str, state: Deployed, url: str | None = None, log_url: str | None = None
    ) -> None:
        """Make the deployment say that."""

    def remove_deployments(self, number: int) -> None:
        """Take all deployments away."""


class Teller:
    """Tells GitHub as far as it is to be told. `last` is what was announced last, whoever has heard it."""

    def __init__(self, github: Pages, rules: Rules) -> None:
        self._github = github
        self._rules = rules
        self.last: Announcement | None = None

    def __call__(self, told: Announcement) -> None:
        """Announce. Raises EnvctlError when GitHub did not take all of it, after everything was tried."""
        self.last = told
        problems = []
        for tell in (self._comment, self._deployment):
            try:
                tell(told)
            except EnvctlError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _comment(self, told: Announcement) -> None:
        if self._rules.comments:
            from orchestrator.page.body import comment

            self._github.comment(told.environment.pr, comment(told), beginning(told.environment))

    def _deployment(self, told: Announcement) -> None:
        if not self._rules.deployments:
            return
        number, state = told.environment.pr, _DEPLOYED.get(told.state)
        commit = told.commit or (told.manifest.commit if told.manifest else None)
        if told.state == "destroyed":
            self._github.remove_deployments(number)
        elif state is not None and commit is not None:
            url = told.manifest.url if told.manifest and state == "success" else None
            self._github.deployment(number, commit, state, url, told.run_url)
