"""Durations as people write them: `90s`, `30m`, `72h`, `7d`; and back, in words."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"(?P<number>[1-9][0-9]{0,5})(?P<unit>[smhd])")
MAXIMUM = timedelta(days=3650)


def parse(text: str) -> timedelta:
    """Return the duration that `text` names; ValueError says what is allowed."""
    found = _FORM.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(f"{text!r} is not a duration: write a number and s, m, h or d, as in 72h or 7d")
    duration = timedelta(seconds=int(found["number"]) * _UNITS[found["unit"]])
    if duration > MAXIMUM:
        raise ValueError(f"{text!r} is longer than {MAXIMUM.days}d")
    return duration


def compact(duration: timedelta) -> str:
    """Return `duration` in the form that `parse` reads, in the largest unit that divides it."""
    seconds = int(duration.total_seconds())
    for unit in "dhm":
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def in_words(seconds: float) -> str:
    """Return an age or a time left in its two largest units: `5 s`, `3 min 20 s`, `4 h 5 min`, `2 d 3 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    for size, name, lower_size, lower_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // lower_size
            return f"{whole // size} {name}" + (f" {rest} {lower_name}" if rest else "")
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
