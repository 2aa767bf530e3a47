"""One comment, whoever races, retries, or writes the same marker."""

import threading

import pytest
from github_room import room
from github_server import ACTIONS

from orchestrator.errors import EnvctlError, ExitCode

MARKER = "<!-- envctl:pr-7 "


def body(text, marker=MARKER):
    return f"{text}\n\n{marker}v1 -->"


@pytest.fixture(autouse=True)
def _pull(github):
    github.open_pr(7)


def test_one_comment_is_made_edited_and_left_alone(github):
    writer = room(github)
    url = writer.comment(7, body("creating"), MARKER)
    assert writer.comment(7, body("ready"), MARKER) == url
    assert writer.comment(7, body("ready"), MARKER) == url
    (only,) = github.comments_on(7)
    assert (only.body, only.author.login) == (body("ready"), ACTIONS)
    assert url.endswith(f"#issuecomment-{only.id}")
    assert [request.method for request in github.writes()] == ["POST", "PATCH"]


def test_it_is_found_behind_a_hundred_others(github):
    first = room(github).comment(7, body("creating"), MARKER)
    for number in range(250):
        github.comment(7, f"comment {number}")
    assert room(github).comment(7, body("ready"), MARKER) == first
    assert len(github.comments_on(7, ACTIONS)) == 1
    github.comments.clear()
    for number in range(250):
        github.comment(7, f"comment {number}")
    last = room(github).comment(7, body("creating"), MARKER)
    assert room(github).comment(7, body("ready"), MARKER) == last


def test_what_others_write_is_never_touched(github):
    github.person("dev", "admin")
    theirs = [github.comment(7, text, author) for text in (body("mine!"), MARKER) for author in ("dev", "mallory")]
    theirs.append(github.comment(7, body("gone"), "ghost"))
    theirs[-1].author = None
    before = [(comment.id, comment.body) for comment in theirs]
    room(github).comment(7, body("ready"), MARKER)
    room(github).comment(7, body("updating"), MARKER)
    assert [(comment.id, comment.body) for comment in github.comments_on(7)][:-1] == before
    assert github.comments_on(7)[-1].body == body("updating")


def test_a_marker_that_is_quoted_in_a_comment_of_ours_is_none(github):
    first = room(github).comment(7, body("ready"), MARKER)
    github.comment(7, f"> {MARKER}v1 -->\n{MARKER}v1 -->\nThat is no command.", ACTIONS)
    assert room(github).comment(7, body("updating"), MARKER) == first
    assert len(github.comments_on(7)) == 2


def test_another_pull_requests_marker_is_another(github):
    github.comment(7, body("ready", "<!-- envctl:pr-70 "), ACTIONS)
    room(github).comment(7, body("ready"), MARKER)
    assert len(github.comments_on(7)) == 2


def test_a_body_without_its_marker_gets_it(github):
    for text in ("creating", "ready"):
        room(github).comment(7, text, "<!-- envctl:mark -->")
    assert [comment.body for comment in github.comments_on(7)] == ["ready\n\n<!-- envctl:mark -->"]


def test_other_line_ends_are_no_change(github):
    github.comment(7, body("one\ntwo").replace("\n", "\r\n") + "\r\n", ACTIONS)
    room(github).comment(7, body("one\ntwo"), MARKER)
    assert not github.writes()


def test_doubles_are_folded_into_the_oldest(github):
    github.comment(7, "something else", ACTIONS)
    made = [github.comment(7, body(f"double {number}"), ACTIONS) for number in range(3)]
    url = room(github).comment(7, body("ready"), MARKER)
    assert [comment.body for comment in github.comments_on(7)] == ["something else", body("ready")]
    assert url.endswith(f"-{made[0].id}")


def test_a_race_of_two_heals_with_the_next_call(github):
    both = threading.Barrier(2)
    slow = github.fail(method="GET", path="/comments$", latency_s=0.2, times=2)

    def write():
        writer = room(github)
        both.wait()
        writer.comment(7, body("creating"), MARKER)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slow.end()
    assert github.comments_on(7)
    room(github).comment(7, body("ready"), MARKER)
    assert [comment.body for comment in github.comments_on(7)] == [body("ready")]


def test_a_double_that_another_run_deleted_first_is_fine(github):
    for number in range(2):
        github.comment(7, body(f"double {number}"), ACTIONS)
    github.fail(404, method="DELETE", done=True)
    room(github).comment(7, body("ready"), MARKER)
    assert [comment.body for comment in github.comments_on(7)] == [body("ready")]


@pytest.mark.parametrize(
    ("login", "kind", "others"),
    [("octo-bot", "User", ACTIONS), ("envctl-of-acme[bot]", "Bot", ACTIONS), (ACTIONS, "Bot", "octo-bot")],
)
def test_each_token_knows_its_own(github, login, kind, others):
    github.person("octo-bot", "write")
    github.comment(7, body("of another"), others)
    token = github.token_of(login, kind)
    for text in ("creating", "ready"):
        room(github, GITHUB_TOKEN=token).comment(7, body(text), MARKER)
    assert [(c.author.login, c.body) for c in github.comments_on(7)] == [
        (others, body("of another")),
        (login, body("ready")),
    ]


@pytest.mark.parametrize("status", [403, 404])
def test_where_graphql_is_refused_it_is_github_actions(github, status):
    github.fail(status, path="/graphql$", times=100)
    for text in ("creating", "ready"):
        room(github).comment(7, body(text), MARKER)
    assert [comment.body for comment in github.comments_on(7)] == [body("ready")]


def test_where_graphql_forbids_it_is_github_actions(github):
    github.fail(text='{"data": null, "errors": [{"type": "FORBIDDEN", "message": "no"}]}', path="/graphql$", times=100)
    room(github).comment(7, body("ready"), MARKER)
    assert room(github).comment(7, body("ready"), MARKER)
    assert len(github.comments_on(7)) == 1


LIMITED = {"text": '{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}'}


@pytest.mark.parametrize("fault", [{"fault": 401}, {"fault": 429}, {"fault": 502}, LIMITED], ids=str)
def test_who_one_is_is_never_guessed_when_it_cannot_be_asked(github, fault):
    github.fail(path="/graphql$", times=100, **fault)
    with pytest.raises(EnvctlError):
        room(github).comment(7, body("creating"), MARKER)
    assert not github.writes()


def test_gh_token_serves_too(github):
    environ = github.environ
    room(github, GITHUB_TOKEN="", GH_TOKEN=environ["GITHUB_TOKEN"]).comment(7, body("ready"), MARKER)
    assert len(github.comments_on(7)) == 1


def test_a_body_that_github_finds_too_long(github):
    with pytest.raises(EnvctlError, match="body is too long") as raised:
        room(github).comment(7, body("x" * 70_000), MARKER)
    assert raised.value.code is ExitCode.TERRAFORM


# --- Replies and reactions ---


def test_a_reply_is_a_comment_of_its_own(github):
    room(github).comment(7, body("ready"), MARKER)
    urls = {room(github).reply(7, "No.") for _ in range(2)}
    assert len(urls) == 2
    assert len(github.comments_on(7)) == 3


def test_a_comment_is_answered_once(github):
    asked = [github.comment(7, "/envctl up") for _ in range(2)]
    for _ in range(2):
        for comment in asked:
            room(github).reply(7, "Only people with write access may do that.", to=comment.id)
    assert len(github.comments_on(7, ACTIONS)) == 2


def test_a_reaction_is_put_once(github):
    asked = github.comment(7, "/envctl up")
    for _ in range(2):
        room(github).react(asked.id, "eyes")
    room(github).react(asked.id, "+1")
    assert [(r.author.login, r.content) for r in asked.reactions] == [(ACTIONS, "eyes"), (ACTIONS, "+1")]


def test_a_reaction_to_a_comment_that_is_gone(github):
    with pytest.raises(EnvctlError, match="404"):
        room(github).react(12345, "eyes")
