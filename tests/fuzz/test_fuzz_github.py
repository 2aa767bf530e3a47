"""Whatever people write on a pull request, and GitHub answers: an order, a value, or one clear error."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any, get_args

from builders import environment
from hostile import HOSTILE
from hypothesis import example, given
from hypothesis import strategies as st
from material import DEEP, JSON, TEXT, damaged, encoded, examples

from orchestrator import comment_command, locks
from orchestrator.cli.sync import _run_url
from orchestrator.comment_command import Command, CommandName, Problem
from orchestrator.errors import ExitCode
from orchestrator.github import failures, pulls
from orchestrator.github.failures import NoAnswer, Refused
from orchestrator.locks import Lock
from orchestrator.page.marker import Marker, parse_marker, render_marker
from orchestrator.pull_request import PullRequest
from orchestrator.sync import children

PULL = {
    "number": 42,
    "state": "open",
    "draft": False,
    "head": {"sha": "a" * 40, "repo": {"id": 1}},
    "base": {"repo": {"id": 1}},
    "user": {"login": "mona", "type": "User"},
    "labels": [{"name": "preview"}],
}
SAID = {
    "environment": {"status": "ready"},
    "decisions": [{"action": "create", "reason": "It is new.", "hint": ""}],
    "error": {"message": "No.", "hint": "Wait."},
}
PIECES = st.one_of(
    TEXT,
    st.sampled_from(sorted(HOSTILE.values())),
    st.sampled_from([*get_args(CommandName), "/envctl ", "/envctl", "\n", "\r", "\x85", "```", "~~~", "<!--", "-->"]),
    st.sampled_from(["24h", "0h", "999999d", "٣h", "1" * 5000 + "h", "/ENVCTL up", "\t/envctl up"]),
)


@examples(2)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_any_comment(body: str) -> None:
    found = comment_command.parse(body)
    assert found is None or isinstance(found, Command | Problem)
    if found is not None:
        assert "/envctl" in body


@examples()
@given(st.lists(PIECES, max_size=4).map(" ".join))
def test_anything_after_the_word_for_us(words: str) -> None:
    found = comment_command.parse(f"/envctl {words}")
    assert isinstance(found, Command | Problem)
    if isinstance(found, Problem):  # what is answered repeats nothing of theirs
        assert found in (comment_command.UNKNOWN, comment_command.NO_TIME)


@examples()
@given(st.lists(st.one_of(PIECES, st.sampled_from([" v1", " status=", " generation=", "envctl:pr-42"]))).map("".join))
def test_any_comment_as_one_of_ours(body: str) -> None:
    found = parse_marker(body)
    assert found is None or parse_marker(render_marker(found)) == found
    assert isinstance(parse_marker(f"{body}\n{HOSTILE['our marker']}"), Marker)


@examples(2)
@given(damaged(PULL), TEXT)
def test_a_pull_request_with_something_wrong(raw: Any, label: str) -> None:
    if not isinstance(raw, dict):
        return  # held back by `as_item`
    with contextlib.suppress(NoAnswer):  # what `insist` asks again about, and then tells
        assert isinstance(pulls.parsed(raw, label), PullRequest)


NUMBERS = st.one_of(TEXT, st.integers().map(str), st.sampled_from(["9" * 400, "9" * 5000, "1e3", "-1", "٣", "nan"]))
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": NUMBERS,
        "x-ratelimit-remaining": st.one_of(NUMBERS, st.just("0")),
        "x-ratelimit-reset": NUMBERS,
        "date": st.one_of(TEXT, st.sampled_from(["Mon, 01 Jan 0001 00:00:00 +2359", "Sun, 22 Nov 2026 09:00:00 GMT"])),
    },
)
DATE = "Sun, 22 Nov 2026 09:00:00 GMT"


@examples(2)
@example(403, {"retry-after": "9" * 400}, None, 1)
@example(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 400, "date": DATE}, None, 1)
@given(st.integers(100, 599), HEADERS, JSON, st.integers(1, 4))
def test_any_refusal_of_github(status: int, headers: dict[str, str], body: Any, attempt: int) -> None:
    refused = Refused(status, failures.said_by(body), headers)
    wait_s = failures.wait_s(refused, attempt)
    error = failures.translated(refused, "asking", "pull-requests: read")
    assert error.message.isprintable()
    assert error.hint
    if wait_s is not None:
        assert wait_s >= 0
        assert math.isfinite(wait_s)
        assert failures.left_alone(wait_s, "asking").message


@examples()
@given(st.one_of(TEXT, JSON.map(json.dumps), DEEP, damaged(SAID).map(json.dumps)), st.integers(-15, 255))
@example('{"a":' * 20_000 + "1" + "}" * 20_000, 0)
def test_anything_that_the_sync_of_one_environment_says(out: str, returned: int) -> None:
    found = children.read(environment(), out, returned)
    assert found.exit_code in list(ExitCode)
    assert isinstance(found.reason, str)
    assert found.status is None or isinstance(found.status, str)
    assert encoded([found.action, found.reason, found.hint])


RUN = st.dictionaries(
    st.sampled_from([f"GITHUB_{name}" for name in ("SERVER_URL", "REPOSITORY", "RUN_ID", "RUN_ATTEMPT", "ACTIONS")]),
    st.one_of(TEXT, st.sampled_from(["true", "https://github.com", "acme/shop", "17", "9" * 20, "acme/shop\n"])),
)


@examples()
@given(RUN)
def test_whatever_a_run_says_of_itself(environ: dict[str, str]) -> None:
    url = _run_url(environ)
    assert url is None or url.isprintable()
    info = locks.info_of(environ)
    if info:
        assert locks.run_of(Lock("1", info=info)) is not None
        assert info.isprintable()
