"""Sends signals to envctl, to its Terraform or to Terraform's provider at a chosen event.

Processes are found from the pid that was started, down through /proc: envctl's children are Terraforms, their
children providers. Nothing is ever found by its name.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from chaos.proxy import Moment
from chaos.rules import Call

Victim = Literal["envctl", "terraform", "provider", "all"]
# GitHub's cancellation: INT to the step's first process, TERM 7.5 s later, 2.5 s later the end of all that is left
# (measured; see "State, locks, interruption" in docs/gotchas.md).
SEQUENCES: dict[str, tuple[tuple[float, str], ...]] = {
    "INT": ((0, "INT"),),
    "INT INT": ((0, "INT"), (0.7, "INT")),
    "INT TERM": ((0, "INT"), (0.7, "TERM")),
    "TERM": ((0, "TERM"),),
    "KILL": ((0, "KILL"),),
    "cancelled": ((0, "INT"), (7.5, "TERM"), (2.5, "KILL")),
}

NOT_THERE_YET_S = 0.2


@dataclass(frozen=True)
class Process:
    """A process and when it began, in clock ticks since boot: a pid alone may be somebody else's by now."""

    pid: int
    began: int

    def lives(self) -> bool:
        return _began(self.pid) == self.began

    def send(self, number: signal.Signals) -> bool:
        """Send a signal if the process is still this one; return whether it was sent."""
        if not self.lives():
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # the name in brackets may hold anything


def _began(pid: int) -> int | None:
    found = _stat(pid)
    return int(found[19]) if found and found[0] not in "ZX" else None


def process(pid: int) -> Process | None:
    """Return the living process of this pid."""
    began = _began(pid)
    return Process(pid, began) if began is not None else None


def generations(pid: int) -> list[list[Process]]:
    """Return the living descendants of `pid`: its children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _stat(int(entry.name))):
            children.setdefault(int(found[1]), []).append(int(entry.name))
    levels, level = [], sorted(children.get(pid, ()))
    while level:
        levels.append([made for each in level if (made := process(each))])
        level = sorted(child for each in level for child in children.get(each, ()))
    return levels


@dataclass(frozen=True)
class Event:
    """When to strike: at the nth call that matches, at a line on stderr that holds `line`, or after `seconds`."""

    service: str = ""
    action: str = "*"
    path: str = "*"
    moment: Moment = "after"
    nth: int = 1
    line: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.service:
            return f"{self.moment} call {self.nth} of {self.service}:{self.action}"
        return f"at line {self.line!r}" if self.line else f"after {self.seconds:.1f} s"


@dataclass(frozen=True)
class Kill:
    """Who gets which signals, and when."""

    victim: Victim
    how: str
    event: Event

    def __str__(self) -> str:
        return f"{self.how} to {self.victim} {self.event}"


class Killer:
    """Waits for its event, strikes once: later, if the victim is not there yet.

    It is handed the process, the proxy's calls and the lines of stderr.
    """

    def __init__(
        self, kill: Kill | None, wait: Callable[[threading.Event, float], bool] = threading.Event.wait
    ) -> None:
        self.kill = kill
        self.struck: list[str] = []
        """What was sent to whom."""
        self._wait = wait
        self._root: Process | None = None
        self._known: dict[int, Process] = {}
        self._matched = 0
        self._lock = threading.Lock()
        self._begun = False
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def follow(self, pid: int) -> None:
        """Begin: this is envctl. Descendants are noted while it runs, for `reap`."""
        self._root = process(pid)
        if self.kill and self.kill.event.seconds:
            self._thread(self._later)

    def on_call(self, call: Call, moment: Moment) -> None:
        """Take a call; strikes before it returns, so that the call stands still meanwhile."""
        event = self.kill.event if self.kill else None
        if not event or not event.service or moment != event.moment or self._begun:
            return
        if event.service != call.service or not fnmatchcase(call.path, event.path):
            return
        if any(fnmatchcase(call.action, each) for each in event.action.split("|")):
            with self._lock:
                self._matched += 1
                due = self._matched >= event.nth
            if due:
                self.strike()

    def on_line(self, line: str) -> None:
        event = self.kill.event if self.kill else None
        if event and event.line and event.line in line and not self._begun:
            self.strike()

    def strike(self) -> None:
        """Send the first signal now, the others from a thread of their own; nothing if the victim is not there yet."""
        with self._lock:
            if self._begun or not self.kill or not self._root:
                return
            steps = SEQUENCES[self.kill.how]
            self._begun = self._send(steps[0][1])
        if self._begun and len(steps) > 1:
            self._thread(lambda: self._follow_up(steps[1:]))

    def finish(self) -> None:
        """The process has ended: wait for what is still to be sent, if it is meant for others, and to be noted."""
        self._ended.set()
        with self._lock:  # of a strike that has just ended it
            pass
        for thread in self._threads:
            thread.join()

    def note(self) -> list[Process]:
        """Note who descends from the process now; return everyone noted so far who lives."""
        if self._root:
            for level in generations(self._root.pid):
                self._known.update({each.pid: each for each in level})
        return [each for each in self._known.values() if each.lives()]

    def reap(self) -> list[int]:
        """End everyone who was noted and still lives, as a runner does after a job; return their pids."""
        found = [each for each in self.note() if each.send(signal.SIGKILL)]
        return [each.pid for each in found]

    def _thread(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def _later(self) -> None:
        assert self.kill
        wait = self.kill.event.seconds
        while not self._begun and not self._wait(self._ended, wait):
            self.strike()
            wait = NOT_THERE_YET_S

    def _follow_up(self, steps: tuple[tuple[float, str], ...]) -> None:
        for seconds, name in steps:
            if self._wait(self._ended, seconds):
                return
            self._send(name)

    def _send(self, name: str) -> bool:
        sent = [victim for victim in self._victims(name) if victim.send(signal.Signals[f"SIG{name}"])]
        self.struck += [f"{name} {victim.pid}" for victim in sent]
        return bool(sent)

    def _victims(self, name: str) -> list[Process]:
        assert self.kill
        assert self._root
        levels = generations(self._root.pid)
        self._known.update({each.pid: each for level in levels for each in level})
        everyone = [self._root, *(each for level in levels for each in level)]
        if self.kill.victim == "all" or (self.kill.how == "cancelled" and name == "KILL"):
            return everyone
        depth = {"envctl": 0, "terraform": 1, "provider": 2}[self.kill.victim]
        if depth == 0:
            return [self._root]
        return levels[depth - 1] if len(levels) >= depth else []
