"""What is on this GitHub, and what people do there. One lock for all: a request sees a world at rest."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

ACTIONS = "github-actions[bot]"
_BEGINNING = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass
class Person:
    """An account and what it may do in the repository: admin, write, read or none."""

    id: int
    login: str
    kind: str = "User"
    permission: str = "read"


@dataclass
class Pull:
    """A pull request. `head_repository` is the id of the repository of its head; None: it was deleted."""

    id: int
    number: int
    author: Person | None
    head: str
    head_repository: int | None
    created_at: str
    updated_at: str
    title: str = "A change"
    body: str | None = ""
    branch: str = "feature"
    state: str = "open"
    draft: bool = False
    labels: list[str] = field(default_factory=list)
    closed_at: str | None = None
    merged_at: str | None = None


@dataclass
class Reaction:
    id: int
    author: Person
    content: str
    created_at: str


@dataclass
class Comment:
    id: int
    number: int
    author: Person | None
    body: str
    created_at: str
    updated_at: str
    reactions: list[Reaction] = field(default_factory=list)


@dataclass
class Status:
    """A status of a commit (with a context) or of a deployment (with links)."""

    id: int
    author: Person
    state: str
    created_at: str
    context: str = ""
    description: str | None = None
    environment_url: str = ""
    log_url: str = ""


@dataclass
class Deployment:
    id: int
    author: Person
    sha: str
    ref: str
    task: str
    environment: str
    production: bool
    created_at: str
    transient: bool = False
    description: str | None = None
    statuses: list[Status] = field(default_factory=list)

    @property
    def state(self) -> str | None:
        """The newest status."""
        return self.statuses[-1].state if self.statuses else None


@dataclass
class Run:
    id: int
    attempt: int
    status: str
    conclusion: str | None


class World:
    """One repository with what is in it. Its methods are what people do on the website or with git."""

    def __init__(self, repository: str = "acme/shop") -> None:
        self.lock = threading.RLock()
        self.begin(repository)

    def begin(self, repository: str = "acme/shop") -> None:
        """Forget everything."""
        with self.lock:
            self._ids = count(1001)
            self._numbers = count(1)
            self._ticks = count()
            self.repository = repository
            self.repository_id = self.next_id()
            self.former_names: set[str] = set()
            self.hidden = False
            self.people: dict[str, Person] = {}
            self.tokens: dict[str, Person] = {}
            self.pulls: dict[int, Pull] = {}
            self.comments: dict[int, Comment] = {}
            self.commits: set[str] = set()
            self.statuses: dict[str, list[Status]] = {}
            self.deployments: dict[int, Deployment] = {}
            self.runs: dict[int, Run] = {}
            self.person("dev", "write")
            self.person(ACTIONS, "none", kind="Bot")
            self.token_of(ACTIONS)

    def next_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        """A second later than when it was last asked."""
        return (_BEGINNING + timedelta(seconds=next(self._ticks))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def person(self, login: str, permission: str | None = None, kind: str = "User") -> Person:
        """Return an account, which is made when it is new; give it a permission if one is given."""
        with self.lock:
            if login not in self.people:
                self.people[login] = Person(self.next_id(), login, kind)
            if permission:
                self.people[login].permission = permission
            return self.people[login]

    def token_of(self, login: str, kind: str = "User") -> str:
        """Return a token: a person's, or an app's (`kind` Bot), which is refused GET /user."""
        with self.lock:
            person = self.person(login, kind=kind)  # an account that is there stays what it is
            token = ("ghs_" if person.kind == "Bot" else "ghp_") + hashlib.sha256(login.encode()).hexdigest()[:36]
            self.tokens[token] = person
            return token

    # --- Pull requests ---

    def new_commit(self) -> str:
        with self.lock:
            commit = hashlib.sha1(str(self.next_id()).encode(), usedforsecurity=False).hexdigest()
            self.commits.add(commit)
            return commit

    def open_pr(
        self,
        number: int | None = None,
        *,
        head: str | None = None,
        author: str = "dev",
        bot: bool = False,
        fork: bool = False,
        draft: bool = False,
        labels: Iterable[str] = (),
        title: str = "A change",
        body: str | None = "",
        branch: str = "feature",
    ) -> Pull:
        """Open a pull request; `fork`: from a repository of the author's."""
        with self.lock:
            number = number or next(n for n in self._numbers if n not in self.pulls)
            commit, at = head or self.new_commit(), self.now()
            self.commits.add(commit)
            who = self.person(author, kind="Bot" if bot else "User")
            source = self.next_id() if fork else self.repository_id
            pull = Pull(self.next_id(), number, who, commit, source, at, at, title, body, branch, draft=draft)
            pull.labels = list(labels)
            self.pulls[number] = pull
            return pull

    def push(self, number: int, head: str | None = None) -> str:
        """Push to the branch of a pull request; return the new head commit."""
        with self.lock:
            commit = head or self.new_commit()
            self.commits.add(commit)
            self._change(number).head = commit
            return commit

    def close(self, number: int, merged: bool = False) -> None:
        with self.lock:
            pull = self._change(number)
            pull.state, pull.closed_at = "closed", pull.updated_at
            pull.merged_at = pull.updated_at if merged else None

    def reopen(self, number: int) -> None:
        with self.lock:
            pull = self._change(number)
            pull.state, pull.closed_at = "open", None

    def set_draft(self, number: int, draft: bool = True) -> None:
        with self.lock:
            self._change(number).draft = draft

    def label(self, number: int, name: str) -> None:
        with self.lock:
            labels = self._change(number).labels
            if name not in labels:
                labels.append(name)

    def unlabel(self, number: int, name: str) -> None:
        with self.lock:
            labels = self._change(number).labels
            if name in labels:
                labels.remove(name)

    def delete_fork(self, number: int) -> None:
        """The repository that a pull request comes from is deleted."""
        with self.lock:
            self._change(number).head_repository = None

    def _change(self, number: int) -> Pull:
        pull = self.pulls[number]
        pull.updated_at = self.now()
        return pull

    # --- Everything else ---

    def comment(self, number: int, body: str, author: str = "dev") -> Comment:
        """Somebody comments on a pull request."""
        with self.lock:
            at = self.now()
            made = Comment(self.next_id(), number, self.person(author), body, at, at)
            self.comments[made.id] = made
            return made

    def comments_on(self, number: int, author: str | None = None) -> list[Comment]:
        with self.lock:
            return [
                found
                for found in self.comments.values()
                if found.number == number and (author is None or (found.author and found.author.login == author))
            ]

    def deploy(
        self, ref: str, task: str = "deploy", environment: str = "production", author: str = "dev"
    ) -> Deployment:
        """Somebody makes a deployment."""
        with self.lock:
            production, at = environment == "production", self.now()
            made = Deployment(self.next_id(), self.person(author), ref, ref, task, environment, production, at)
            self.deployments[made.id] = made
            return made

    def deployments_of(self, number: int) -> list[Deployment]:
        """The deployments of a pull request's environment, oldest first."""
        with self.lock:
            return [found for found in self.deployments.values() if found.task == f"envctl:pr-{number}"]

    def check(self, commit: str, context: str, state: str = "success", author: str = "dev") -> Status:
        """Somebody sets a status of a commit."""
        with self.lock:
            made = Status(self.next_id(), self.person(author), state, self.now(), context)
            self.statuses.setdefault(commit, []).append(made)
            return made

    def run(self, status: str = "in_progress", attempt: int = 1, run: int | None = None) -> int:
        """Start a workflow run, or say how one is doing now; return its id."""
        with self.lock:
            run = run or self.next_id()
            self.runs[run] = Run(run, attempt, status, "success" if status == "completed" else None)
            return run

    def rename(self, repository: str) -> None:
        """The repository gets another name; the old one redirects."""
        with self.lock:
            self.former_names.add(self.repository)
            self.repository = repository

    def hide(self) -> None:
        """The repository is private, and no token may see it any more."""
        with self.lock:
            self.hidden = True
