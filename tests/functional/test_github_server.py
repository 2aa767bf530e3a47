"""The fake GitHub is GitHub enough: PyGithub's own typed objects find their way in it."""

import json
import threading
import urllib.error
import urllib.request

import pytest
from github import Auth, Github, GithubException, UnknownObjectException
from github_server import ACTIONS

MARKED = {"task": "envctl:pr-7", "environment": "preview", "auto_merge": False, "required_contexts": []}


@pytest.fixture
def connected(github):
    token = github.token_of("dev")
    with Github(
        auth=Auth.Token(token), base_url=github.url, retry=None, seconds_between_requests=0, seconds_between_writes=0
    ) as client:
        yield client


@pytest.fixture
def repository(connected):
    return connected.get_repo("acme/shop")


def test_pull_requests_have_githubs_shape(github, repository):
    opened = github.open_pr(7, labels=["preview", "bug"], draft=True, title="Tidy up", branch="tidy")
    pull = repository.get_pull(7)
    assert (pull.number, pull.state, pull.draft, pull.merged, pull.title) == (7, "open", True, False, "Tidy up")
    assert (pull.head.sha, pull.head.ref, pull.user.login) == (opened.head, "tidy", "dev")
    assert pull.head.repo.full_name == pull.base.repo.full_name == "acme/shop"
    assert [label.name for label in pull.labels] == ["preview", "bug"]
    github.close(7, merged=True)
    assert repository.get_pull(7).merged
    with pytest.raises(UnknownObjectException):
        repository.get_pull(8)


def test_listings_have_pages(github, repository):
    for _ in range(70):
        github.open_pr()
    assert [pull.number for pull in repository.get_pulls()] == list(range(70, 0, -1))
    assert repository.get_pulls().totalCount == 70
    github.close(70)
    assert [pull.number for pull in repository.get_pulls("closed")] == [70]
    assert len(list(repository.get_pulls("all"))) == 70


def test_comments_and_reactions(github, connected, repository):
    github.open_pr(7)
    theirs = github.comment(7, "hello", "mallory")
    pull = repository.get_pull(7)
    made = pull.create_issue_comment("mine")
    made.edit("mine, edited")
    assert [(c.user.login, c.body) for c in pull.get_issue_comments()] == [
        ("mallory", "hello"),
        ("dev", "mine, edited"),
    ]
    assert made.create_reaction("+1").content == "+1"
    made.delete()
    assert [comment.id for comment in github.comments_on(7)] == [theirs.id]
    with pytest.raises(GithubException, match="Validation Failed"):
        pull.create_issue_comment("")
    assert connected.get_user().login == "dev"


def test_an_app_edits_only_what_is_its_own(github):
    github.open_pr(7)
    theirs = github.comment(7, "hello")
    app = Github(auth=Auth.Token(github.token_of(ACTIONS)), base_url=github.url, retry=None)
    comment = app.get_repo("acme/shop").get_pull(7).get_issue_comment(theirs.id)
    with pytest.raises(GithubException, match="not accessible by integration"):
        comment.edit("mine now")
    with pytest.raises(GithubException, match="not accessible by integration"):
        _ = app.get_user().login


def test_deployments_are_deleted_only_when_they_have_ended(github, repository):
    head = github.open_pr(7).head
    first, second = (repository.create_deployment(head, **MARKED, transient_environment=True) for _ in range(2))
    second.create_status("success", environment_url="https://x.example.com", auto_inactive=False)
    assert [status.state for status in second.get_statuses()] == ["success"]
    assert [found.id for found in repository.get_deployments(task="envctl:pr-7")] == [second.id, first.id]
    with pytest.raises(GithubException, match="cannot delete an active deployment"):
        repository.requester.requestJsonAndCheck("DELETE", second.url)
    second.create_status("inactive", auto_inactive=False)
    repository.requester.requestJsonAndCheck("DELETE", second.url)
    repository.requester.requestJsonAndCheck("DELETE", first.url)  # the only one may go in any state
    assert not github.deployments


def test_a_deployment_waits_for_checks_unless_it_says_otherwise(github, repository):
    head = github.open_pr(7).head
    github.check(head, "ci", "pending")
    with pytest.raises(GithubException) as raised:
        repository.create_deployment(head, auto_merge=False)
    assert raised.value.status == 409


def test_runs_and_permissions(github, repository):
    run = github.run("completed", attempt=2)
    assert repository.get_workflow_run(run).status == "completed"
    assert repository.get_collaborator_permission("dev") == "write"
    with pytest.raises(GithubException, match="nobody is not a user: 404"):
        repository.get_collaborator_permission("nobody")


def test_events_are_those_of_a_workflow(github, tmp_path):
    from orchestrator import github_event

    opened = github.open_pr(7)
    said = github.comment(7, "/envctl up", "mallory")
    path = tmp_path / "event.json"
    for event, commit in ((github.event("opened", 7), opened.head), (github.event("created", 7, comment=said), None)):
        path.write_text(json.dumps(event))
        read = github_event.read({"GITHUB_EVENT_PATH": str(path)})
        assert (read.pr, read.commit) == (7, commit)


def test_nobody_gets_in_without_a_token(github):
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"{github.url}/repos/acme/shop")
    assert raised.value.code == 401
    assert json.loads(raised.value.read())["message"] == "Bad credentials"


def test_many_at_once_lose_nothing(github):
    github.open_pr(7)

    def write(name):
        client = Github(
            auth=Auth.Token(github.token_of(name)),
            base_url=github.url,
            seconds_between_requests=0,
            seconds_between_writes=0,
        )
        issue = client.get_repo("acme/shop").get_pull(7)
        for number in range(10):
            issue.create_issue_comment(f"{name} {number}")

    threads = [threading.Thread(target=write, args=(f"writer-{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({comment.id for comment in github.comments_on(7)}) == 60
    assert len(github.seen("POST", "/comments$")) == 60


def test_a_new_beginning_forgets_everything(github):
    github.open_pr(7)
    github.go_down()
    github.begin()
    assert not github.pulls
    with Github(auth=Auth.Token(github.environ["GITHUB_TOKEN"]), base_url=github.url, retry=None) as client:
        assert client.get_repo("acme/shop").full_name == "acme/shop"
