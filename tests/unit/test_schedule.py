from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import schedule
from orchestrator.schedule import DAYS, Window, is_paused_at, parse, paused_since

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = "Mon-Fri 20:00-07:00 Europe/Berlin"
WEEKEND = "Sat-Sun 00:00-24:00 Europe/Berlin"
# A Monday far from any change of clocks.
MONDAY = datetime(2026, 6, 1, tzinfo=BERLIN)


def at(day, hour, minute=0):
    """That hour of a weekday (0 is Monday) of one week in June, in Berlin."""
    return (MONDAY + timedelta(days=day)).replace(hour=hour, minute=minute)


@pytest.mark.parametrize(
    ("moment", "paused"),
    [
        (at(0, 6, 59), False),  # Sunday is no day of the window
        (at(0, 19, 59), False),
        (at(0, 20), True),
        (at(0, 23, 59), True),
        (at(1, 0), True),
        (at(1, 6, 59), True),
        (at(1, 7), False),
        (at(4, 20), True),
        (at(5, 6, 59), True),  # Friday's window ends on Saturday
        (at(5, 7), False),
        (at(5, 20), False),
    ],
)
def test_a_window_across_midnight_belongs_to_the_day_that_it_begins_on(moment, paused):
    assert is_paused_at(parse(NIGHTS), moment) is paused
    assert is_paused_at(parse(NIGHTS), moment.astimezone(UTC)) is paused


@pytest.mark.parametrize(
    ("moment", "paused"),
    [(at(4, 19), False), (at(4, 23), True), (at(5, 12), True), (at(6, 23, 59), True), (at(7, 0), False)],
)
def test_nights_and_weekends_together(moment, paused):
    assert is_paused_at(parse(f"{NIGHTS}, {WEEKEND}"), moment) is paused


def test_without_a_schedule_nothing_is_paused():
    assert not is_paused_at(None, MONDAY)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-28", 10), ("2026-10-24", 12), ("2026-06-06", 11)],  # forward, back, neither
)
def test_a_night_in_which_the_clocks_change_begins_and_ends_by_the_clock_on_the_wall(day, hours):
    start = datetime.fromisoformat(f"{day}T20:00").replace(tzinfo=BERLIN).astimezone(UTC)
    nights = parse("Mon-Sun 20:00-07:00 Europe/Berlin")
    assert not is_paused_at(nights, start - timedelta(seconds=1))
    assert is_paused_at(nights, start)
    assert is_paused_at(nights, start + timedelta(hours=hours, seconds=-1))
    assert not is_paused_at(nights, start + timedelta(hours=hours))


def test_a_time_that_the_clocks_skip_is_as_late_as_they_make_it():
    gap = parse("Sun 02:30-04:00 Europe/Berlin")
    assert not is_paused_at(gap, datetime(2026, 3, 29, 1, 29, tzinfo=UTC))
    assert is_paused_at(gap, datetime(2026, 3, 29, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "days"),
    [("Fri-Mon 20:00-07:00 UTC", (4, 5, 6, 0)), ("sun 1:00", None), ("SUN 01:00-02:00 UTC", (6,))],
)
def test_days_may_go_round_the_week(text, days):
    if days is None:
        with pytest.raises(ValueError, match="is no window"):
            parse(text)
    else:
        assert parse(text).windows[0].days == days


def test_the_last_window_to_begin_is_what_a_push_must_be_later_than():
    both = parse(f"{NIGHTS}, {WEEKEND}")
    assert paused_since(both, at(4, 22)) == at(4, 20)
    assert paused_since(both, at(5, 3)) == at(5, 0)
    assert paused_since(both, at(6, 3)) == at(6, 0)
    assert paused_since(both, at(2, 12)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no window"),
        ("always", "is no window"),
        ("Mon-Fri 20:00-07:00", "is no window"),
        ("Mon 20:00-07:00 UTC,", "'' is no window"),
        ("Mon-Fri 25:00-07:00 UTC", "25:00 is no time of day"),
        ("Mon-Fri 20:60-07:00 UTC", "20:60 is no time of day"),
        ("Mon 24:00-07:00 UTC", "begins at 00:00 of the next day"),
        ("Mon 07:00-07:00 UTC", "a whole day is 00:00-24:00"),
        ("Mon 20:00-07:00 Europe/Atlantis", "'Europe/Atlantis' is no time zone"),
        ("Mon 20:00-07:00 Europe", "'Europe' is no time zone"),
        ("Mon 20:00-07:00 /etc/passwd", "is no time zone"),
    ],
)
def test_what_is_no_schedule_says_so(text, said):
    with pytest.raises(ValueError, match=said):
        parse(text)


WINDOWS = st.builds(
    lambda first, length, start, end, zone: Window(tuple((first + n) % 7 for n in range(length)), start, end, zone),
    st.integers(0, 6),
    st.integers(1, 7),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
).filter(lambda window: window.start != window.end)


@given(st.lists(WINDOWS, min_size=1, max_size=3))
def test_parsing_inverts_writing(windows):
    made = schedule.Schedule(tuple(windows))
    assert parse(str(made)) == made


@given(WINDOWS, st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))
def test_a_window_is_never_open_longer_than_a_day_and_its_clocks(window, now):
    begun = window.begun(now)
    if begun is not None:
        assert timedelta(0) <= now - begun < timedelta(hours=26)
        assert DAYS[begun.astimezone(ZoneInfo(window.zone)).weekday()] in {DAYS[day] for day in window.days}
