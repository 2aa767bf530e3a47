"""The "View deployment" button follows the environment, and goes with it."""

import json

import pytest
from github_room import room

from orchestrator.errors import EnvctlError, ExitCode

URL, LOG = "http://shop-pr-7.example.com", "https://github.test/acme/shop/actions/runs/1"


@pytest.fixture
def head(github):
    return github.open_pr(7).head


def states(github, number=7):
    return [[status.state for status in found.statuses] for found in github.deployments_of(number)]


def test_a_deployment_is_made_as_an_environment_is(github, head):
    room(github).deployment(7, head, "in_progress", log_url=LOG)
    (made,) = github.deployments_of(7)
    assert (made.sha, made.ref, made.task, made.environment) == (head, head, "envctl:pr-7", "preview")
    assert made.transient
    assert not made.production
    sent = github.seen("POST", "/deployments$")[0].body
    assert (sent["required_contexts"], sent["auto_merge"]) == ([], False)
    room(github).deployment(7, head, "success", URL, LOG)
    (made,) = github.deployments_of(7)
    assert [(s.state, s.environment_url, s.log_url) for s in made.statuses] == [
        ("in_progress", "", LOG),
        ("success", URL, LOG),
    ]
    assert all(request.body["auto_inactive"] is False for request in github.seen("POST", "/statuses$"))


def test_checks_that_fail_do_not_hold_it_up(github, head):
    github.check(head, "ci", "failure")
    room(github).deployment(7, head, "in_progress")
    assert states(github) == [["in_progress"]]


def test_the_same_state_twice_writes_nothing(github, head):
    for state, url in (("in_progress", None), ("success", URL), ("failure", None)):
        room(github).deployment(7, head, state, url, LOG)
        before = len(github.writes())
        room(github).deployment(7, head, state, url, f"{LOG}2")
        assert len(github.writes()) == before


def test_another_address_is_news(github, head):
    room(github).deployment(7, head, "success", URL)
    room(github).deployment(7, head, "success", f"{URL}:8080")
    assert [status.environment_url for status in github.deployments_of(7)[0].statuses] == [URL, f"{URL}:8080"]


def test_the_old_version_serves_until_the_new_one_does(github, head):
    room(github).deployment(7, head, "success", URL)
    newer = github.push(7)
    room(github).deployment(7, newer, "in_progress")
    assert states(github) == [["success"], ["in_progress"]]
    room(github).deployment(7, newer, "failure")
    assert states(github)[0] == ["success"]
    newest = github.push(7)
    room(github).deployment(7, newest, "success", URL)
    assert states(github) == [
        ["success", "inactive"],
        ["in_progress", "failure", "inactive"],
        ["success"],
    ]


def test_ended_ones_are_not_asked_about_again(github, head):
    for _ in range(20):
        room(github).deployment(7, github.push(7), "success", URL)
    before = len(github.requests)
    room(github).deployment(7, github.push(7), "success", URL)
    assert len(github.requests) - before < 10
    assert [found[-1] for found in states(github)] == ["inactive"] * 20 + ["success"]


def test_a_push_back_to_an_older_commit_is_a_new_deployment(github, head):
    room(github).deployment(7, head, "success", URL)
    room(github).deployment(7, github.push(7), "success", URL)
    room(github).deployment(7, github.push(7, head), "success", URL)
    assert [found[-1] for found in states(github)] == ["inactive", "inactive", "success"]


@pytest.mark.parametrize("ended", range(3))
def test_killed_while_older_ones_are_ended(github, head, ended):
    for _ in range(3):
        github.fail(502, path="/statuses$", method="POST", times=0)
        room(github).deployment(7, github.push(7), "failure")
    last = github.push(7)
    # The success, then `ended` of the older ones, then nothing more comes through.
    down = github.fail(503, path="/statuses$", method="POST", after=1 + ended, times=100)
    with pytest.raises(EnvctlError):
        room(github).deployment(7, last, "success", URL)
    down.end()
    room(github).deployment(7, last, "success", URL)
    assert [found[-1] for found in states(github)] == ["inactive"] * 3 + ["success"]


def test_other_deployments_are_nobodys_business(github, head):
    github.open_pr(70)
    room(github).deployment(70, github.pulls[70].head, "success", URL)
    others = [github.deploy(head), github.deploy(head, environment="preview"), github.deploy(head, "envctl:pr-7")]
    room(github).deployment(7, head, "success", URL)
    room(github).remove_deployments(7)
    assert states(github) == [[]]
    assert states(github, 70) == [["success"]]
    assert all(other.id in github.deployments and not other.statuses for other in others)


def test_a_listing_that_was_not_filtered_is_no_reason_to_delete(github, head):
    others = [
        github.deploy(head),
        github.deploy(head, environment="preview"),
        github.deploy(head, "envctl:pr-70", "preview"),
    ]
    listing = json.dumps([github.shapes.deployment(other) for other in others])
    github.fail(text=listing, path="/deployments$", method="GET")
    room(github).remove_deployments(7)
    assert not github.writes()


def test_at_the_end_all_are_ended_and_deleted(github, head):
    for _ in range(3):
        room(github).deployment(7, github.push(7), "success", URL)
    room(github).deployment(7, github.push(7), "in_progress")
    room(github).remove_deployments(7)
    assert not github.deployments
    github.requests.clear()
    room(github).remove_deployments(7)
    assert not github.writes()


@pytest.mark.parametrize("status", [403, 422])
def test_one_that_github_keeps_is_ended_at_least(github, head, status):
    room(github).deployment(7, head, "success", URL)
    github.fail(status, method="DELETE", times=100)
    room(github).remove_deployments(7)
    room(github).remove_deployments(7)
    assert states(github) == [["success", "inactive"]]


def test_an_environment_that_comes_back_gets_a_new_one(github, head):
    room(github).deployment(7, head, "success", URL)
    github.fail(422, method="DELETE")
    room(github).remove_deployments(7)
    room(github).deployment(7, head, "in_progress")
    assert states(github) == [["success", "inactive"], ["in_progress"]]


def test_a_hundred_deployments_are_removed(github, head):
    for _ in range(130):
        github.deploy(head, "envctl:pr-7", "preview")
    room(github).remove_deployments(7)
    assert not github.deployments


def test_a_commit_that_is_gone(github):
    github.open_pr(7)
    with pytest.raises(EnvctlError, match="No ref found for: " + "d" * 40) as raised:
        room(github).deployment(7, "d" * 40, "in_progress")
    assert raised.value.code is ExitCode.TERRAFORM


def test_an_address_that_github_does_not_take(github, head):
    with pytest.raises(EnvctlError, match="must use http"):
        room(github).deployment(7, head, "success", "javascript:alert(1)")
