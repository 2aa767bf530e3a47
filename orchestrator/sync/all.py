"""`sync --all`: every environment in the bucket, every open pull request, and what only the account knows of.

What frees or keeps something comes first, new environments after it, oldest pull request first, as many as
there may be. Each is worked on by a run of its own, so that none can take another down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from orchestrator.errors import EnvctlError, ExitCode, NoRoom
from orchestrator.identity import Environment, repository_prefix
from orchestrator.outcome import Decided, Outcome
from orchestrator.pull_request import PullRequest
from orchestrator.sync.decision import CHANGING, Decision, decide
from orchestrator.sync.one import Case, decided, judge, settle
from orchestrator.sync.world import World

# From bad to worse: what a person has to do about it, and how soon.
SEVERITY = (
    ExitCode.DONE,
    ExitCode.CHANGES,
    ExitCode.LOCKED,
    ExitCode.POLICY,
    ExitCode.UNHEALTHY,
    ExitCode.USAGE,
    ExitCode.CREDENTIALS,
    ExitCode.TERRAFORM,
    ExitCode.NOT_CLEAN,
    ExitCode.UNEXPECTED,
    ExitCode.INTERRUPTED,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the one of `codes` that most wants somebody's attention."""
    return max(codes, key=SEVERITY.index, default=ExitCode.DONE)


@dataclass(frozen=True)
class Fleet:
    """All environments of a repository: how to name one, how to run one, how many at once.

    `quota` looks at the account, and returns what raises NoRoom for that many more environments.
    """

    world: World
    environment: Callable[[int], Environment]
    run: Callable[[Environment], Decided]
    parallel: int = 1
    quota: Callable[[], Callable[[int], None]] = lambda: lambda environments: None


def sync_all(fleet: Fleet, dry_run: bool = False) -> Outcome:
    """Make all environments follow. Raises EnvctlError when bucket, account or GitHub cannot be listed."""
    cases, results = _consider_all(fleet)
    creating = [n for n, case in cases.items() if case.decision.action == "create"]
    first = [n for n, case in cases.items() if case.decision.action in CHANGING and n not in creating]
    if dry_run:
        leaving = sum(cases[n].decision.action == "destroy" and cases[n].found.record is not None for n in first)
        _queue(fleet, cases, creating, leaving)
        results |= {n: decided(fleet.environment(n), case) for n, case in cases.items()}
    else:
        # At once: what a look has found is not true any more when the others have been worked on.
        results |= {n: _settled(fleet, n, case) for n, case in cases.items() if case.decision.action not in CHANGING}
        results |= _run(fleet, first)
        _queue(fleet, cases, creating, leaving=0)
        results |= _run(fleet, [number for number in creating if cases[number].decision.action in CHANGING])
        results |= {n: _still_waiting(fleet, n, cases[n]) for n in creating if n not in results}
    return _outcome([results[n] for n in sorted(results)])


def _consider_all(fleet: Fleet) -> tuple[dict[int, Case], dict[int, Decided]]:
    """Return what is to be done by pull request, and what could not be decided."""
    world = fleet.world
    is_open = {found.number: found for found in world.github.open_pull_requests()}
    kept = world.store.numbers(repository_prefix(world.config))
    # Any environment will do to ask which are tagged; without any the question is still worth asking.
    tagged = world.tagged(fleet.environment(1))
    cases: dict[int, Case] = {}
    failed: dict[int, Decided] = {}
    for number in sorted({*is_open, *kept, *tagged}):
        try:
            cases[number] = _consider(fleet, number, is_open.get(number))
        except EnvctlError as error:
            environment = fleet.environment(number)
            failed[number] = Decided(environment, "refuse", error.message, error.hint, exit_code=error.code)
    return cases, failed


def _consider(fleet: Fleet, number: int, listed: PullRequest | None) -> Case:
    # One that was not listed may have been opened since: only its own answer says that it is closed.
    pull_request = listed or fleet.world.github.pull_request(number)
    case = judge(fleet.world, fleet.environment(number), pull_request)
    if not case.found.full:
        return case
    # Who is to wait is decided for all together.
    found, now = replace(case.found, full=False), fleet.world.now()
    return replace(case, found=found, decision=decide(pull_request, found, now, fleet.world.config))


def _queue(fleet: Fleet, cases: dict[int, Case], creating: list[int], leaving: int) -> None:
    """Decide once more for those of `creating` that there is no room for: the oldest come first."""
    world = fleet.world
    there = world.store.count(repository_prefix(world.config)) - leaving
    room = max(0, world.config.limits.max_environments - there)
    for number in creating[room:]:
        case = cases[number]
        found = replace(case.found, full=True)
        cases[number] = replace(case, found=found, decision=decide(case.pull_request, found, world.now(), world.config))
    _queue_for_quota(fleet, cases, creating[:room], leaving)


def _queue_for_quota(fleet: Fleet, cases: dict[int, Case], creating: list[int], leaving: int) -> None:
    """Let those wait that the account has no quota for: runs that begin at once would all see the same room."""
    refuse = fleet.quota() if creating else None
    for place, number in enumerate(creating, 1):
        try:
            if refuse and place > leaving:
                refuse(place - leaving)
        except NoRoom as error:
            cases[number] = replace(cases[number], decision=Decision("wait", error.message, error.hint))


def _run(fleet: Fleet, numbers: list[int]) -> dict[int, Decided]:
    environments = [fleet.environment(number) for number in numbers]
    if fleet.parallel == 1:
        return {environment.pr: fleet.run(environment) for environment in environments}
    with ThreadPoolExecutor(fleet.parallel) as pool:
        return dict(zip(numbers, pool.map(fleet.run, environments), strict=True))


def _settled(fleet: Fleet, number: int, case: Case) -> Decided:
    environment = fleet.environment(number)
    try:
        settle(fleet.world, environment, case)
    except EnvctlError as error:
        return Decided(environment, case.decision.action, error.message, error.hint, exit_code=error.code)
    return decided(environment, case)


def _still_waiting(fleet: Fleet, number: int, case: Case) -> Decided:
    """Settle one that there is no room for, if it would still be created; else its own run has settled it."""
    environment = fleet.environment(number)
    try:
        newer = _consider(fleet, number, None)
    except EnvctlError as error:
        return Decided(environment, "refuse", error.message, error.hint, exit_code=error.code)
    if newer.decision.action == "create":
        return _settled(fleet, number, replace(newer, decision=case.decision))
    return decided(environment, newer)


def _outcome(results: list[Decided]) -> Outcome:
    failed = [result for result in results if result.exit_code is not ExitCode.DONE]
    code = worst(result.exit_code for result in failed)
    error = None
    if failed:
        names = ", ".join(f"#{result.environment.pr}" for result in failed)
        first = next(result for result in failed if result.exit_code is code)
        error = EnvctlError(
            code,
            f"{len(failed)} of {len(results)} did not follow: {names}. #{first.environment.pr}: {first.reason}",
            first.hint,
        )
    return Outcome("sync", decisions=tuple(results), error=error, exit_code=code)
