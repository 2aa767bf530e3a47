"""Plays one scenario and says what came of it.

A fault-free beginning (for an update or a destroy), the operation under its fault, then the same wish again and
again without faults, a plan that must be empty, and a destroy after which the account must be as it was before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from chaos.killer import Killer
from chaos.rules import Rules
from chaos.scenarios import Scenario
from chaos.stage import COMMITS, OLD_SNAPSHOT, Account, Checkout, Faults, Looks, Ran

TRIES = 6
GIVE_UP = 2  # times that the same error came again, and nobody is at work any more
LIMIT_S = {"small": 300.0, "fake": 120.0, "full": 1200.0}
LOCKED, NOTHING_TO_DO = 5, 0
PAUSE_S = 2.0  # before asking again what is locked


@dataclass
class Result:
    """What came of a scenario; `trouble` says why it failed."""

    scenario: Scenario
    converged: bool = False
    leftovers: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    tries: int = 0
    faults: int = 0
    seconds: float = 0.0
    trouble: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.converged and not (self.leftovers or self.lost or self.replaced or self.doubled)


def play(scenario: Scenario, account: Account, directory: Path, log: Path) -> Result:
    """Play `scenario` in a clean account; `log` gets everything that envctl said."""
    result, began = Result(scenario), time.monotonic()
    with log.open("w") as stream:

        def say(text: str) -> None:
            stream.write(f"{text}\n")
            stream.flush()

        say(f"scenario {scenario.number} of seed {scenario.seed}: {scenario.kind}\n{scenario}\n")
        faults = Faults(account.sandbox.endpoint)
        try:
            checkout = Checkout(directory, scenario, account, faults.proxy.endpoint, say)
            _Play(scenario, account, checkout, faults, result).run()
        finally:
            faults.proxy.stop()
        for part in ("trouble", "leftovers", "lost", "doubled", "replaced"):
            say("".join(f"{part}: {each}\n" for each in getattr(result, part)).rstrip())
    result.seconds = time.monotonic() - began
    return result


class _Play:
    def __init__(
        self, scenario: Scenario, account: Account, checkout: Checkout, faults: Faults, result: Result
    ) -> None:
        self.scenario = scenario
        self.account = account
        self.checkout = checkout
        self.faults = faults
        self.result = result
        self.limit_s = LIMIT_S[scenario.stage]
        self.commit = COMMITS[0]

    def run(self) -> None:
        if self.scenario.operation != "create" and not self._first_up():
            return
        killer = self._operate()
        # What was begun may still be at work when nobody but envctl was killed: that is envctl's to notice.
        reached = self._converge(killer)
        killer.reap()
        if not reached:
            return
        self._gone()

    def _first_up(self) -> bool:
        older = ("--snapshot", OLD_SNAPSHOT) if self.scenario.operation == "refresh" else ()
        ran = self._envctl("up", "--yes", "--commit", self.commit, *older)
        if ran.code != 0:
            self.result.trouble.append(f"before any fault: {ran}")
        if self.scenario.operation == "update":
            self.commit = COMMITS[1]
            if self.scenario.stage == "fake":
                self.checkout.change()
        return ran.code == 0

    def _operate(self) -> Killer:
        killer = Killer(self.scenario.kill)
        rules = Rules(self.scenario.rules, self.scenario.number)
        self.faults.set(rules, killer)
        self.base = self._look()
        ran = self._envctl(*self._wish(self.scenario.operation), killer=killer)
        self.result.faults = sum(rules.hits.values()) + len(killer.struck)
        self.checkout.log(f"faults: {rules.hits}; signals: {killer.struck}\n")
        if ran.is_a_bug:
            self.result.trouble.append(f"a bug: {ran}")
        self.faults.clear()
        if self.scenario.elsewhere:  # a runner ends what a job has left
            killer.reap()
        self.after = self._look()
        return killer

    def _wish(self, operation: str) -> tuple[str, ...]:
        if operation == "destroy":
            return ("destroy", "--yes")
        if operation == "refresh":
            return ("refresh-data", "--yes")
        if operation == "pause":
            return ("pause",)
        return ("up", "--yes", "--commit", self.commit)

    def _look(self) -> Looks:
        return self.account.look(self.checkout.errored)

    def _converge(self, killer: Killer) -> bool:
        if self.scenario.elsewhere:
            self.checkout.move(self.scenario)
        if self.scenario.then == "destroy":
            return True  # what follows is the destroy anyway
        if self.scenario.then == "again" and not (self._repeat(self.scenario.operation, killer) and self._as_asked()):
            return False
        if not self._repeat("up", killer):
            return False
        plan = self._envctl("plan", "--fail-on-changes", "--commit", self.commit)
        if plan.code != NOTHING_TO_DO:
            self.result.trouble.append(f"the plan is not empty: {plan} {plan.body.get('resources')}")
            return False
        self._compare()
        return True

    def _as_asked(self) -> bool:
        """Return whether what was asked for again is so."""
        now = self._look()
        if self.scenario.operation == "refresh":
            if now.snapshot == self.base.snapshot:
                self.result.trouble.append(f"refreshed, and the data is still of {now.snapshot}")
        elif awake := [name for name, status in now.statuses.items() if status not in ("stopping", "stopped")]:
            self.result.trouble.append(f"paused, and awake: {awake}")
        return not self.result.trouble

    def _compare(self) -> None:
        """Hold what is there after convergence against what was there when the fault was over."""
        now = self._look()
        if self.after.managed and self.after.lineage and now.lineage != self.after.lineage:
            self.result.lost.append(f"the state of lineage {self.after.lineage} was given up for {now.lineage}")
        for kind, ids in now.tagged.items():
            self.result.doubled += [f"{kind} {each} is in no state" for each in ids if each not in now.state]
        if self.after.managed:
            known = [each for ids in self.after.tagged.values() for each in ids if each in self.after.state]
            self.result.lost += [
                f"{each} was in the state and is not any more"
                for each in known
                if each not in now.state and any(each in ids for ids in now.tagged.values())
            ]
        self.result.trouble += [f"{name} is {status}" for name, status in now.statuses.items() if status != "available"]
        if self.scenario.operation == "refresh":
            self._compare_data(now)
            return
        # One that no state knew before anything was complete holds nobody's work: it may be deleted and made again.
        kept = self.after.databases if '"aws_rds_cluster"' in self.after.state else {}
        for name, identity in (self.base.databases | kept).items():
            if now.databases.get(name) != identity and self.scenario.operation != "destroy":
                self.result.replaced.append(f"{name} was {identity} and is {now.databases.get(name)}")

    def _compare_data(self, now: Looks) -> None:
        """A refresh replaces the database on purpose: exactly when the record says that its data is another's."""
        for name, identity in self.base.databases.items():
            if (now.databases.get(name) == identity) is not (now.snapshot == self.base.snapshot):
                self.result.replaced.append(
                    f"{name} was {identity} of {self.base.snapshot}, and {now.databases.get(name)} is said to be of "
                    f"{now.snapshot}"
                )

    def _gone(self) -> None:
        if not self._repeat("destroy", Killer(None)):
            return
        self.result.converged = not self.result.trouble
        left = self.account.difference()
        self.result.leftovers = str(left).splitlines() if left else []

    def _repeat(self, operation: str, killer: Killer) -> bool:
        """Ask for the same thing until it is so, as the next runs of a pull request do."""
        ran, same, waited = None, 0, not self.scenario.elsewhere
        for _ in range(TRIES):
            if ran is not None:
                time.sleep(PAUSE_S)
            before, ran = ran, self._envctl(*self._wish(operation))
            self.result.tries += 1
            if ran.code == 0:
                return True
            if ran.is_a_bug:
                self.result.trouble.append(f"a bug: {ran}")
                return False
            same = same + 1 if before and before.gist == ran.gist else 0
            if ran.hung or (same >= GIVE_UP and not killer.note()):
                break
            if ran.code == LOCKED and not waited:
                # On another machine only GitHub knows that the run is over, and is asked when it has been silent.
                self.checkout.log("five minutes go by\n")
                self.account.let_time_pass()
                waited = True
        self.result.trouble.append(f"never came to an end: {ran}")
        return False

    def _envctl(self, *arguments: str, killer: Killer | None = None) -> Ran:
        return self.checkout.envctl(*arguments, limit_s=self.limit_s, killer=killer)
