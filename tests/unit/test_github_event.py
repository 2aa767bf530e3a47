import json

import pytest
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import github_event
from orchestrator.github_event import LONGEST_COMMENT, LONGEST_EVENT, CommentEvent, PullRequestEvent

SHA = "0123456789abcdef0123456789abcdef01234567"
NOTHING = PullRequestEvent()


@pytest.fixture
def environ(tmp_path):
    def environ(event):
        path = tmp_path / "event.json"
        path.write_bytes(event if isinstance(event, bytes) else json.dumps(event).encode())
        return {"GITHUB_EVENT_PATH": str(path)}

    return environ


@pytest.fixture
def read(environ):
    return lambda event: github_event.read(environ(event))


@pytest.fixture
def read_comment(environ):
    return lambda event: github_event.read_comment(environ(event))


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


# A comment


def commented(**changes):
    """An event of somebody's comment on pull request 42, with `changes` laid over its comment."""
    return {
        "action": "created",
        "issue": {"number": 42, "pull_request": {"url": "x"}},
        "comment": {"id": 7, "user": {"login": "octocat"}, "body": "/envctl up", **changes},
    }


def test_a_comment_on_a_pull_request_says_who_wrote_what(read_comment):
    assert read_comment(commented()) == CommentEvent(42, 7, "octocat", "/envctl up")


@pytest.mark.parametrize("login", ["dependabot[bot]", "mona_acme", "a-b-c", "x"])
def test_every_form_of_a_login_is_one(read_comment, login):
    assert read_comment(commented(user={"login": login})).author == login


@pytest.mark.parametrize("login", [*HOSTILE.values(), "", None, 7, "a/b", "x" * 200, "../admin", "[bot]"])
def test_what_is_no_login_makes_it_nobodys(read_comment, login):
    assert read_comment(commented(user={"login": login})) is None


@pytest.mark.parametrize("action", ["edited", "deleted", None, ["created"]])
def test_only_a_new_comment_asks_for_anything(read_comment, action):
    assert read_comment({**commented(), "action": action}) is None


def test_a_comment_on_an_issue_asks_for_nothing(read_comment):
    assert read_comment({**commented(), "issue": {"number": 42}}) is None
    assert read_comment({**commented(), "issue": {"number": 42, "pull_request": None}}) is None


@pytest.mark.parametrize(
    "changes", [{"id": "7"}, {"id": 0}, {"id": 2**70}, {"id": True}, {"body": None}, {"user": None}]
)
def test_a_comment_that_makes_no_sense_is_none(read_comment, changes):
    assert read_comment(commented(**changes)) is None


def test_an_event_without_a_file_has_no_comment():
    assert github_event.read_comment({}) is None


def test_of_a_comment_no_more_is_kept_than_people_may_write(read_comment):
    assert len(read_comment(commented(body="x" * 100_000)).body) == LONGEST_COMMENT


def test_an_event_larger_than_github_sends_is_not_read(read, tmp_path):
    assert read(b'{"pull_request": {"number": 42}}' + b" " * LONGEST_EVENT) == NOTHING


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.just("created"),
        lambda i: st.dictionaries(
            st.sampled_from(["action", "issue", "number", "pull_request", "comment", "id", "user", "login", "body"]), i
        ),
    )
)
def test_no_event_with_a_comment_ever_raises(tmp_path_factory, event):
    path = tmp_path_factory.getbasetemp() / "any-comment.json"
    path.write_text(json.dumps(event))
    found = github_event.read_comment({"GITHUB_EVENT_PATH": str(path)})
    assert found is None or found.pr > 0
