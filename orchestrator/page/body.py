"""Announcement -> the comment on its pull request, and the summary of its job. Pure.

The templates hold the words. Whatever they show is escaped by the environment they are rendered in, unless it
is of the type Markdown: forgetting to escape is not possible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator import durations
from orchestrator.announcement import Announcement, State
from orchestrator.errors import EnvctlError
from orchestrator.events import Resource
from orchestrator.outcome import Leftover, Outcome
from orchestrator.page import facts
from orchestrator.page.fault import fault_of
from orchestrator.page.markdown import Markdown, code, link, text
from orchestrator.page.marker import marker_of, render_marker
from orchestrator.page.workflow import status_of

if TYPE_CHECKING:
    import jinja2

T = TypeVar("T")

# GitHub takes comments of 65,536 characters and summaries of 1 MiB a step.
COMMENT_CHARACTERS = 60_000
SUMMARY_BYTES = 1_000_000
AROUND_BYTES = 40_000  # the longest text around the lists of a summary
_LISTED = 20  # of each list, in a comment
_LIST_CHARACTERS = 8_000

# A symbol and a word for each state: never a colour alone.
TITLES: dict[State, tuple[str, str]] = {
    "creating": ("⏳", "Creating"),
    "updating": ("🔄", "Updating"),
    "ready": ("✅", "Ready"),
    "unhealthy": ("⚠️", "Not healthy"),
    "failed": ("❌", "Failed"),
    "paused": ("⏸️", "Paused"),
    "waiting": ("🕒", "Waiting"),
    "refused": ("🚫", "No environment"),
    "destroying": ("🧹", "Destroying"),
    "destroyed": ("🏁", "Destroyed"),
}
_STATES: dict[str, State] = {state: state for state in TITLES}
_COMMANDS: tuple[State, ...] = ("creating", "updating", "ready", "unhealthy", "failed", "paused", "waiting")


def comment(announcement: Announcement) -> str:
    """Return the body of the one comment, at most COMMENT_CHARACTERS long, its marker in the last line."""
    outcome = announcement.outcome
    listed = {
        "left": _left(outcome, _LISTED, _LIST_CHARACTERS),
        "unfinished": _unfinished(outcome, _LISTED, _LIST_CHARACTERS),
    }
    marker = Markdown(render_marker(marker_of(announcement)))
    return _render("comment.md.j2", marker=marker, **_view(announcement), **listed).rstrip()


def summary(announcement: Announcement, limit: int = SUMMARY_BYTES) -> str:
    """Return the job's summary: what the comment says and all that it leaves out.

    It has at most `limit` bytes, if that is not less than AROUND_BYTES.
    """
    outcome = announcement.outcome
    view = _view(announcement)
    room = max(0, limit - AROUND_BYTES)
    left = _left(outcome, None, room // 4)
    unfinished = _unfinished(outcome, None, room // 4)
    resources = _fitted((outcome.resources if outcome else None) or (), _row, None, room // 4)
    return _render("summary.md.j2", **view, left=left, unfinished=unfinished, resources=resources)


def summary_of(outcome: Outcome, at: datetime, limit: int = SUMMARY_BYTES) -> str:
    """Return the job's summary of any command's outcome; `limit` as in `summary`."""
    environment, state = outcome.environment, _STATES.get(status_of(outcome) or "")
    if environment is None or state is None or outcome.command == "plan":
        return _of_command(outcome, limit)
    return summary(Announcement(state, environment, at, manifest=outcome.manifest, outcome=outcome), limit)


def _of_command(outcome: Outcome, limit: int) -> str:
    """Return the summary of what leaves no environment in a state: a plan, or an error before anything."""
    room = max(0, limit - AROUND_BYTES)
    planned = _fitted(outcome.resources or (), _planned, None, room // 4)
    error = outcome.error
    return _render(
        "command.md.j2",
        command=outcome.command,
        environment=outcome.environment,
        changes=outcome.changes,
        planned=planned,
        reason=text(error.message, 1200) if error else None,
        hint=text(error.hint, 600) if error else None,
        fault=fault_of(error) if error else None,
        notes=[text(note, 400) for note in outcome.notes[:20]],
    )


def _view(announcement: Announcement) -> dict[str, Any]:
    """Return what both templates show."""
    record, outcome, error = announcement.manifest, announcement.outcome, _error(announcement)
    symbol, word = TITLES[announcement.state]
    url = record.url if record and facts.serving(announcement) else None
    lived = (announcement.at - record.created_at).total_seconds() if record else None
    cost = outcome.cost if outcome else None
    return {
        "state": announcement.state,
        "leaving": facts.leaving(announcement),
        "commands": announcement.state in _COMMANDS,
        "symbol": Markdown(symbol),
        "word": Markdown(word),
        "url": link(url) if url else None,
        "environment": announcement.environment,
        "operation": record.operation.kind if record and record.operation else None,
        "was_complete": bool(record and record.applied_at),
        "recorded": record is not None,
        "facts": facts.facts(announcement),
        "usual": durations.in_words(announcement.usual_s) if announcement.usual_s else None,
        "reason": text(error.message if error else announcement.reason, 1200),
        "address": code(error.address) if error and error.address else None,
        "hint": text((error.hint if error else "") or announcement.hint, 600),
        "fault": fault_of(error) if error else None,
        "paused_at": facts.minute(record.paused_at) if record and record.paused_at else None,
        "paused_by": record.paused_by if record else None,
        "lived": durations.in_words(lived) if lived is not None else None,
        "spent": Markdown(facts.dollars(cost.total_usd(lived))) if cost and lived is not None else None,
        "basis": facts.basis(cost) if cost else None,
        "run": link(announcement.run_url, "the job's log and summary") if announcement.run_url else None,
        "at": facts.minute(announcement.at),
    }


def _error(announcement: Announcement) -> EnvctlError | None:
    return announcement.outcome.error if announcement.outcome else None


def _left(outcome: Outcome | None, count: int | None, room: int) -> list[Markdown]:
    return _fitted((outcome.left if outcome else None) or (), _leftover, count, room)


def _leftover(item: Leftover) -> Markdown:
    return Markdown(f"{code(item.arn)} ({text(item.why, 100)})")


def _unfinished(outcome: Outcome | None, count: int | None, room: int) -> list[Markdown]:
    resources = (outcome.resources if outcome else None) or ()
    return _fitted([r for r in resources if r.phase != "done"], lambda r: code(r.address), count, room)


def _row(resource: Resource) -> Markdown:
    took = durations.in_words(resource.elapsed_s)
    return Markdown(f"{code(resource.address)} | {text(resource.action, 20)} | {text(resource.phase, 20)} | {took}")


def _planned(resource: Resource) -> Markdown:
    return Markdown(f"{text(resource.action, 20)} {code(resource.address)}")


def _fitted(items: Sequence[T], line: Callable[[T], Markdown], count: int | None, room: int) -> list[Markdown]:
    """Return a line for each of as many items as fit into `count` and `room` bytes; a last one says how many do not."""
    kept: list[Markdown] = []
    for item in items[:count]:
        made = line(item)
        room -= len(made.encode()) + 10  # and the marks of a list or a table around it
        if room < 0:
            break
        kept.append(made)
    cut = len(items) - len(kept)
    elsewhere = "" if count is None else ": see the job's summary"
    return [*kept, Markdown(f"and {cut} more{elsewhere}")] if cut else kept


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("orchestrator"),
        # Jinja's own escaping knows HTML only. This one sees every value that a template shows.
        autoescape=False,  # noqa: S701
        finalize=lambda value: value if isinstance(value, Markdown) else text(value),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code
    return environment


def _render(template: str, **values: Any) -> str:
    return _templates().get_template(template).render(values)
