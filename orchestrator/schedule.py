"""When environments are paused by the clock: `Mon-Fri 20:00-07:00 Europe/Berlin`, several by commas. Pure.

A window begins at a local time on each of its days and ends at the next local time of its end: on the same
day, or, where that is not later, on the following one. Clocks that go forward or back within it change how
long it lasts and not when, by the clock on the wall, it begins and ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FORM = "Mon-Fri 20:00-07:00 Europe/Berlin"

_DAY = "|".join(DAYS)
_WINDOW = re.compile(
    rf"(?P<first>{_DAY})(?:-(?P<last>{_DAY}))?\s+(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)\s+(?P<zone>[A-Za-z0-9_+/-]+)",
    re.IGNORECASE,
)
_MIDNIGHT = 24 * 60


@dataclass(frozen=True)
class Window:
    """One window: the weekdays that it begins on (0 is Monday), its ends in minutes of the day, its time zone."""

    days: tuple[int, ...]
    start: int
    end: int
    zone: str

    def __str__(self) -> str:
        first, last = DAYS[self.days[0]], DAYS[self.days[-1]]
        days = first if len(self.days) == 1 else f"{first}-{last}"
        return f"{days} {_clock(self.start)}-{_clock(self.end)} {self.zone}"

    def begun(self, now: datetime) -> datetime | None:
        """Return when the window that is open at `now` began, or None if it is shut."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        for day in (today, today - timedelta(days=1)):
            if day.weekday() in self.days:
                start = self._instant(day, self.start)
                end = self._instant(day if self.end > self.start else day + timedelta(days=1), self.end)
                if start <= now < end:
                    return start
        return None

    def _instant(self, day: date, minutes: int) -> datetime:
        local = datetime.combine(day + timedelta(days=minutes // _MIDNIGHT), time(minutes // 60 % 24, minutes % 60))
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)


@dataclass(frozen=True)
class Schedule:
    """Every window in which environments are paused; `str` gives back what `parse` reads."""

    windows: tuple[Window, ...]

    def __str__(self) -> str:
        return ", ".join(str(window) for window in self.windows)


def parse(text: str) -> Schedule:
    """Return the schedule that `text` describes; ValueError says what is wrong with it."""
    return Schedule(tuple(_window(part.strip()) for part in text.split(",")))


def paused_since(schedule: Schedule, now: datetime) -> datetime | None:
    """Return when the last window that is open at `now` began, or None when environments are to run.

    What was resumed or pushed to after that moment was meant to run: it may, until the next window begins.
    """
    return max((begun for window in schedule.windows if (begun := window.begun(now))), default=None)


def is_paused_at(schedule: Schedule | None, now: datetime) -> bool:
    """Return whether environments are to be paused at `now`. Without a schedule they never are."""
    return schedule is not None and paused_since(schedule, now) is not None


def _window(text: str) -> Window:
    found = _WINDOW.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no window: write days, times and a time zone, as in {FORM!r}")
    first = DAYS.index(found["first"].title())
    last = DAYS.index((found["last"] or found["first"]).title())
    days = tuple((first + step) % 7 for step in range((last - first) % 7 + 1))
    start, end = _minutes(found["start"], text), _minutes(found["end"], text)
    if start == _MIDNIGHT:
        raise ValueError(f"{text!r}: a window begins at 00:00 of the next day, not at 24:00")
    if start == end:
        raise ValueError(f"{text!r}: it ends when it begins; a whole day is 00:00-24:00")
    return Window(days, start, end, _zone(found["zone"], text))


def _minutes(clock: str, text: str) -> int:
    hours, minutes = (int(part) for part in clock.split(":"))
    if minutes > 59 or hours * 60 + minutes > _MIDNIGHT:
        raise ValueError(f"{text!r}: {clock} is no time of day, which goes from 00:00 to 24:00")
    return hours * 60 + minutes


def _zone(name: str, text: str) -> str:
    try:
        return ZoneInfo(name).key
    except (LookupError, ValueError, OSError):  # unknown, a path, a directory of zones
        raise ValueError(f"{text!r}: {name!r} is no time zone; names are like Europe/Berlin or UTC") from None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
