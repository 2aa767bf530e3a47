"""Ctrl-C and SIGTERM: passed on to Terraform once, then held back while it saves its state.

Terraform takes a second interrupt as an order to drop everything, state included. It runs in a session
of its own, so that a terminal's Ctrl-C reaches it through here only.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from subprocess import Popen
from types import FrameType
from typing import IO, Any

FIRST = "Stopping: Terraform was told to, and saves its state first. This can take a minute."
LATER = "Terraform is still saving its state; stopping it now would lose track of what exists."
_DEAF_S = 1.0


def lines(stream: IO[str]) -> Iterator[str]:
    """Yield what a child says, and hear a signal meanwhile, within a second at the latest.

    Python calls a handler between two of its instructions. A signal that comes right before a read that blocks is
    heard when that ends, and Terraform may say nothing for ten seconds: so another thread reads.
    """
    said: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        with suppress(ValueError):  # closed by whoever no longer listens
            for line in stream:
                said.put(line)
        said.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        with suppress(Empty):
            line = said.get(timeout=_DEAF_S)
            if line is None:
                return
            yield line


class Interrupts:
    """The process's signals. `say` tells the person what is being waited for."""

    def __init__(self, say: Callable[[str], None] = lambda text: None) -> None:
        self.received = 0
        self.say = say
        self._children: set[Popen[Any]] = set()
        self._untold: dict[Popen[Any], None] = {}
        self._starting = 0
        self._counting = threading.Lock()  # threads may start children at the same time; no handler takes it
        self._passed_on = False

    def install(self) -> None:
        """Take over SIGINT, SIGTERM and SIGHUP (a closed terminal) of this process (main thread only)."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                    signal.signal(number, self._handle)

    @contextmanager
    def child(self, start: Callable[[], Popen[Any]]) -> Iterator[Popen[Any]]:
        """Start a child that signals are passed on to for as long as the context lasts."""
        # A signal between fork and registration must not leave the child alone: it waits for us.
        with self._counting:
            before, self._starting = self.received, self._starting + 1
        try:
            process = start()
            self._untold[process] = None
            self._children.add(process)
        finally:
            with self._counting:
                self._starting -= 1
        if self.received > before:
            self._interrupt(process)
        try:
            yield process
        except BaseException:
            # Nobody listens any more: left alone, it would die of a broken pipe with its state unsaved.
            self._interrupt(process)
            process.communicate()
            raise
        finally:
            self._children.discard(process)
            self._untold.pop(process, None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received += 1
        if not self._children and not self._starting:
            if self._passed_on:  # Terraform has saved its state; what comes of it is being written down
                return
            raise KeyboardInterrupt
        self._passed_on = True
        for process in tuple(self._children):
            self._interrupt(process)
        # Raised from a handler, a full or closed stderr would end what is waited for.
        with suppress(OSError, RuntimeError):
            self.say(FIRST if self.received == 1 else LATER)

    def _interrupt(self, process: Popen[Any]) -> None:
        """Tell a child, once in its life: `pop` is atomic even when a signal comes in the middle of this."""
        if self._untold.pop(process, self) is None and process.poll() is None:
            process.send_signal(signal.SIGINT)
