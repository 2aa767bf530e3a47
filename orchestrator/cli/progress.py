"""What a person sees while an operation runs: a live view on a terminal, lines and a heartbeat elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator import durations
from orchestrator.cli.terminal import Terminal
from orchestrator.events import Event, Notice, Resource, Step

if TYPE_CHECKING:
    from rich.console import Group

HEARTBEAT_S = 30.0
_SHOWN = 8  # resources under way in the live view
_DOING = {"create": "creating", "update": "changing", "delete": "destroying", "replace": "replacing"}


class Tally:
    """The events so far, folded: which step, what is under way since when, how much is done."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.step: Step | None = None
        self.step_began = 0.0
        self.done = self.failed = 0
        self.planned: dict[str, int] = {}
        self.running: dict[str, tuple[str, float]] = {}
        self.slowest: tuple[str, float] | None = None

    @property
    def total(self) -> int:
        return sum(self.planned.values())

    def feed(self, event: Event) -> None:
        if isinstance(event, Step):
            self._step(event)
        elif isinstance(event, Resource):
            self._resource(event)

    def _step(self, step: Step) -> None:
        if step.seconds is None:
            self.step, self.step_began = step, self.clock()
            if step.name in ("plan", "destroy"):
                self.planned.clear()
                self.done = self.failed = 0
        else:
            self.step = None
            self.running.clear()

    def _resource(self, resource: Resource) -> None:
        if resource.phase == "planned":
            # By address: applying a saved plan tells it all a second time.
            self.planned[resource.address] = 2 if resource.action == "replace" else 1
        elif resource.phase == "started":
            self.running[resource.address] = (resource.action, self.clock())
        elif resource.phase in ("done", "failed"):
            self.running.pop(resource.address, None)
            self.done += resource.phase == "done"
            self.failed += resource.phase == "failed"
            if self.slowest is None or resource.elapsed_s > self.slowest[1]:
                self.slowest = (resource.address, resource.elapsed_s)

    def longest_running(self) -> list[tuple[str, str, float]]:
        """Return (address, action, seconds) of what is under way, the longest first."""
        now = self.clock()
        return sorted(((a, act, now - t) for a, (act, t) in self.running.items()), key=lambda item: -item[2])

    def heartbeat(self) -> str | None:
        """Return one line on where things are, or None between steps."""
        if self.step is None:
            return None
        parts = [f"{self.step.text}: {durations.in_words(self.clock() - self.step_began)} so far"]
        if self.total:
            parts.append(f"{self.done} of {self.total} done")
        running = self.longest_running()
        if running:
            address, action, seconds = running[0]
            more = f" and {len(running) - 1} more" if len(running) > 1 else ""
            parts.append(f"{_DOING.get(action, action)} {address} ({durations.in_words(seconds)}){more}")
        return ", ".join(parts)


@contextmanager
def shown(terminal: Terminal, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[Event], None]]:
    """Yield where events go to; the display ends with the context."""
    if terminal.quiet:
        yield lambda event: None
    elif terminal.live:
        with _live(terminal, clock) as emit:
            yield emit
    else:
        with _lines(terminal, clock) as emit:
            yield emit


@contextmanager
def _lines(terminal: Terminal, clock: Callable[[], float]) -> Iterator[Callable[[Event], None]]:
    tally, lock, ended = Tally(clock), threading.Lock(), threading.Event()

    def emit(event: Event) -> None:
        with lock:
            tally.feed(event)
            line = _line(event, terminal.verbose)
            if line:
                terminal.err(f"{line}\n")

    def beat() -> None:
        while not ended.wait(HEARTBEAT_S):
            with lock:
                line = tally.heartbeat()
                if line:
                    terminal.err(f"  … {line}\n")

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield emit
    finally:
        ended.set()
        heart.join()


def _line(event: Event, verbose: bool) -> str | None:
    if isinstance(event, Step):
        if event.seconds is None:
            return f"→ {event.text}"
        return f"  {event.name} took {durations.in_words(event.seconds)}"
    if isinstance(event, Notice):
        return f"  {event.text}"
    if event.phase == "failed":
        return f"  ✗ failed: {event.address} after {durations.in_words(event.elapsed_s)}"
    if verbose and event.phase == "done":
        return f"  ✓ {event.action}: {event.address} ({durations.in_words(event.elapsed_s)})"
    return None


@contextmanager
def _live(terminal: Terminal, clock: Callable[[], float]) -> Iterator[Callable[[Event], None]]:
    # Loaded here: only a terminal pays for it.
    from rich.console import Console
    from rich.live import Live

    tally, lock = Tally(clock), threading.Lock()

    def view() -> Group:
        with lock:
            return _view(tally)

    console = Console(stderr=True, no_color=terminal.no_color or None, highlight=False)
    with Live(get_renderable=view, console=console, refresh_per_second=5, transient=True) as live:

        def emit(event: Event) -> None:
            with lock:
                tally.feed(event)
            line = _line(event, terminal.verbose)
            if line and not (isinstance(event, Step) and event.seconds is None):
                live.console.print(line, markup=False)

        yield emit


def _view(tally: Tally) -> Group:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if tally.step is None:
        return Group()
    head = Text(f"→ {tally.step.text}", style="bold")
    head.append(f"  {durations.in_words(tally.clock() - tally.step_began)}", style="dim")
    parts: list[Text | Table] = [head]
    if tally.total:
        row = Table.grid(padding=(0, 1))
        row.add_row(
            Text(" "),
            ProgressBar(total=tally.total, completed=tally.done, width=30),
            Text(f"{tally.done}/{tally.total} done" + (f", {tally.failed} failed" if tally.failed else "")),
        )
        parts.append(row)
    running = tally.longest_running()
    for address, action, seconds in running[:_SHOWN]:
        line = Text(f"  {_DOING.get(action, action)} ", style="cyan")
        line.append(address, style="default")
        line.append(f"  {durations.in_words(seconds)}", style="dim")
        parts.append(line)
    if len(running) > _SHOWN:
        parts.append(Text(f"  and {len(running) - _SHOWN} more", style="dim"))
    if tally.slowest and tally.slowest[1] >= 1:
        address, seconds = tally.slowest
        parts.append(Text(f"  slowest so far: {address} {durations.in_words(seconds)}", style="dim"))
    return Group(*parts)
