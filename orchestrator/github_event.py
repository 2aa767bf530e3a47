"""What a GitHub Actions run says: of its pull request the number and the head commit, of a comment who wrote what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import identity
from orchestrator.errors import EnvctlError

# GitHub's own bounds: of a webhook's payload in bytes, of a comment in characters.
LONGEST_EVENT = 25 * 1024 * 1024
LONGEST_COMMENT = 65_536
# A login, also of an app (`dependabot[bot]`) or of an enterprise's managed user (`mona_acme`).
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?", re.ASCII)


@dataclass(frozen=True)
class PullRequestEvent:
    """The pull request that a run is about, as far as its event says."""

    pr: int | None = None
    commit: str | None = None


@dataclass(frozen=True)
class CommentEvent:
    """A new comment on a pull request. `body` is anybody's text: for `comment_command.parse` alone."""

    pr: int
    id: int
    author: str
    body: str


@dataclass(frozen=True)
class LabelEvent:
    """A label that was just put on a pull request, by whom, and on which head commit."""

    pr: int
    commit: str
    label: str
    sender: str


def read(environ: Mapping[str, str]) -> PullRequestEvent:
    """Return what the file at GITHUB_EVENT_PATH says; nothing when there is none or it makes no sense."""
    event = _event(environ)
    pull_request = _table(event, "pull_request")
    issue = _table(event, "issue")
    number = pull_request.get("number") or (issue.get("number") if "pull_request" in issue else None)
    return PullRequestEvent(_number(number), _commit(_table(pull_request, "head").get("sha")))


def read_comment(environ: Mapping[str, str]) -> CommentEvent | None:
    """Return the comment that a run of `issue_comment` is about; None unless it was just written, by a person
    or an app with a login, on a pull request. A comment that was edited or deleted asks for nothing."""
    event = _event(environ)
    issue, comment = _table(event, "issue"), _table(event, "comment")
    if not isinstance(event, dict) or event.get("action") != "created" or not _table(issue, "pull_request"):
        return None
    pr, comment_id = _number(issue.get("number")), comment.get("id")
    author, body = _table(comment, "user").get("login"), comment.get("body")
    if pr is None or type(comment_id) is not int or not 0 < comment_id < 2**63:
        return None
    if not isinstance(author, str) or not _LOGIN.fullmatch(author) or not isinstance(body, str):
        return None
    return CommentEvent(pr, comment_id, author, body[:LONGEST_COMMENT])


def read_label(environ: Mapping[str, str]) -> LabelEvent | None:
    """Return what a run of `pull_request` with the action `labeled` is about, None of any other."""
    event = _event(environ)
    pull_request = _table(event, "pull_request")
    pr, commit = _number(pull_request.get("number")), _commit(_table(pull_request, "head").get("sha"))
    label, sender = _table(event, "label").get("name"), _table(event, "sender").get("login")
    if not isinstance(event, dict) or event.get("action") != "labeled" or pr is None or commit is None:
        return None
    if not isinstance(label, str) or not isinstance(sender, str) or not _LOGIN.fullmatch(sender):
        return None
    return LabelEvent(pr, commit, label, sender)


def _event(environ: Mapping[str, str]) -> Any:
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            data = file.read(LONGEST_EVENT + 1)
        return json.loads(data) if len(data) <= LONGEST_EVENT else None
    except (OSError, ValueError, RecursionError):
        return None


def _table(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> int | None:
    try:
        return identity.pr_number(str(value)) if type(value) is int else None
    except EnvctlError:
        return None


def _commit(value: Any) -> str | None:
    try:
        return identity.commit_id(value) if isinstance(value, str) else None
    except EnvctlError:
        return None
