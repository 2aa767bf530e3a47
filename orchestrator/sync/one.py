"""`sync --pr N`: make one environment follow its pull request, both as they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from orchestrator import manifest
from orchestrator.absence import Absence
from orchestrator.announcement import Announcement, State
from orchestrator.aws.store import Stored
from orchestrator.errors import EnvctlError, ExitCode, NoRoom
from orchestrator.events import Notice
from orchestrator.identity import Environment
from orchestrator.lifecycle.context import Context
from orchestrator.lifecycle.destroy import destroy
from orchestrator.lifecycle.pause import pause
from orchestrator.lifecycle.up import UpOptions, up
from orchestrator.outcome import Decided, Outcome
from orchestrator.pull_request import PullRequest
from orchestrator.sync.decision import CHANGING, Decision, Found, decide
from orchestrator.sync.world import World

# A pull request that changes this often within one run is left to the run that its last change starts.
ROUNDS = 5


class Overtaken(EnvctlError):
    """The pull request is not what it was when this was decided; nothing was changed yet."""

    def __init__(self) -> None:
        super().__init__(ExitCode.LOCKED, "The pull request has changed meanwhile.", "It is looked at again.")


@dataclass(frozen=True)
class Case:
    """One round: the pull request and the environment as they were found, and what that asks for."""

    pull_request: PullRequest | None
    found: Found
    stored: Stored | None
    decision: Decision

    @property
    def head(self) -> str | None:
        return self.pull_request.head if self.pull_request else None


def sync(world: World, context: Context, wait_s: float | None = None) -> Outcome:
    """Look, decide and act until nothing is left to do; return the outcome of what was done last.

    `wait_s` is how long to wait for health in seconds, None: not at all.

    After each action the pull request is looked at again: closed meanwhile means destroy now, a new commit
    means once more. Raises EnvctlError when nothing could be looked at, and then nothing was changed.
    """
    environment = context.environment
    case: Case | None = None
    outcome: Outcome | None = None
    for _ in range(ROUNDS):
        try:
            newer = consider(world, environment)
        except EnvctlError as error:
            if outcome is None:
                raise
            # What was done was right for what the pull request was; the next sync looks again.
            world.emit(Notice(f"Whether the pull request has changed meanwhile is not known: {error.message}"))
            break
        if case and outcome and not _goes_on(case, newer):
            break
        case = newer
        try:
            outcome = _act(world, context, case, wait_s)
        except NoRoom as error:
            # Nothing is wrong with it: the account is full, and it is created when another environment goes.
            outcome, case = None, replace(case, decision=Decision("wait", error.message, error.hint))
            settle(world, environment, case)
            break
        if case.decision.action not in CHANGING or (outcome and outcome.exit_code is ExitCode.INTERRUPTED):
            break
    assert case is not None  # noqa: S101 - there is at least one round
    return _result(environment, case, outcome)


def look(world: World, environment: Environment) -> Outcome:
    """Return what `sync` would do now; nothing is changed and nobody is told. Raises EnvctlError."""
    case = consider(world, environment)
    outcome = Outcome("sync", environment, case.found.record)
    return replace(outcome, decisions=(decided(environment, case),), notes=(_would(case.decision),))


def _would(decision: Decision) -> str:
    return f"{decision.action}: {decision.reason} {decision.hint}".rstrip()


def consider(world: World, environment: Environment) -> Case:
    """Return one pull request, its environment and what to do. Raises EnvctlError when either cannot be asked."""
    return judge(world, environment, world.github.pull_request(environment.pr))


def judge(world: World, environment: Environment, pull_request: PullRequest | None) -> Case:
    """The same of a pull request that was just asked for."""
    found, stored = world.look(environment)
    now = world.now()
    return Case(pull_request, found, stored, decide(pull_request, found, now, world.config, world.night(now)))


def _goes_on(before: Case, newer: Case) -> bool:
    """Return whether there is more to do: what was just done, well or not, is not done again for the same commit.

    A create that failed has become an update: it is carried on by the next sync, unless the pull request was closed
    and opened again meanwhile, for then what was done does not count.
    """
    asked, was_asked = newer.decision.action, before.decision.action
    if asked not in CHANGING:
        return False
    same = asked == was_asked or (was_asked, asked) == ("create", "update")
    return newer.head != before.head or not same or (asked != "destroy" and _closed_meanwhile(before, newer))


def _closed_meanwhile(before: Case, newer: Case) -> bool:
    """Return whether another life of the environment ended since `before`, and the next one has not begun."""
    record, earlier = newer.found.record, before.found.record
    if record is None or record.closed_at is None:
        return False
    return earlier is None or earlier.generation != record.generation


def _act(world: World, context: Context, case: Case, wait_s: float | None) -> Outcome | None:
    """Do what was decided; None when the pull request changed before anything was done."""
    action = case.decision.action
    if action not in CHANGING:
        settle(world, context.environment, case)
        return None
    _remember(world, context.environment, case)
    if action == "pause":
        return _done(world, context, case, lambda: pause(context, "schedule"))
    try:
        return _destroy(world, context, case) if action == "destroy" else _up(world, context, case, wait_s)
    except Overtaken:
        return None


def _up(world: World, context: Context, case: Case, wait_s: float | None) -> Outcome:
    action = case.decision.action
    _tell(world, context.environment, case, "creating" if action == "create" else "updating")
    options = UpOptions(
        commit=case.head,
        wait_s=wait_s,
        lives=world.config.limits.ttl if _renews(case) else None,
        still_wanted=lambda: _still_wanted(world, context.environment, case),
        kind="resume" if action == "resume" else "up",
    )
    return _done(world, context, case, lambda: up(context, options))


def _destroy(world: World, context: Context, case: Case) -> Outcome:
    environment = context.environment
    _tell(world, environment, case, "destroying")
    unwanted = partial(_still_unwanted, world, environment, case)
    return _done(world, context, case, lambda: destroy(context, still_unwanted=unwanted))


def settle(world: World, environment: Environment, case: Case) -> None:
    """Do what is to be done where nothing is: what is remembered, and what people are told."""
    _remember(world, environment, case)
    action, record = case.decision.action, case.found.record
    if action == "refuse":
        _tell(world, environment, case, "refused")
    elif action == "wait" and not case.decision.closed:
        _tell(world, environment, case, "waiting")
    elif action == "nothing" and record is not None:
        _tell(world, environment, case, record.status)


def _remember(world: World, environment: Environment, case: Case) -> None:
    """Write down what must outlive this run, before anything is done.

    A closed pull request makes its record a tombstone: no `up` that is still under way wins against it. An
    environment that expired is noted to be absent on purpose; what ends that note removes it.
    """
    decision, absence = case.decision, case.found.absence
    if decision.closed and case.stored and case.stored.manifest.closed_at is None:
        now = world.now()
        world.store.update(environment, case.stored, lambda record: manifest.close(record, now))
    if decision.expired and case.head:
        world.store.note_absence(environment, Absence(case.head, world.now(), "expired"))
    elif absence and (decision.closed or decision.action in ("create", "update", "resume")):
        world.store.purge([environment.absence_key])


def _renews(case: Case) -> bool:
    """Return whether a new life, or a new commit, begins a new lease as well."""
    record = case.found.record
    if record is None or record.closed_at is not None or record.commit is None or case.head is None:
        return True
    return not case.head.startswith(record.commit)


def _still_wanted(world: World, environment: Environment, case: Case) -> None:
    """Look once more before anything is changed: it may be closed, pushed to, or sent away. Raises Overtaken."""
    assert case.head is not None  # noqa: S101 - only an open pull request gets an environment
    unless_sent_away(world, environment, None)  # what there was of a note, `_remember` has removed
    if _asked_again(world, environment, case) != case.pull_request:
        raise Overtaken


def unless_sent_away(world: World, environment: Environment, known: Absence | None) -> None:
    """Raise Overtaken when it was noted since, when the note was `known`, that it is to be absent on purpose."""
    if world.store.absence(environment) not in (None, known):
        raise Overtaken


def _still_unwanted(world: World, environment: Environment, case: Case) -> None:
    """Look once more before anything is taken away: it may be open again, or extended. Raises Overtaken."""
    stored, absence = world.store.read(environment), world.store.absence(environment)
    found = replace(case.found, record=stored.manifest if stored else None, absence=absence)
    again = decide(_asked_again(world, environment, case), found, world.now(), world.config)
    if again.action != "destroy":
        raise Overtaken


def _asked_again(world: World, environment: Environment, case: Case) -> PullRequest | None:
    """Return the pull request as it is now, or as it was a moment ago if it cannot be asked for."""
    try:
        return world.github.pull_request(environment.pr)
    except EnvctlError as error:
        world.emit(Notice(f"The pull request could not be asked for again, it was a moment ago: {error.message}"))
        return case.pull_request


def _done(world: World, context: Context, case: Case, work: Callable[[], Outcome]) -> Outcome:
    """Do the work and announce what came of it. What it refuses with is its outcome."""
    try:
        outcome = work()
    except (Overtaken, NoRoom):
        raise
    except EnvctlError as error:
        record = case.found.record
        outcome = Outcome("sync", context.environment, record, error=error, exit_code=error.code)
    record = outcome.manifest
    if case.decision.action == "destroy" or not (record and record.closed_at):  # else: it is about to be destroyed
        _tell(world, context.environment, case, _state(outcome), outcome)
    return outcome


def announced(world: World, environment: Environment, reason: str, work: Callable[[], Outcome]) -> Outcome:
    """Do what a person asked for and announce what came of it. Raises EnvctlError when it refuses."""
    outcome = work()
    record = outcome.manifest
    world.tell(
        Announcement(
            state=_state(outcome),
            environment=environment,
            at=world.now(),
            commit=record.commit if record else None,
            manifest=record,
            outcome=outcome,
            reason=reason,
            run_url=world.run_url,
        )
    )
    return outcome


_STATES: dict[ExitCode, State] = {ExitCode.LOCKED: "waiting", ExitCode.UNHEALTHY: "unhealthy"}


def _state(outcome: Outcome) -> State:
    if not outcome.ok:
        return _STATES.get(outcome.exit_code, "failed")
    if outcome.status == "destroyed":
        return "destroyed"
    return outcome.manifest.status if outcome.manifest else "ready"


def _tell(world: World, environment: Environment, case: Case, state: State, outcome: Outcome | None = None) -> None:
    decision, error = case.decision, outcome.error if outcome else None
    world.tell(
        Announcement(
            state=state,
            environment=environment,
            at=world.now(),
            commit=case.head,
            manifest=(outcome.manifest if outcome else None) or case.found.record,
            outcome=outcome,
            reason=error.message if error else decision.reason,
            hint=error.hint if error else decision.hint,
            usual_s=world.usual_s() if state == "creating" else None,
            run_url=world.run_url,
        )
    )


def _result(environment: Environment, case: Case, outcome: Outcome | None) -> Outcome:
    decision, record = case.decision, case.found.record
    if outcome is None:
        error = _not_done(case)
        code = error.code if error else ExitCode.DONE
        outcome = Outcome("sync", environment, record, error=error, exit_code=code)
    notes = outcome.notes
    if outcome.error is None:
        notes = (decision.reason, *((decision.hint,) if decision.hint else ()), *notes)
    return replace(outcome, command="sync", decisions=(decided(environment, case, outcome),), notes=notes)


def decided(environment: Environment, case: Case, outcome: Outcome | None = None) -> Decided:
    """Return the decision as it is reported, with how it ended if it was carried out."""
    decision, error = case.decision, outcome.error if outcome else None
    return Decided(
        environment,
        decision.action,
        error.message if error else decision.reason,
        error.hint if error else decision.hint,
        outcome.manifest if outcome else case.found.record,
        outcome.status if outcome else None,
        outcome.exit_code if outcome else ExitCode.DONE,
    )


def _not_done(case: Case) -> EnvctlError | None:
    """Return why somebody has to come back, or None when there was nothing to do."""
    decision = case.decision
    if decision.action in CHANGING:
        return EnvctlError(ExitCode.LOCKED, "The pull request keeps changing.", "Run it again when it rests.")
    if decision.action == "wait" and case.found.busy:
        return EnvctlError(ExitCode.LOCKED, decision.reason, decision.hint)
    return None
