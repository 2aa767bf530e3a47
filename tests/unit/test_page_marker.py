from dataclasses import replace
from typing import get_args

import pytest
from builders import NOW, environment, record
from hostile import HOSTILE, MARKER
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.announcement import Announcement, State
from orchestrator.page import body
from orchestrator.page.marker import Marker, beginning, marker_of, parse_marker, render_marker

MARKERS = st.builds(
    Marker,
    pr=st.integers(1, 2**31 - 1),
    environment=st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True),
    status=st.none() | st.sampled_from(get_args(State)),
    commit=st.none() | st.from_regex(r"[0-9a-f]{7,64}", fullmatch=True),
    generation=st.none() | st.integers(1, 10**9),
)


@given(MARKERS)
def test_parsing_inverts_rendering(marker):
    assert parse_marker(render_marker(marker)) == marker


@given(MARKERS, st.text())
def test_the_last_line_counts_whatever_stands_before_it(marker, before):
    assert parse_marker(f"{before}\n{render_marker(marker)}\n") == marker
    assert parse_marker(f"{before}\r\n{render_marker(marker)}\r\n") == marker


@given(st.text() | st.just(MARKER).flatmap(lambda m: st.text().map(lambda t: f"{t}{m[:20]}{t}")))
def test_no_text_raises(text):
    parse_marker(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_text_of_others_never_becomes_the_marker(name):
    evil = HOSTILE[name]
    told = Announcement(
        "failed",
        environment(),
        NOW,
        commit=evil,
        manifest=record(snapshot=replace(record().snapshot, id=evil, reason=evil), commit=evil),
        reason=evil,
        hint=evil,
        run_url=evil,
    )
    written = body.comment(told)
    assert parse_marker(written) == Marker(42, "shop-pr-42", "failed", None, 1)
    assert written.count("<!--") == 1


def test_a_marker_says_what_the_announcement_says():
    told = Announcement("ready", environment(), NOW, commit="b" * 40, manifest=record(generation=3))
    assert marker_of(told) == Marker(42, "shop-pr-42", "ready", "b" * 40, 3)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "envctl:pr-42",
        "<!-- envctl:pr-42 -->",
        "<!-- envctl:pr-42 v1 -->",
        "<!-- envctl:pr-0 shop-pr-0 v1 -->",
        "<!-- envctl:pr-42 shop-pr-42 v1 status=ready",
        "> <!-- envctl:pr-42 shop-pr-42 v1 -->",
        "`<!-- envctl:pr-42 shop-pr-42 v1 -->`",
        "<!-- envctl:pr-٤٢ shop-pr-42 v1 -->",
    ],
)
def test_what_is_no_marker_is_none(line):
    assert parse_marker(line) is None


def test_the_marker_of_a_newer_version_is_understood_as_far_as_it_goes():
    assert parse_marker("<!-- envctl:pr-7 shop-pr-7 v2 colour=red status=purple generation=x commit=zz -->") == Marker(
        7, "shop-pr-7"
    )


def test_a_comment_ends_with_a_line_of_which_the_beginning_is_known():
    told = Announcement("ready", environment(), NOW, manifest=record())
    assert body.comment(told).rpartition("\n")[2].startswith(beginning(environment()))
    assert not body.comment(told).rpartition("\n")[2].startswith(beginning(environment(4)))
