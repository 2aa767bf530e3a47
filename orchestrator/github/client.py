"""GitHub as the rest of envctl sees it: pull requests in, words about their environments out."""

from __future__ import annotations

import secrets
from typing import Literal

from orchestrator.github import comments, deployments, people, pulls, runs
from orchestrator.github.session import Session
from orchestrator.pull_request import PullRequest

Reaction = Literal["+1", "-1", "eyes", "confused", "rocket"]
_WRITE = "pull-requests: write"


class GitHub:
    """One repository on GitHub. `label` is the one that asks for an environment.

    Every method raises EnvctlError: CREDENTIALS when the token or a permission is missing (the hint says
    which), TERRAFORM when GitHub refuses, cannot be reached or limits the rate. Each may be called
    again after any failure, whatever GitHub had already done: nothing is ever done twice.
    """

    def __init__(self, session: Session, label: str) -> None:
        self._session = session
        self._label = label

    def pull_request(self, number: int) -> PullRequest | None:
        """Return the pull request as it is now; None when the repository definitely has none of that number."""
        found = self._session.insist(
            f"reading pull request {number}",
            "pull-requests: read",
            lambda: pulls.read(self._session, number, self._label),
        )
        return found and self._with_approval(found)

    def open_pull_requests(self) -> tuple[PullRequest, ...]:
        """Return every open pull request, by number.

        One that is not among them may still be open (pages shift while they are read): ask
        `pull_request` before anything is removed on the strength of this.
        """
        found = self._session.insist(
            "listing the open pull requests",
            "pull-requests: read",
            lambda: pulls.listed(self._session, self._label),
        )
        by_number = {pull_request.number: pull_request for pull_request in found}
        return tuple(self._with_approval(by_number[number]) for number in sorted(by_number))

    def _with_approval(self, pull_request: PullRequest) -> PullRequest:
        return self._session.insist(
            f"asking whether commit {pull_request.head[:7]} is approved",
            "statuses: read",
            lambda: pulls.with_approval(self._session, pull_request),
        )

    def approve(self, number: int, commit: str) -> None:
        """Write down on this very commit that somebody with write access wants an environment of it."""
        self._session.insist(
            f"approving commit {commit[:7]} of pull request {number}",
            "statuses: write",
            lambda: pulls.approve(self._session, number, commit),
        )

    def may_write(self, login: str) -> bool:
        """Return whether that person may push to the repository."""
        return self._session.insist(
            "asking what the author of a comment may do",
            "contents: read",
            lambda: people.may_write(self._session, login),
        )

    def comment(self, number: int, body: str, marker: str) -> str:
        """Make `body` the one comment of ours whose last line begins with the hidden `marker`; return its URL."""
        return self._session.insist(
            f"writing the comment of pull request {number}",
            _WRITE,
            lambda: comments.ensure(self._session, number, body, marker),
        )

    def reply(self, number: int, body: str, to: int | None = None) -> str:
        """Add a comment and return its URL; a comment (`to`, its id) is answered once, however often this is called."""
        return self.comment(number, body, f"<!-- envctl:reply:{to or secrets.token_hex(8)} -->")

    def react(self, comment: int, content: Reaction) -> None:
        """Put a reaction on a comment, by its id."""
        self._session.insist(
            f"acknowledging comment {comment}", _WRITE, lambda: comments.react(self._session, comment, content)
        )

    def deployment(
        self, number: int, commit: str, state: deployments.State, url: str | None = None, log_url: str | None = None
    ) -> None:
        """Make the pull request's deployment say that `commit` is in `state`; a success ends all others."""
        self._session.insist(
            f"writing the deployment of pull request {number}",
            "deployments: write",
            lambda: deployments.announce(self._session, number, commit, state, url, log_url),
        )

    def remove_deployments(self, number: int) -> None:
        """End and delete every deployment of the pull request; one that GitHub keeps stays, ended."""
        self._session.insist(
            f"removing the deployments of pull request {number}",
            "deployments: write",
            lambda: deployments.remove(self._session, number),
        )

    def run_is_over(self, run: int, attempt: int | None) -> bool | None:
        """Return whether that attempt of a workflow run has ended; None when GitHub does not know the run."""
        return self._session.insist(
            f"asking whether workflow run {run} has ended",
            "actions: read",
            lambda: runs.is_over(self._session, run, attempt),
        )
