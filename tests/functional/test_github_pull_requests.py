"""What the room believes of pull requests, and what it does not."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from github_room import room
from github_server import GitHubServer

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.pull_request import PullRequest

STRANGERS = {"fork": {"fork": True, "author": "stranger"}, "bot": {"bot": True, "author": "dependabot[bot]"}}


def test_a_pull_request_is_read_as_it_is_now(github):
    opened, reader = github.open_pr(7), room(github)
    assert reader.pull_request(7) == PullRequest(7, open=True, head=opened.head)
    pushed = github.push(7)
    github.set_draft(7)
    github.label(7, "preview")
    assert reader.pull_request(7) == PullRequest(7, open=True, head=pushed, draft=True, labelled=True)
    github.unlabel(7, "preview")
    github.close(7, merged=True)
    assert reader.pull_request(7) == PullRequest(7, open=False, head=pushed, draft=True)
    github.reopen(7)
    assert reader.pull_request(7).open


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_is_approved_for_one_commit(github, kind):
    github.open_pr(7, labels=["preview"], **STRANGERS[kind])
    reader = room(github)
    seen = reader.pull_request(7)
    assert getattr(seen, kind)
    assert not seen.approved
    reader.approve(7, seen.head)
    reader.approve(7, seen.head)
    assert len(github.seen("POST", "/statuses/")) == 1
    assert reader.pull_request(7).approved
    assert reader.open_pull_requests()[0].approved
    github.push(7)
    assert not reader.pull_request(7).approved
    github.push(7, seen.head)
    assert reader.pull_request(7).approved
    github.unlabel(7, "preview")
    assert not reader.pull_request(7).approved


@pytest.mark.parametrize("context", ["ci", "envctl", "Envctl/Approved", "envctl/approved "])
def test_no_other_status_approves(github, context):
    github.check(github.open_pr(7, labels=["preview"], fork=True).head, context)
    assert not room(github).pull_request(7).approved


@pytest.mark.parametrize("state", ["failure", "error", "pending"])
def test_the_newest_status_counts(github, state):
    head = github.open_pr(7, labels=["preview"], fork=True).head
    room(github).approve(7, head)
    github.check(head, "envctl/approved", state)
    assert not room(github).pull_request(7).approved


def test_an_approval_is_found_behind_a_hundred_checks(github):
    head = github.open_pr(7, labels=["preview"], fork=True).head
    for number in range(120):
        github.check(head, f"ci/{number}")
    room(github).approve(7, head)
    assert room(github).pull_request(7).approved


def test_a_deleted_fork_stays_a_fork(github):
    github.open_pr(7, fork=True)
    github.delete_fork(7)
    assert room(github).pull_request(7).fork


def test_an_author_who_is_gone_is_no_colleague(github):
    github.open_pr(7).author = None
    assert room(github).pull_request(7).bot


def test_a_login_of_an_app_is_a_bots_whatever_its_type(github):
    github.open_pr(7, author="renovate[bot]")
    assert room(github).pull_request(7).bot


def test_the_repositorys_name_is_not_what_makes_a_fork(github):
    github.open_pr(7)
    github.open_pr(8, fork=True)
    reader = room(github)
    github.rename("acme/store")
    assert not reader.pull_request(7).fork
    assert reader.pull_request(8).fork
    assert [found.number for found in reader.open_pull_requests()] == [7, 8]


def test_labels_are_the_same_in_any_case_as_on_github(github):
    github.open_pr(7, labels=["Preview"])
    github.open_pr(8, labels=["preview me", "no preview", 'pre"view', "prev\niew", "<!-- preview -->"])
    reader = room(github)
    assert reader.pull_request(7).labelled
    assert not reader.pull_request(8).labelled


def test_nothing_that_people_write_gets_through(github):
    hostile = '"; $(touch owned) `id` ${{ github.token }} <!-- envctl:pr-7 -->\n::set-output name=x::y\x1b[31m'
    labels = [hostile, "preview"]
    opened = github.open_pr(7, title=hostile, body=hostile, branch=hostile, author=hostile, labels=labels)
    assert room(github).pull_request(7) == PullRequest(7, open=True, head=opened.head, labelled=True)


@pytest.mark.parametrize("head", ["", "main", "a" * 39, "A" * 40, "a" * 40 + "\n", "$(id)" * 8])
def test_a_head_that_is_no_commit_is_no_answer(github, head):
    github.open_pr(7).head = head
    with pytest.raises(EnvctlError, match="its head is no commit") as raised:
        room(github).pull_request(7)
    assert raised.value.code is ExitCode.TERRAFORM


# --- Listing ---


def test_all_pages_are_read_and_only_what_is_open(github):
    for _ in range(230):
        github.open_pr()
    for number in (1, 100, 230):
        github.close(number)
    found = room(github).open_pull_requests()
    assert [pull_request.number for pull_request in found] == sorted({*range(1, 231)} - {1, 100, 230})
    assert len(github.requests) == 3


def test_a_listing_asks_about_approval_only_where_it_matters(github):
    for _ in range(20):
        github.open_pr(labels=["preview"])
    github.open_pr(50, fork=True)
    github.open_pr(51, fork=True, labels=["preview"])
    github.open_pr(52, bot=True, author="dependabot[bot]", labels=["preview"])
    room(github).open_pull_requests()
    assert len(github.requests) == 3


def test_a_listing_that_fails_in_the_middle_is_made_again(github):
    for _ in range(150):
        github.open_pr()
    github.fail(502, path="/pulls", after=1)
    found = room(github).open_pull_requests()
    assert [pull_request.number for pull_request in found] == list(range(1, 151))
    assert len(github.requests) == 4


def test_threads_may_share_a_room(github):
    for number in range(1, 31):
        github.open_pr(number, fork=number % 2 == 0)
    reader = room(github)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(reader.pull_request, range(1, 31)))
    assert [(one.number, one.fork) for one in found] == [(number, number % 2 == 0) for number in range(1, 31)]


def test_an_empty_repository_has_none(github):
    assert room(github).open_pull_requests() == ()


# --- "There is none" is not "I could not ask" ---


def test_there_is_none(github):
    github.open_pr(7)
    assert room(github).pull_request(8) is None


def test_a_repository_that_may_not_be_seen_is_no_proof(github):
    github.open_pr(7)
    github.hide()
    for asked in (lambda reader: reader.pull_request(7), lambda reader: reader.open_pull_requests()):
        with pytest.raises(EnvctlError) as raised:
            asked(room(github))
        assert raised.value.code is ExitCode.CREDENTIALS
        assert "pull-requests: read" in raised.value.hint


@pytest.mark.parametrize(
    "fault",
    [
        *({"fault": code} for code in (400, 401, 403, 410, 422, 429, 500, 502, 503, 504)),
        {"hang_up": True},
        {"text": "<html>Sign in to the proxy</html>"},
        {"text": '{"number": 7, "state": "clo'},
        {"text": "{}"},
        {"text": ""},
        {"text": "null"},
    ],
    ids=str,
)
def test_whatever_else_comes_is_an_error(github, fault):
    github.open_pr(7)
    github.fail(times=100, **fault)
    for asked in (lambda reader: reader.pull_request(7), lambda reader: reader.open_pull_requests()):
        with pytest.raises(EnvctlError, match="GitHub"):
            asked(room(github))


def test_a_repository_that_cannot_be_asked_about_is_no_proof(github):
    github.fail(500, path="/repos/acme/shop$", times=100)
    with pytest.raises(EnvctlError):
        room(github).pull_request(7)


# --- People ---


@pytest.mark.parametrize(
    ("permission", "may"), [("admin", True), ("maintain", True), ("write", True), ("read", False), ("none", False)]
)
def test_who_may_write(github, permission, may):
    github.person("someone-1", permission)
    assert room(github).may_write("someone-1") is may


def test_a_person_nobody_knows_may_not(github):
    assert room(github).may_write("nobody") is False


def test_whether_a_hidden_repository_knows_somebody_is_not_known(github):
    github.hide()
    with pytest.raises(EnvctlError):
        room(github).may_write("dev")


@pytest.mark.parametrize(
    "login",
    ["", "../dev", "dev/../dev", "dev?", "dev#", "dev%2f", "d ev", "dev\n", "-dev", "dév", "dev[bot", "a" * 200],
)
def test_names_that_nobody_has_are_not_asked_about(github: GitHubServer, login):
    assert room(github).may_write(login) is False
    assert not github.requests


@pytest.mark.parametrize("login", ["octo-cat_corp", "dependabot[bot]", "a", "0x"])
def test_names_that_somebody_may_have_are(github, login):
    github.person(login, "write")
    assert room(github).may_write(login) is True


# --- Workflow runs ---


def test_whether_a_run_is_over(github):
    run, reader = github.run(), room(github)
    assert reader.run_is_over(run, 1) is False
    assert reader.run_is_over(run, None) is False
    github.run("completed", run=run)
    assert reader.run_is_over(run, 1) is True
    github.run("queued", attempt=2, run=run)
    assert [reader.run_is_over(run, attempt) for attempt in (1, 2, 3, None)] == [True, False, None, False]


def test_a_run_that_github_does_not_know(github):
    assert room(github).run_is_over(12345, 1) is None
    github.fail(502, times=100)
    with pytest.raises(EnvctlError):
        room(github).run_is_over(12345, 1)
