"""`make chaos`: seeded scenarios, each of which must come to a good end, and a table of what came of them.

PYTHONPATH=tests python -m chaos.run --runs 200 --seed 1
PYTHONPATH=tests python -m chaos.run --seed 1 --only 37      one of them again
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "functional")]  # also in the processes that are started from here

from chaos.play import Result, play  # noqa: E402
from chaos.scenarios import KINDS, Scenario, draw, draw_all  # noqa: E402
from chaos.stage import Account  # noqa: E402

from orchestrator.sandbox import control  # noqa: E402

HOME = TESTS.parent / ".envctl" / "chaos"


def work(number: int, home: Path, tasks: Any, results: Any) -> None:
    """One worker: an account of its own, scenarios until there are no more."""
    signal.signal(signal.SIGTERM, _stopped)
    account = Account(home / f"account-{number}")
    while (scenario := tasks.get()) is not None:
        log = home / "logs" / f"{scenario.seed}-{scenario.number}.log"
        try:
            result = play(scenario, account, home / f"world-{number}", log)
        except Exception:  # noqa: BLE001 - the bench itself broke: that is a failed scenario, not the end
            result = Result(scenario, trouble=[f"the bench broke: {traceback.format_exc()}"])
        results.put(result)
        if not result.ok:
            account.renew()
    account.stop()


def _stopped(*_: object) -> None:
    """SIGTERM, so that what was started is ended."""
    sys.exit(143)


def play_all(scenarios: Sequence[Scenario], workers: int, home: Path) -> list[Result]:
    """Play them, several at a time; tells of each as it ends."""
    (home / "logs").mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    tasks, results = context.Queue(), context.Queue()
    # The long ones first: nobody waits for the last of them alone.
    for scenario in sorted(scenarios, key=lambda each: each.stage != "full"):
        tasks.put(scenario)
    team = [
        context.Process(target=work, args=(n, home, tasks, results), daemon=True)
        for n in range(1, min(workers, len(scenarios)) + 1)
    ]
    for _ in team:
        tasks.put(None)
    for each in team:
        each.start()
    began, done = time.monotonic(), []
    try:
        while len(done) < len(scenarios):
            if results.empty() and not any(each.is_alive() for each in team):
                break
            try:
                done.append(results.get(timeout=5))
            except queue.Empty:  # look whether anybody still works
                continue
            _tell(done[-1], len(done), len(scenarios), time.monotonic() - began)
        for each in team:
            each.join(60)
    finally:
        for each in team:
            each.terminate()
            each.join(20)
        for n in range(1, len(team) + 1):
            control.stop(home / f"account-{n}")
    return sorted(done, key=lambda result: result.scenario.number)


def _tell(result: Result, number: int, of: int, seconds: float) -> None:
    verdict = "ok " if result.ok else "BAD"
    print(
        f"[{seconds / 60:5.1f} min] {number:3}/{of} {verdict} {result.scenario.number:3} {result.scenario.kind}"
        f" ({result.scenario.operation}, {result.scenario.stage}, {result.seconds:.0f} s, {result.faults} faults,"
        f" {result.tries} tries)",
        file=sys.stderr,
        flush=True,
    )


def table(results: Sequence[Result]) -> str:
    """Return the table: a row for each kind of fault that was played, and the sum."""
    head = ("kind of fault", "runs", "hit", "converged", "leftovers", "state lost", "databases replaced", "doubled")
    rows = [head]
    for name in [*(kind.name for kind in KINDS), "all"]:
        of = [result for result in results if name in ("all", result.scenario.kind)]
        if of:
            rows.append((name, *map(str, _counted(of))))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    lines.insert(1, "-" * len(lines[0]))
    lines.insert(-1, "-" * len(lines[0]))
    return "\n".join(lines)


def _counted(results: Sequence[Result]) -> tuple[int, ...]:
    return (
        len(results),
        sum(bool(each.faults) for each in results),
        sum(each.converged for each in results),
        sum(bool(each.leftovers) for each in results),
        sum(bool(each.lost) for each in results),
        sum(bool(each.replaced) for each in results),
        sum(bool(each.doubled) for each in results),
    )


def complaint(result: Result, home: Path) -> str:
    """Return what is wrong with a scenario, and how to play it again."""
    scenario = result.scenario
    lines = [f"\n✗ scenario {scenario.number}, seed {scenario.seed}: {scenario.kind}", f"  {scenario}"]
    for part in ("trouble", "leftovers", "lost", "replaced", "doubled"):
        found = getattr(result, part)
        lines += [f"  {part}: {each[:700]}" for each in found[:4]]
        lines += [f"  {part}: and {len(found) - 4} more"] if len(found) > 4 else []
    full = " --full" if scenario.stage == "full" else ""
    lines.append(f"  what envctl said: {home / 'logs' / f'{scenario.seed}-{scenario.number}.log'}")
    lines.append(
        f"  again: PYTHONPATH=tests .venv/bin/python -m chaos.run --seed {scenario.seed} --only {scenario.number}{full}"
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Plays scenarios of faults and says what came of them.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="numbers of scenarios to play, as in 3,17")
    parser.add_argument("--kind", help="only kinds whose name holds this")
    parser.add_argument("--stage", choices=("small", "fake", "full"), help="only those")
    parser.add_argument("--full", action="store_true", help="with --only: on the environment as it is shipped")
    parser.add_argument("--full-runs", type=int, default=4, help="how many of the runs are on it")
    parser.add_argument("--workers", type=int, default=2, help="scenarios at a time, an emulator each")
    parser.add_argument("--list", action="store_true", help="print the scenarios and play none")
    parser.add_argument("--home", type=Path, default=HOME, help="where worlds and logs lie")
    options = parser.parse_args(arguments)
    if options.only:
        scenarios = [draw(options.seed, int(each), options.full) for each in options.only.split(",")]
    else:
        scenarios = draw_all(options.seed, options.runs, options.full_runs)
    scenarios = [s for s in scenarios if (options.kind or "") in s.kind and options.stage in (None, s.stage)]
    if options.list:
        for each in scenarios:
            print(f"{each.number:3} {each.kind}: {each}")
        return 0
    options.home = options.home.resolve()
    signal.signal(signal.SIGTERM, _stopped)
    shutil.rmtree(options.home / "logs", ignore_errors=True)
    print(f"{len(scenarios)} scenarios of seed {options.seed}, {options.workers} at a time", file=sys.stderr)
    results = play_all(scenarios, options.workers, options.home)
    print(table(results))
    for each in results:
        if not each.ok:
            print(complaint(each, options.home))
    missing = len(scenarios) - len(results)
    if missing:
        print(f"\n{missing} scenarios came to no end: the bench itself broke.")
    return 0 if not missing and all(each.ok for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
