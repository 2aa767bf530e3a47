"""GitHub is down, slow, full, or refuses: what is waited for, what is asked again, and what people are told."""

import email.utils
import socket
import time
import traceback

import pytest
from github_room import Clock, room
from github_server import ACTIONS, GitHubServer, primary_limit, secondary_limit

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.github.client import GitHub
from orchestrator.github.session import ATTEMPTS, PATIENCE_S, Session

MARKER = "<!-- envctl:pr-7 "
BODY = f"ready\n\n{MARKER}-->"


@pytest.fixture(autouse=True)
def head(github):
    return github.open_pr(7, labels=["preview"], fork=True).head


@pytest.fixture
def clock():
    return Clock()


# --- It passes ---


@pytest.mark.parametrize("fault", [{"fault": 500}, {"fault": 502}, {"fault": 503}, {"hang_up": True}, {"text": "{"}])
def test_what_passes_is_waited_for(github, clock, fault):
    github.fail(times=2, **fault)
    assert room(github, clock).pull_request(7).open
    assert clock.waits == [1, 2]


def test_a_github_that_stays_down_is_given_up_soon(github, clock):
    github.go_down()
    with pytest.raises(EnvctlError, match="GitHub") as raised:
        room(github, clock).pull_request(7)
    assert raised.value.code is ExitCode.TERRAFORM
    assert "while reading pull request 7" in raised.value.message
    assert len(github.requests) == ATTEMPTS
    assert sum(clock.waits) < 10


def test_a_github_that_is_slow_is_asked_again(github, clock):
    github.fail(latency_s=1.5, path="/pulls/7$")
    session = Session("acme/shop", github.environ, clock.sleep, clock.monotonic, timeout_s=1)
    assert GitHub(session, "preview").pull_request(7).open
    assert clock.waits == [1]


def test_a_github_that_is_not_there(clock, github):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(EnvctlError, match="GitHub gives no usable answer") as raised:
            room(github, clock, GITHUB_API_URL=nobody).pull_request(7)
    assert raised.value.code is ExitCode.TERRAFORM
    assert len(clock.waits) == ATTEMPTS - 1


# --- Limits ---


@pytest.mark.parametrize("status", [403, 429])
def test_retry_after_is_honoured(github, clock, status):
    fault = secondary_limit(retry_after=17)
    fault.status = status
    github.fail(fault)
    assert room(github, clock).pull_request(7).open
    assert clock.waits == [17]


NONE_LEFT = {
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "1500000040",
    "Date": email.utils.formatdate(1500000000),
}


@pytest.mark.parametrize(("headers", "waits"), [({"Retry-After": "17"}, [17]), (NONE_LEFT, [41])])
def test_a_limit_is_known_by_its_headers_whatever_the_words(github, clock, headers, waits):
    github.fail(403, message="You have triggered an abuse detection mechanism.", headers=headers)
    assert room(github, clock).pull_request(7).open
    assert clock.waits == waits


def test_a_limit_that_does_not_say_how_long_is_a_minute(github, clock):
    github.fail(secondary_limit())
    assert room(github, clock).pull_request(7).open
    assert clock.waits == [60]


def test_a_used_up_hour_ends_by_githubs_clock(github, clock):
    # GitHub's clock and ours are years apart: only the difference of its own two words counts.
    then = 1_500_000_000
    fault = primary_limit(reset=then + 40)
    fault.headers["Date"] = email.utils.formatdate(then, usegmt=True)
    github.fail(fault)
    assert room(github, clock).pull_request(7).open
    assert clock.waits == [41]


@pytest.mark.parametrize(("headers", "waits"), [({"Date": "yesterday"}, [60]), ({"Retry-After": "soon"}, [41])])
def test_words_about_a_limit_that_make_no_sense(github, clock, headers, waits):
    then = 1_500_000_000
    fault = primary_limit(reset=then + 40)
    fault.headers.update({"Date": email.utils.formatdate(then, usegmt=True), **headers})
    github.fail(fault)
    assert room(github, clock).pull_request(7).open
    assert clock.waits == waits


def test_a_long_limit_is_not_sat_out_and_not_tried_again(github, clock):
    github.fail(secondary_limit(retry_after=1800))
    reader = room(github, clock)
    with pytest.raises(EnvctlError) as raised:
        reader.pull_request(7)
    assert raised.value.code is ExitCode.TERRAFORM
    assert "limits the requests" in raised.value.message
    assert "30 min" in raised.value.message
    with pytest.raises(EnvctlError, match="limits the requests"):
        reader.comment(7, BODY, MARKER)
    assert len(github.requests) == 1
    assert clock.waits == []
    clock.now += 1800 - PATIENCE_S / 2
    assert reader.pull_request(7).open
    assert clock.waits == [PATIENCE_S / 2]


def test_a_missing_permission_is_no_limit(github, clock):
    github.fail(403, message="Resource not accessible by integration")
    with pytest.raises(EnvctlError) as raised:
        room(github, clock).pull_request(7)
    assert raised.value.code is ExitCode.CREDENTIALS
    assert len(github.requests) == 1
    assert clock.waits == []


# --- Refusals ---

CALLS = {
    "pull_request": (lambda r, h: r.pull_request(7), "pull-requests: read"),
    "open_pull_requests": (lambda r, h: r.open_pull_requests(), "pull-requests: read"),
    "approve": (lambda r, h: r.approve(7, h), "statuses: write"),
    "comment": (lambda r, h: r.comment(7, BODY, MARKER), "pull-requests: write"),
    "reply": (lambda r, h: r.reply(7, "No."), "pull-requests: write"),
    "react": (lambda r, h: r.react(1, "eyes"), "pull-requests: write"),
    "deployment": (lambda r, h: r.deployment(7, h, "success"), "deployments: write"),
    "remove_deployments": (lambda r, h: r.remove_deployments(7), "deployments: write"),
    "run_is_over": (lambda r, h: r.run_is_over(1, 1), "actions: read"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_missing_permission_is_named(github, head, call):
    do, needed = CALLS[call]
    github.fail(403, path="/repos/", times=100)
    with pytest.raises(EnvctlError) as raised:
        do(room(github), head)
    assert raised.value.code is ExitCode.CREDENTIALS
    assert needed in raised.value.hint


def test_the_permission_to_read_approvals_is_another(github):
    github.fail(403, path="/status$", times=100)
    with pytest.raises(EnvctlError) as raised:
        room(github).pull_request(7)
    assert "statuses: read" in raised.value.hint


@pytest.mark.parametrize("call", CALLS)
def test_a_token_that_is_refused(github, head, call):
    token = "ghp_a-secret-nobody-should-see"
    with pytest.raises(EnvctlError, match="refused the token") as raised:
        CALLS[call][0](room(github, GITHUB_TOKEN=token), head)
    assert raised.value.code is ExitCode.CREDENTIALS
    assert token not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("call", CALLS)
def test_with_github_down_every_call_says_so(github, head, call):
    github.go_down()
    with pytest.raises(EnvctlError, match="GitHub") as raised:
        CALLS[call][0](room(github), head)
    assert raised.value.code is ExitCode.TERRAFORM


def test_what_github_says_is_one_clean_line(github):
    github.fail(422, message="Nothing\nof that\x1b[31m" + "x" * 1000)
    with pytest.raises(EnvctlError) as raised:
        room(github).pull_request(7)
    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 500


# --- Done, whatever the answer says ---

WRITES = {
    "approve": lambda r, h, c: r.approve(7, h),
    "comment": lambda r, h, c: r.comment(7, BODY, MARKER),
    "reply": lambda r, h, c: r.reply(7, "No."),
    "react": lambda r, h, c: r.react(c, "eyes"),
    "deployment": lambda r, h, c: r.deployment(7, h, "success", "http://x.example.com"),
    "remove_deployments": lambda r, h, c: r.remove_deployments(7),
}


@pytest.mark.parametrize("fault", [{"fault": 500}, {"fault": 502}, {"hang_up": True}, {"text": "{"}], ids=str)
@pytest.mark.parametrize("when", range(3))
@pytest.mark.parametrize("write", WRITES)
def test_what_was_done_is_not_done_twice(github, head, write, when, fault):
    asked = github.comment(7, "/envctl up")
    for number in range(2):
        github.deploy(github.new_commit(), f"envctl:pr-{7 + number}", "preview")
    github.fail(method="POST|DELETE|PATCH", path="/repos/", after=when, done=True, **fault)
    WRITES[write](room(github), head, asked.id)
    wanted = {"comment": 1, "reply": 1}.get(write, 0)
    assert len(github.comments_on(7)) == 1 + wanted
    assert len(asked.reactions) == (write == "react")
    assert len(github.statuses.get(head, ())) == (write == "approve")
    states = [found.state for found in github.deployments_of(7)]
    assert states == {"deployment": ["inactive", "success"], "remove_deployments": []}.get(write, [None])
    assert all(len(found.statuses) <= 1 for found in github.deployments_of(7))


# --- The way there ---


def test_github_enterprise(clock):
    with GitHubServer(prefix="/api/v3") as enterprise:
        enterprise.open_pr(7)
        for _ in range(150):
            enterprise.comment(7, "hello")
        reader = room(enterprise, clock, GITHUB_API_URL=f"{enterprise.url}/")
        assert reader.pull_request(7).open
        url = reader.comment(7, BODY, MARKER)
        assert reader.comment(7, BODY, MARKER) == url
        paths = {request.path for request in enterprise.requests}
        assert paths == {f"/api/v3/repos/acme/shop/{rest}" for rest in ("pulls/7", "issues/7/comments")} | {
            "/api/graphql"
        }
        assert {request.user_agent for request in enterprise.requests} == {"envctl"}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_to_a_renamed_repository_is_no_success(github, head, write):
    asked = github.comment(7, f"old\n\n{MARKER}-->", ACTIONS)
    github.deploy(github.new_commit(), "envctl:pr-7", "preview")
    github.rename("acme/store")
    with pytest.raises(EnvctlError, match="GitHub gives no usable answer"):
        WRITES[write](room(github), head, asked.id)


@pytest.mark.parametrize(
    "url",
    [
        "github.com",
        "ftp://api.github.com",
        "http://github.example.com/api/v3",
        "https://",
        "https://user:secret@github.example.com/api/v3",
        "https://github.example.com:port",
        "https://github.example.com?x=1",
        "https://[::1",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_none(url):
    with pytest.raises(EnvctlError, match="GITHUB_API_URL") as raised:
        Session("acme/shop", {"GITHUB_API_URL": url, "GITHUB_TOKEN": "t"})
    assert raised.value.code is ExitCode.USAGE
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\nb", "tökén", "a\x00"])
def test_a_token_that_is_none(token):
    with pytest.raises(EnvctlError, match="no GitHub token") as raised:
        Session("acme/shop", {"GITHUB_TOKEN": token})
    assert raised.value.code is ExitCode.CREDENTIALS


def test_the_ordinary_surroundings_are_fine():
    for environ in ({}, {"GITHUB_API_URL": ""}, {"GITHUB_API_URL": "https://github.example.com:8443/api/v3"}):
        Session("acme/shop", {"GITHUB_TOKEN": "ghs_token\n", **environ})


def test_waits_are_real_when_nothing_is_handed_in(github):
    github.fail(secondary_limit(retry_after=0))
    github.fail(secondary_limit(retry_after=1))
    begun = time.monotonic()
    assert GitHub(Session("acme/shop", github.environ), "preview").pull_request(7).open
    assert time.monotonic() - begun >= 1
