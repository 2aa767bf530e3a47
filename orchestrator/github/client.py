"""GitHub as the rest of envctl sees it: pull requests in, words about their environments out."""

from __future__ import annotations

from typing import Literal

from orchestrator.github.session import Session
from orchestrator.pull_request import PullRequest

DeploymentState = Literal["in_progress", "success", "failure"]
Reaction = Literal["+1", "-1", "eyes", "confused", "rocket"]


class GitHub:
    """One repository on GitHub. `label` is the one that asks for an environment.

    Every method raises EnvctlError: CREDENTIALS when the token or a permission is missing (the hint says
    which), TERRAFORM when GitHub refuses, cannot be reached or limits the rate. Each may be called
    again after any failure, whatever GitHub had already done: nothing is ever done twice.
    """

    def __init__(self, session: Session, label: str) -> None:
        raise NotImplementedError

    def pull_request(self, number: int) -> PullRequest | None:
        """Return the pull request as it is now; None when the repository definitely has none of that number."""
        raise NotImplementedError

    def open_pull_requests(self) -> tuple[PullRequest, ...]:
        """Return every open pull request, by number.

        One that is not among them may still be open (pages shift while they are read): ask
        `pull_request` before anything is removed on the strength of this.
        """
        raise NotImplementedError

    def approve(self, number: int, commit: str) -> None:
        """Write down on this very commit that somebody with write access wants an environment of it."""
        raise NotImplementedError

    def may_write(self, login: str) -> bool:
        """Return whether that person may push to the repository."""
        raise NotImplementedError

    def comment(self, number: int, body: str, marker: str) -> str:
        """Make `body` the one comment of ours that holds the hidden `marker`; return its URL."""
        raise NotImplementedError

    def reply(self, number: int, body: str, to: int | None = None) -> str:
        """Add a comment and return its URL; one comment is answered (`to`, its id) at most once."""
        raise NotImplementedError

    def react(self, comment: int, content: Reaction) -> None:
        """Put a reaction on a comment, by its id."""
        raise NotImplementedError

    def deployment(
        self, number: int, commit: str, state: DeploymentState, url: str | None = None, log_url: str | None = None
    ) -> None:
        """Make the pull request's deployment say that `commit` is in `state`; a success ends all others."""
        raise NotImplementedError

    def remove_deployments(self, number: int) -> None:
        """End and delete every deployment of the pull request; one that GitHub keeps stays, ended."""
        raise NotImplementedError

    def run_is_over(self, run: int, attempt: int | None) -> bool | None:
        """Return whether that attempt of a workflow run has ended; None when GitHub does not know the run."""
        raise NotImplementedError
