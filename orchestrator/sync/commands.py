"""What a comment on a pull request asks for: who may ask, what is done, what is answered.

A command changes what is remembered of the environment, and `sync` does the rest: killed after that, the
next `sync` of anybody completes what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from orchestrator.absence import Absence
from orchestrator.comment_command import Command, Problem, parse
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice
from orchestrator.github_event import CommentEvent
from orchestrator.identity import Environment
from orchestrator.lifecycle import records
from orchestrator.lifecycle.context import Context
from orchestrator.lifecycle.pause import pause
from orchestrator.lifecycle.records import Records
from orchestrator.lifecycle.refresh import refresh, survey
from orchestrator.lifecycle.up import UpOptions, up
from orchestrator.manifest import iso
from orchestrator.outcome import Outcome
from orchestrator.page.markdown import code, link, text
from orchestrator.sync.decision import CHANGING
from orchestrator.sync.one import announced, consider, sync, unless_sent_away
from orchestrator.sync.world import World

STRANGER = "Only people who may write to this repository can give commands to envctl."


class Conversation(Protocol):
    """The part of GitHub that a command is answered through."""

    def may_write(self, login: str) -> bool:
        """Return whether that person may push to the repository."""

    def react(self, comment: int, content: Literal["eyes", "rocket", "confused"]) -> None:
        """Put a reaction on a comment."""

    def reply(self, number: int, body: str, to: int) -> str:
        """Answer a comment, once."""


@dataclass(frozen=True)
class Means:
    """The world, the means to work on one environment, and how long to wait for health, in seconds."""

    world: World
    context: Context
    wait_s: float

    @property
    def records(self) -> Records:
        world = self.world
        return Records(world.config, world.session, world.store, world.now)


def obey(means: Callable[[], Means], github: Conversation, event: CommentEvent) -> Outcome:
    """Do what a comment asks for and answer it. Raises EnvctlError when GitHub cannot be asked who asks."""
    asked = parse(event.body)
    if asked is None:
        return Outcome("comment", notes=("There is no command in the comment.",))
    if not github.may_write(event.author):
        return _refuse(github, event, EnvctlError(ExitCode.POLICY, STRANGER))
    if isinstance(asked, Problem):
        return _refuse(github, event, EnvctlError(ExitCode.USAGE, asked.message))
    world = means().world
    _try(world, lambda: github.react(event.id, "eyes"))
    try:
        outcome = _do(means(), asked, event.pr)
    except EnvctlError as error:
        return _refuse(github, event, error)
    said = _answer(asked, outcome)
    _try(world, lambda: github.react(event.id, "rocket" if outcome.ok else "confused"))
    if said:
        _try(world, lambda: github.reply(event.pr, said, event.id))
    return outcome


def _do(means: Means, asked: Command, number: int) -> Outcome:
    world, context, environment = means.world, means.context, means.context.environment
    if asked.name == "status":
        return records.show(means.records, environment)
    if asked.name == "extend":
        return records.extend(means.records, environment, asked.by or world.config.limits.ttl)
    if asked.name == "up":
        _want_again(means, environment)
    by_hand = _meant(means, asked.name)
    if by_hand in ("refresh-data", "pause", "resume"):
        return _by_hand_and_on(means, by_hand, f"Somebody asked for it: `/envctl {asked.name}`.")
    if asked.name == "destroy":
        pull_request = world.github.pull_request(number)
        if pull_request:
            world.store.note_absence(environment, Absence(pull_request.head, world.now(), "asked"))
    return sync(world, context, means.wait_s)


def _by_hand_and_on(means: Means, name: str, reason: str) -> Outcome:
    """Do what was asked for, well or not, and then what others have left to us meanwhile; an interrupt ends it.

    Raises EnvctlError when it refuses, unless the environment is gone by then, or awake where that was asked for.
    """
    world, context, environment = means.world, means.context, means.context.environment
    try:
        outcome = announced(world, environment, reason, lambda: _by_hand(means, name))
    except EnvctlError as error:
        if error.code is ExitCode.INTERRUPTED or not _overtaken(world, environment):
            raise
        world.emit(Notice(f"The {name} was refused: {error.message}"))
        followed = sync(world, context, means.wait_s)
        if followed.ok and followed.status != "destroyed" and name != "resume":
            raise
        return followed
    if outcome.exit_code is ExitCode.INTERRUPTED or not _overtaken(world, environment):
        return outcome
    return sync(world, context, means.wait_s)


def _overtaken(world: World, environment: Environment) -> bool:
    """Return whether the pull request was closed, pushed to, or its environment sent away meanwhile.

    The run of whoever did that found us at work and left it to us. What went wrong with what was asked for, or with
    an earlier destroy, is not tried again here; and what has merely expired goes with the next sync.
    """
    try:
        case = consider(world, environment)
    except EnvctlError as error:
        world.emit(Notice(f"Whether the pull request has changed meanwhile is not known: {error.message}"))
        return False
    decision, record = case.decision, case.found.record
    if decision.action == "destroy":
        tried = record is None or (record.operation is not None and record.operation.kind == "destroy")
        return not tried and not decision.expired
    pushed = bool(record and record.commit and case.head and not case.head.startswith(record.commit))
    return decision.action in CHANGING and pushed


def _meant(means: Means, name: str) -> str:
    """Return what is asked for: who wants a paused environment up wants it awake, whatever the schedule says."""
    if name != "up":
        return name
    stored = means.world.store.read(means.context.environment)
    return "resume" if stored and stored.manifest.paused_at else name


def _by_hand(means: Means, name: str) -> Outcome:
    context, environment = means.context, means.context.environment
    if name == "pause":
        return pause(context, "person")
    if name == "resume":
        running, known = records.not_paused(means.records, environment), means.world.store.absence(environment)
        still_wanted = partial(unless_sent_away, means.world, environment, known)
        return running or up(context, UpOptions(wait_s=means.wait_s, still_wanted=still_wanted, kind="resume"))
    return refresh(context, survey(means.records, environment, None), means.wait_s)


def _want_again(means: Means, environment: Environment) -> None:
    """Forget that it was to be absent, and let what is there live on: an expired one is not replaced."""
    world = means.world
    world.store.purge([environment.absence_key])
    if world.store.read(environment) is not None:
        records.extend(means.records, environment, world.config.limits.ttl)


def _refuse(github: Conversation, event: CommentEvent, error: EnvctlError) -> Outcome:
    github.react(event.id, "confused")
    github.reply(event.pr, _said(error), event.id)
    return Outcome("comment", error=error, exit_code=error.code)


def _answer(asked: Command, outcome: Outcome) -> str:
    """Return the sentence that a command is answered with; the one comment says the rest."""
    record, environment = outcome.manifest, outcome.environment
    if outcome.error:
        return _said(outcome.error)
    if asked.name not in ("status", "extend") or record is None or environment is None:
        return ""
    at = f" at {link(record.url)}" if record.url else ""
    return f"{code(environment.name)} is {record.status}{at}; it lives until {iso(record.expires_at)}."


def _said(error: EnvctlError) -> str:
    return f"envctl: {text(error.message)} {text(error.hint)}".rstrip()


def _try(world: World, tell: Callable[[], object]) -> None:
    try:
        tell()
    except EnvctlError as error:
        world.emit(Notice(f"The comment could not be answered: {error.message}"))
