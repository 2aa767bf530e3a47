"""Holding the lock of an environment for a whole operation, and telling a dead owner from a live one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from orchestrator import locks, manifest
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice
from orchestrator.lifecycle.context import Context
from orchestrator.locks import Lock
from orchestrator.manifest import OperationKind

_ATTEMPTS = 3
_LAST_BEAT_S = 10.0


class Holding:
    """One operation's hold on its environment. `id` is the lock's and the operation's in the manifest."""

    def __init__(self, context: Context, kind: OperationKind) -> None:
        self._context = context
        self.kind = kind
        self.id = uuid.uuid4().hex
        self._lock: Lock | None = None
        self._earlier: tuple[str, ...] = ()
        self._refused = False
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def take(self) -> None:
        """Take the lock, over the dead body of its owner if need be. Raises EnvctlError (locked)."""
        context = self._context
        # Noted before it is taken: killed in between, the next run of this checkout knows whose it is.
        self._earlier = tuple((context.workspace.read(context.workspace.lock_note) or "").split())
        context.workspace.write(context.workspace.lock_note, "\n".join((*self._earlier, self.id)) + "\n")
        created = context.now().isoformat(timespec="seconds")
        wanted = Lock(self.id, context.who, f"envctl {self.kind}", created, info=context.lock_info)
        for _ in range(_ATTEMPTS):
            held = context.store.take_lock(context.environment, wanted)
            if held.id == self.id:
                self._lock = held
                self._beat_now_and_then()
                return
            if not self._owner_is_dead(held):
                break
            context.emit(Notice(f"The lock of a dead run is removed: it was held {held.describe()}."))
            context.store.unlock(context.environment, held)
        self._refused = True
        raise _locked(context, held)

    def check(self) -> None:
        """Raise EnvctlError (locked) when somebody has broken our lock meanwhile (`envctl unlock`)."""
        held = self._context.store.lock(self._context.environment)
        if held is None or held.id != self.id:
            raise self.lost()

    def lost(self) -> EnvctlError:
        """Return what is said when another run is at work where this one thought that it was alone."""
        name = self._context.environment.name
        return EnvctlError(
            ExitCode.LOCKED,
            f"The lock of {name} was taken from this run.",
            "Run it again when nobody else is at it.",
        )

    def release(self) -> None:
        """Give the lock back. A failure is told and harms nothing: the next run knows that this one is dead."""
        self._ended.set()
        if self._heart is not None:  # a sign that is being given must not meet the next run's first word
            self._heart.join(_LAST_BEAT_S)
        context = self._context
        if self._lock is not None:
            try:
                context.store.unlock(context.environment, self._lock)
            except EnvctlError as error:
                context.emit(Notice(f"The lock could not be given back: {error.message} The next run removes it."))
                return
        if self._refused and self._earlier:
            context.workspace.write(context.workspace.lock_note, "\n".join(self._earlier) + "\n")
        elif self._refused or self._lock is not None:
            context.workspace.lock_note.unlink(missing_ok=True)
        # Else it is not known whether ours was stored: the note keeps it.

    def _owner_is_dead(self, lock: Lock) -> bool:
        """Return whether it is known, not guessed: age alone says nothing.

        We hold the checkout's own lock, which the kernel takes from every process that has ended, Terraform's
        included: whoever noted this lock here is dead. A run of GitHub Actions is dead when GitHub says that
        it is over and it has given no sign of life for a while.
        """
        if lock.id in self._earlier:
            return True
        context, run = self._context, locks.run_of(lock)
        if run is None or context.run_is_over is None or run.repository != context.environment.repository:
            return False
        stored = context.store.read(context.environment)
        if not locks.silent(lock, stored.manifest if stored else None, context.now()):
            return False
        try:
            return context.run_is_over(run.id, run.attempt) is True
        except EnvctlError as error:
            context.emit(Notice(f"Whether the run that holds the lock is over could not be asked: {error.message}"))
            return False

    def _beat_now_and_then(self) -> None:
        if self._context.lock_info:  # nobody judges another owner by it
            self._heart = threading.Thread(target=self._beat, daemon=True)
            self._heart.start()

    def _beat(self) -> None:
        context = self._context
        while not self._ended.wait(context.beat_s):
            with suppress(EnvctlError):  # one sign that is not given is no harm
                stored = context.store.read(context.environment)
                alive = manifest.beat(stored.manifest, self.id, context.now()) if stored else None
                if stored and alive and alive != stored.manifest:
                    # Not `update`: what is written a moment after somebody else's word could bring a dead record back.
                    context.store.write(context.environment, alive, stored)


@contextmanager
def holding(context: Context, kind: OperationKind) -> Iterator[Holding]:
    """Give back at the end what is taken within."""
    held = Holding(context, kind)
    try:
        yield held
    finally:
        held.release()


def _locked(context: Context, lock: Lock) -> EnvctlError:
    return EnvctlError(
        ExitCode.LOCKED,
        f"{context.environment.name} is locked by another run: {lock.describe()}.",
        "Try again when it has ended; if it is certainly dead, `envctl unlock`.",
    )
