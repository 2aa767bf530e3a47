"""The text of a comment -> the one command in it, if any. Pure.

A command is a line that begins with `/envctl`, outside code, quotations and HTML comments: what a reader of the
rendered page would not take for an order is none. Nothing of the text is ever repeated in an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from orchestrator import durations

CommandName = Literal["up", "destroy", "refresh-data", "extend", "pause", "resume", "status"]
PREFIX = "/envctl"
# GitHub's own bound of a comment, in characters.
_LONGEST = 65_536
_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>.*)")
_KNOWN = ", ".join(f"`{name}`" for name in get_args(CommandName))


@dataclass(frozen=True)
class Command:
    """What somebody asked for; `by` is the time that `extend` names, None: the configured one."""

    name: CommandName
    by: timedelta | None = None


@dataclass(frozen=True)
class Problem:
    """Somebody meant a command but wrote none: the sentence to answer with. It holds no word of theirs."""

    message: str


UNKNOWN = Problem(
    f"That is no command of envctl: after `{PREFIX}` comes one of {_KNOWN}, and only `extend` takes a time."
)
NO_TIME = Problem(f"`{PREFIX} extend` takes one time, such as `24h` or `3d`.")


def parse(body: str) -> Command | Problem | None:
    """Return the first command of a comment, what is wrong with it, or None when there is none."""
    for line in _spoken(body[:_LONGEST]):
        words = line.split()
        if words[:1] == [PREFIX] and line.startswith(PREFIX):
            return _command(words[1:])
    return None


def _command(words: list[str]) -> Command | Problem:
    name = next((name for name in get_args(CommandName) if words and words[0].lower() == name), None)
    if name is None:
        return UNKNOWN
    if name == "extend":
        return _extend(words[1:])
    return Command(name) if len(words) == 1 else UNKNOWN


def _extend(words: list[str]) -> Command | Problem:
    try:
        if len(words) > 1:
            return NO_TIME
        return Command("extend", durations.parse(words[0]) if words else None)
    except ValueError:
        return NO_TIME


def _spoken(body: str) -> Iterator[str]:
    """Yield the lines that are neither code nor hidden. Quoted and indented ones begin with something else."""
    fence: str | None = None
    hidden = False
    for line in re.split(r"\r\n|\r|\n", body):
        found = _FENCE.fullmatch(line)
        if fence is not None:
            if found and found["marks"].startswith(fence) and not found["info"].strip():
                fence = None
        elif hidden:
            hidden = "-->" not in line
        elif found and not (found["marks"][0] == "`" and "`" in found["info"]):
            fence = found["marks"]
        else:
            hidden = line.rfind("<!--") > line.rfind("-->")
            yield line
