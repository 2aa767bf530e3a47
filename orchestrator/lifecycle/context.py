"""What an operation is handed: values, rooms, a clock and an ear. Nothing is looked up behind its back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from orchestrator.aws.session import Session
from orchestrator.aws.store import Store
from orchestrator.config import Config
from orchestrator.events import Event, Step
from orchestrator.identity import Environment
from orchestrator.locks import BEAT_S
from orchestrator.terraform import Engine
from orchestrator.workspace import Workspace


class Looking(Protocol):
    """What it takes to look and to choose, and to change nothing."""

    @property
    def config(self) -> Config: ...
    @property
    def session(self) -> Session: ...
    @property
    def store(self) -> Store: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


@dataclass
class Stopwatch:
    """Seconds by step, on a monotonic clock that is handed in."""

    clock: Callable[[], float]
    emit: Callable[[Event], None]
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @contextmanager
    def step(self, name: str, text: str) -> Iterator[None]:
        """Announce a step, and say how long it took unless it failed."""
        self.emit(Step(name, text))
        began = self.clock()
        try:
            yield
        finally:
            took = self.clock() - began
            self.seconds[f"{name}_s"] = round(self.seconds.get(f"{name}_s", 0) + took, 2)
        self.emit(Step(name, text, took))

    def timings(self) -> dict[str, float]:
        return {**self.seconds, "total_s": round(self.clock() - self._began, 2)}


@dataclass(frozen=True)
class Context:
    """One environment and the means to work on it. `path_style` is for an S3 endpoint of one's own.

    `who` and `lock_info` are what a lock says of its owner; `run_is_over` asks GitHub whether an attempt of a
    run of Actions has ended (None: it does not know), where GitHub can be asked. `credentials_end` is when the
    credentials end, where they do and that is known; `beat_s` is how often a run of Actions gives a sign of life.
    """

    config: Config
    environment: Environment
    workspace: Workspace
    session: Session
    store: Store
    engine: Engine
    watch: Stopwatch
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    emit: Callable[[Event], None]
    path_style: bool = False
    who: str = ""
    lock_info: str = ""
    run_is_over: Callable[[int, int], bool | None] | None = None
    credentials_end: datetime | None = None
    beat_s: float = BEAT_S
