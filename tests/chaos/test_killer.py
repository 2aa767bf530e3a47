"""The killer finds its victims by descent, strikes once, at its event, and ends nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos.killer import Event, Kill, Killer, Process, generations, process
from chaos.rules import Call

# A process that starts another, which starts a third; each notes the signals it gets in a file of its name.
FAMILY = """
import os, signal, subprocess, sys, time
place, depth = sys.argv[1], int(sys.argv[2])
note = lambda number, frame: open(os.path.join(place, str(depth)), "a").write(signal.Signals(number).name + "\\n")
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, note)
if depth < 2:
    subprocess.Popen([sys.executable, "-S", "-c", sys.argv[3], place, str(depth + 1), sys.argv[3]])
open(os.path.join(place, f"ready-{depth}"), "w").close()
for _ in range(600):
    time.sleep(0.05)
"""
VPC = Call("ec2", "CreateVpc", "POST", "/")
LOCK = Call("s3", "PutObject", "PUT", "/b/p/terraform.tfstate.tflock")


def wait_until(true: object, what: str) -> None:
    deadline = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


class Family:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = subprocess.Popen([sys.executable, "-S", "-c", FAMILY, str(place), "0", FAMILY])
        wait_until((place / "ready-2").exists, "three generations")
        self.members = [Process(self.root.pid, self.began), *(each for (each,) in generations(self.root.pid))]

    @property
    def began(self) -> int:
        found = process(self.root.pid)
        assert found
        return found.began

    def got(self, depth: int) -> list[str]:
        file = self.place / str(depth)
        return file.read_text().split() if file.exists() else []

    def end(self) -> None:
        for member in reversed(self.members):
            member.send(signal.SIGKILL)
        self.root.wait()


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(tmp_path)
    yield made
    made.end()


def killer(family: Family, kill: Kill) -> Killer:
    made = Killer(kill)
    made.follow(family.root.pid)
    return made


@pytest.mark.parametrize(("victim", "depth"), [("envctl", 0), ("terraform", 1), ("provider", 2)])
def test_one_generation_gets_the_signal(family: Family, victim: str, depth: int) -> None:
    killer(family, Kill(victim, "INT", Event(line="✓ create"))).on_line("  ✓ create: aws_vpc.this (0 s)")  # type: ignore[arg-type]
    wait_until(lambda: family.got(depth), "the signal")
    assert [family.got(n) for n in range(3)] == [["SIGINT"] if n == depth else [] for n in range(3)]


def test_everything_is_killed_at_once(family: Family) -> None:
    struck = killer(family, Kill("all", "KILL", Event("ec2", "Create*")))
    struck.on_call(VPC, "after")
    wait_until(lambda: not any(member.lives() for member in family.members), "all to be dead")
    assert len(struck.struck) == 3


def test_it_waits_for_its_call_and_strikes_once(family: Family) -> None:
    event = Event("s3", "PutObject", "*.tflock", "before", nth=2)
    waiting = killer(family, Kill("envctl", "TERM", event))
    for call, moment in [(VPC, "before"), (LOCK, "after"), (LOCK, "before")]:
        waiting.on_call(call, moment)  # type: ignore[arg-type]
    assert waiting.struck == []
    waiting.on_call(LOCK, "before")
    waiting.on_call(LOCK, "before")
    assert waiting.struck == [f"TERM {family.root.pid}"]


def test_a_cancelled_job_gets_three_signals_and_the_last_is_for_all(family: Family) -> None:
    waits: list[float] = []
    cancelled = Killer(
        Kill("envctl", "cancelled", Event(seconds=0.01)), lambda _, seconds: waits.append(seconds) is not None
    )
    cancelled.follow(family.root.pid)
    wait_until(lambda: not any(member.lives() for member in family.members), "all to be dead")
    assert waits == [0.01, 7.5, 2.5]
    assert cancelled.struck[0] == f"INT {family.root.pid}"
    assert [word.split()[0] for word in cancelled.struck] == ["INT", "TERM", "KILL", "KILL", "KILL"]
    assert family.got(1) == []


def test_who_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(20)"])
    try:
        waiting = Killer(Kill("terraform", "KILL", Event("ec2")))
        waiting.follow(child.pid)
        waiting.on_call(VPC, "after")
        assert waiting.struck == []
    finally:
        child.kill()
        child.wait()


def test_the_dead_and_their_successors_are_left_alone(family: Family) -> None:
    stranger = Process(os.getpid(), 1)  # this pid, but a process that began at another time
    assert not stranger.lives()
    assert not stranger.send(signal.SIGKILL)
    family.end()
    assert killer(family, Kill("envctl", "INT", Event(line="x"))).struck == []


def test_who_waited_for_the_end_knows_what_was_struck(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Process.send

    def slowly(self: Process, number: signal.Signals) -> bool:
        sent = send(self, number)
        time.sleep(0.3)
        return sent

    monkeypatch.setattr(Process, "send", slowly)
    striker = killer(family, Kill("all", "KILL", Event(line="x")))
    striking = threading.Thread(target=lambda: striker.on_line("x"))
    striking.start()
    family.root.wait()
    striker.finish()
    assert len(striker.struck) == 3
    striking.join()


def test_those_who_outlive_it_are_reaped(family: Family) -> None:
    follower = killer(family, Kill("envctl", "KILL", Event(line="x")))
    assert len(follower.note()) == 2
    follower.on_line("x")
    family.root.wait()
    assert sorted(follower.reap()) == sorted(member.pid for member in family.members[1:])
