import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import github_event
from orchestrator.github_event import PullRequestEvent

SHA = "0123456789abcdef0123456789abcdef01234567"
NOTHING = PullRequestEvent()


@pytest.fixture
def read(tmp_path):
    def read(event):
        path = tmp_path / "event.json"
        path.write_bytes(event if isinstance(event, bytes) else json.dumps(event).encode())
        return github_event.read({"GITHUB_EVENT_PATH": str(path)})

    return read


def test_a_pull_request_event_gives_number_and_head(read):
    event = {"action": "opened", "number": 42, "pull_request": {"number": 42, "head": {"sha": SHA, "ref": "$(rm)"}}}
    assert read(event) == PullRequestEvent(42, SHA)


def test_a_comment_on_a_pull_request_gives_its_number(read):
    assert read({"issue": {"number": 7, "pull_request": {"url": "x"}}}) == PullRequestEvent(7)


def test_a_comment_on_an_issue_is_about_no_pull_request(read):
    assert read({"issue": {"number": 7}}) == NOTHING


def test_without_an_event_nothing_is_known(tmp_path):
    assert github_event.read({}) == NOTHING
    assert github_event.read({"GITHUB_EVENT_PATH": str(tmp_path / "gone")}) == NOTHING


@pytest.mark.parametrize("number", ["42", True, 0, -1, 10**30, None, [42], 4.2])
def test_a_number_that_is_none_is_left_out(read, number):
    assert read({"pull_request": {"number": number}}) == NOTHING


@pytest.mark.parametrize("sha", ["main", "$(id)", 7, None])
def test_a_commit_that_is_none_is_left_out(read, sha):
    assert read({"pull_request": {"number": 42, "head": {"sha": sha}}}) == PullRequestEvent(42)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"3"])
def test_a_file_that_makes_no_sense_says_nothing(read, data):
    assert read(data) == NOTHING


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda i: st.dictionaries(st.sampled_from(["pull_request", "issue", "number", "head", "sha"]), i, max_size=4),
    )
)
def test_no_event_ever_raises(tmp_path_factory, event):
    path = tmp_path_factory.getbasetemp() / "any-event.json"
    path.write_text(json.dumps(event))
    found = github_event.read({"GITHUB_EVENT_PATH": str(path)})
    assert found.pr is None or found.pr > 0
