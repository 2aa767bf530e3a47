"""Pull requests, and the word of somebody with write access on a commit of one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from orchestrator.github.failures import NoAnswer, Refused
from orchestrator.github.session import Item, Session, as_item, field
from orchestrator.pull_request import PullRequest

APPROVAL = "envctl/approved"
"""The context of the commit status that approves a commit. Only who may write to a repository can set one."""


def read(session: Session, number: int, label: str) -> PullRequest | None:
    """Return the pull request, or None when there definitely is none; whether it is approved is not asked."""
    try:
        raw = session.get(f"/pulls/{number}")
    except Refused as refused:
        if refused.status != 404:
            raise
        session.get("")  # a repository that the token may not see answers 404 for all that is in it
        return None
    return parsed(raw, label)


def listed(session: Session, label: str) -> list[PullRequest]:
    """Return the open pull requests of every page, oldest first; whether they are approved is not asked."""
    # Oldest first: one that is opened meanwhile comes last and shifts no page.
    return [parsed(raw, label) for raw in session.pages("/pulls", state="open", sort="created", direction="asc")]


def with_approval(session: Session, pull_request: PullRequest) -> PullRequest:
    """Return it with the word on its head commit, which is asked for only where it can matter."""
    stranger = pull_request.fork or pull_request.bot
    if not (pull_request.open and pull_request.labelled and stranger):
        return pull_request
    return replace(pull_request, approved=is_approved(session, pull_request.head))


def is_approved(session: Session, commit: str) -> bool:
    """Return whether the newest status of our context on this very commit is a success."""
    statuses = session.pages(f"/commits/{commit}/status", key="statuses")  # the newest of each context
    return any(s.get("context") == APPROVAL and s.get("state") == "success" for s in statuses)


def approve(session: Session, number: int, commit: str) -> None:
    """Set the status, unless it is there already."""
    if not is_approved(session, commit):
        description = f"Pull request {number} may have an environment of this commit"
        session.post(f"/statuses/{commit}", {"state": "success", "context": APPROVAL, "description": description})


def parsed(raw: Item, label: str) -> PullRequest:
    """Return what is believed of GitHub's JSON. Raises NoAnswer when it is not that of a pull request."""
    head, base = field(raw, "head", dict), field(raw, "base", dict)
    commit = field(head, "sha", str)
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", commit):
        raise NoAnswer("its head is no commit")
    return PullRequest(
        number=field(raw, "number", int),
        open=field(raw, "state", str) == "open",
        head=commit,
        draft=raw.get("draft") is True,
        fork=_repository(head) is None or _repository(head) != _repository(base),
        bot=_is_bot(raw.get("user")),
        # GitHub takes labels that differ in case only for the same one.
        labelled=label.casefold() in {field(as_item(x), "name", str).casefold() for x in field(raw, "labels", list)},
    )


def _repository(side: Item) -> Any:
    """Return the id of a side's repository: it stays the same when that is renamed. None: it was deleted."""
    repository = side.get("repo")
    return repository.get("id") if isinstance(repository, dict) else None


def _is_bot(user: Any) -> bool:
    if not isinstance(user, dict):
        return True  # an author who is gone vouches for nothing
    return user.get("type") == "Bot" or str(user.get("login")).endswith("[bot]")
