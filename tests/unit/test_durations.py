from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import durations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("72h", timedelta(hours=72)),
        ("7d", timedelta(days=7)),
        (" 7D ", timedelta(days=7)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_reads_what_people_write(text, expected):
    assert durations.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "7", "d", "0h", "-1h", "1.5h", "1h30m", "7 d", "07d", "\u0667d", "7w", "1000000s"]
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="as in 72h or 7d"):
        durations.parse(text)


def test_ten_years_are_the_most():
    with pytest.raises(ValueError, match="longer than 3650d"):
        durations.parse("3651d")


@given(st.integers(1, int(durations.MAXIMUM.total_seconds())))
def test_compact_is_the_inverse_of_parse(seconds):
    duration = timedelta(seconds=seconds)
    text = durations.compact(duration)
    if len(text) <= 7:  # parse takes six digits
        assert durations.parse(text) == duration


@given(st.text())
def test_any_text_is_a_positive_duration_or_a_value_error(text):
    try:
        found = durations.parse(text)
    except ValueError:
        return
    assert timedelta(0) < found <= durations.MAXIMUM


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(72 * 3600, "3d"), (90, "90s"), (5400, "90m"), (3600, "1h"), (0, "0s")],
)
def test_compact_uses_the_largest_unit_that_divides(seconds, expected):
    assert durations.compact(timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (4 * 3600 + 5 * 60 + 59, "4 h 5 min"),
        (2 * 86400 + 3 * 3600, "2 d 3 h"),
        (86400, "1 d"),
    ],
)
def test_in_words_keeps_the_two_largest_units(seconds, expected):
    assert durations.in_words(seconds) == expected
