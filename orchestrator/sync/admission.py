"""Which open pull requests may have an environment at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.config import GitHub
from orchestrator.pull_request import PullRequest


@dataclass(frozen=True)
class Refusal:
    """Why a pull request gets no environment, and what somebody can do about it."""

    reason: str
    hint: str


def refusal(pull_request: PullRequest, rules: GitHub) -> Refusal | None:
    """Return why an open pull request may have no environment, or None when it may.

    What comes from outside is looked at first: its label counts only for the very commit that somebody
    with write access has put it on, so that a later push is not let in by it.
    """
    label = f"the label {rules.label!r}"
    for outside, rule, whom in ((pull_request.fork, rules.forks, "from forks"), (pull_request.bot, rules.bots, "bots")):
        if not outside:
            continue
        if rule == "never":
            return Refusal(f"Pull requests {_of(whom)} get no environment here.", "")
        if not pull_request.approved:
            again = "remove and add" if pull_request.labelled else "add"
            return Refusal(
                f"Pull requests {_of(whom)} get an environment only for a commit that a maintainer has looked at.",
                f"A maintainer who has read commit {pull_request.head[:7]} can {again} {label}.",
            )
    if pull_request.draft and not rules.drafts:
        return Refusal("Drafts get no environment.", "Mark the pull request as ready for review.")
    if rules.require_label and not pull_request.labelled:
        return Refusal(f"Only pull requests with {label} get an environment.", f"Add {label}.")
    return None


def _of(whom: str) -> str:
    return whom if whom.startswith("from") else f"of {whom}"
