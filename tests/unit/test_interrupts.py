"""Real signals to this process, real children that count what reaches them."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from orchestrator.interrupts import FIRST, LATER, Interrupts, lines

# Prints "up", then one line for each SIGINT, and ends with code 7 when its stdin is closed.
CHILD = """
import signal, sys
signal.alarm(20)  # whoever waits for a line that never comes shall not wait for ever
def told(*_): print("told", flush=True)
signal.signal(signal.SIGINT, told)
print("up", flush=True)
sys.stdin.read()
print("end", flush=True)
sys.exit(7)
"""


@pytest.fixture
def said():
    return []


@pytest.fixture
def interrupts(said):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup, and then rightly left so
    made = Interrupts(said.append)
    made.install()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def start():
    return subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def started():
    process = start()
    assert process.stdout.readline() == "up\n"
    return process


def send(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def ended(process):
    """Let the child end; return what it printed."""
    return process.communicate()[0].splitlines()


def test_the_first_signal_is_passed_on_and_later_ones_are_swallowed(interrupts, said):
    with interrupts.child(started) as process:
        send()
        assert process.stdout.readline() == "told\n"
        send()
        send(signal.SIGTERM)
        assert ended(process) == ["end"]
    assert process.returncode == 7
    assert said == [FIRST, LATER, LATER]
    assert interrupts.received == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_sigterm_or_a_closed_terminal_reaches_the_child_as_an_interrupt(interrupts, number):
    with interrupts.child(started) as process:
        send(number)
        assert process.stdout.readline() == "told\n"
        ended(process)


def test_a_signal_between_fork_and_registration_reaches_the_child(interrupts, said):
    def start_and_be_interrupted():
        process = started()
        send()
        assert process.poll() is None
        return process

    with interrupts.child(start_and_be_interrupted) as process:
        assert process.stdout.readline() == "told\n"
        assert ended(process) == ["end"]
    assert said == [FIRST]


def test_two_signals_before_registration_reach_the_child_as_one(interrupts):
    def start_and_be_interrupted():
        process = started()
        send()
        send()
        return process

    with interrupts.child(start_and_be_interrupted) as process:
        assert process.stdout.readline() == "told\n"
        assert ended(process) == ["end"]


def test_without_a_child_a_signal_ends_us(interrupts):
    with pytest.raises(KeyboardInterrupt):
        send()


def test_after_its_child_a_signal_ends_us_again(interrupts):
    with interrupts.child(started) as process:
        ended(process)
    with pytest.raises(KeyboardInterrupt):
        send()


def test_a_child_that_ended_is_left_alone(interrupts, said):
    with interrupts.child(started) as process:
        ended(process)
        send()
    assert said == [FIRST]


def test_a_child_that_does_not_start_leaves_nothing_behind(interrupts):
    def fail():
        raise FileNotFoundError("terraform")

    with pytest.raises(FileNotFoundError), interrupts.child(fail):
        pass
    with pytest.raises(KeyboardInterrupt):
        send()


def test_when_we_fail_the_child_is_told_and_waited_for(interrupts):
    with pytest.raises(BrokenPipeError), interrupts.child(started) as process:
        raise BrokenPipeError
    assert process.returncode == 7


def test_a_person_who_cannot_be_told_does_not_end_the_wait(interrupts):
    def broken(text):
        raise BrokenPipeError

    interrupts.say = broken
    with interrupts.child(started) as process:
        send()
        assert process.stdout.readline() == "told\n"
        assert ended(process) == ["end"]


def test_no_moment_of_the_hand_over_tells_a_child_twice(interrupts):
    """A signal at each line that starting and ending a child runs, one after the other."""
    for moment in itertools.count(1):
        told, lines = handed_over(interrupts, moment)
        assert told <= 1, f"told {told} times when the signal comes at line {moment}"
        if lines < moment:  # the last line was passed: no signal came
            break
    assert moment > 10


def handed_over(interrupts, moment):
    """Return how often a child was told, and how many lines ran, when a signal came at line `moment` of them."""
    process, lines = Silent(), 0

    def trace(frame, event, argument):
        nonlocal lines
        if not frame.f_code.co_filename.endswith("interrupts.py") or frame.f_code.co_name == "_handle":
            return None
        if event == "line":
            lines += 1
            if lines == moment:
                send()
        return trace

    sys.settrace(trace)
    try:
        with suppress(KeyboardInterrupt), interrupts.child(lambda: process):
            pass
    finally:
        sys.settrace(None)
    return process.told, lines


class Silent:
    """As much of a process as is told things."""

    told = 0

    def poll(self):
        return None

    def send_signal(self, number):
        self.told += 1

    def communicate(self):
        return None, None


def test_waiting_goes_on_after_a_signal(interrupts):
    with interrupts.child(lambda: subprocess.Popen(["sleep", "60"], start_new_session=True)) as process:
        send(signal.SIGTERM)
        assert process.wait() == -signal.SIGINT


def test_a_signal_that_interrupts_no_read_is_heard_though_the_child_is_silent(interrupts):
    """As one that comes right before the read does, or one that the system gives to another thread."""
    child, sender = started(), threading.Timer(0.3, send)
    sender.start()  # before this thread closes its ears: that one gets the signal itself
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with interrupts.child(lambda: child) as process:
            said = lines(process.stdout)
            assert next(said) == "told\n"
            process.stdin.close()
            assert list(said) == ["end\n"]
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        sender.join()


def test_what_a_child_says_is_heard_to_its_end():
    process = subprocess.Popen([sys.executable, "-c", "print('a\\nb', end='')"], stdout=subprocess.PIPE, text=True)
    with process:
        assert list(lines(process.stdout)) == ["a\n", "b"]
