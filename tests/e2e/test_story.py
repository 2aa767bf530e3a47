"""A pull request's whole life, over a GitHub that answers HTTP, the real Terraform and provider, and the local AWS."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import inventory
import pytest
from conftest import CHECKOUT, World
from github_server import GitHubServer


@pytest.fixture
def story(world: World, github: GitHubServer) -> World:
    world.environ.update(github.environ)
    return world


def started(world: World, number: int, until: str) -> subprocess.Popen[str]:
    """Start `sync` of a pull request and read along until it says `until`."""
    process = world.start("sync", "--pr", str(number), "--yes", "--json", "--verbose")
    assert process.stderr is not None
    for line in process.stderr:
        if until in line:
            break
    return process


def synced(world: World, number: int, expected: int = 0) -> dict[str, Any]:
    return world.run("sync", "--pr", str(number), "--yes", expected=expected)


def action(body: dict[str, Any]) -> str:
    (decision,) = body["decisions"]
    return str(decision["action"])


def page(github: GitHubServer, number: int) -> str:
    """The one comment that envctl has on a pull request."""
    (comment,) = [c for c in github.comments_on(number) if f"<!-- envctl:pr-{number} " in c.body]
    return comment.body


def test_from_the_first_commit_to_the_merge(story: World, github: GitHubServer) -> None:
    before = story.account()
    number = github.open_pr().number
    creating = started(story, number, "→ creating")
    pushed = github.push(number)  # while it is made: the same run follows
    assert "reating" in page(github, number).splitlines()[0]
    ready = story.result(creating)
    assert (ready["environment"]["status"], ready["environment"]["commit"]) == ("ready", pushed)
    url = ready["environment"]["url"]
    assert url in page(github, number).splitlines()[0]
    with urllib.request.urlopen(url, timeout=10) as served:
        assert pushed in served.read().decode()
    assert [(d.sha, d.state) for d in github.deployments_of(number)][-1] == (pushed, "success")
    assert action(synced(story, number)) == "nothing"

    github.close(number, merged=True)
    gone = synced(story, number)
    assert (gone["environment"]["status"], gone["left"]) == ("destroyed", [])
    assert "estroyed" in page(github, number).splitlines()[0]
    assert github.deployments_of(number) == []
    left = inventory.difference(before, story.account())
    assert not left, f"not as before:\n{left}"


def test_whatever_else_people_do(story: World, github: GitHubServer, tmp_path: Path) -> None:
    story.environ["ENVCTL_TERRAFORM__ROOT"] = str(CHECKOUT / "tests" / "bench" / "root")
    before = story.account()

    # Closed while it is created: the run that created it takes it away.
    number = github.open_pr().number
    creating = started(story, number, "→ creating")
    github.close(number)
    assert action(story.result(creating)) == "destroy"
    left = inventory.difference(before, story.account())
    assert not left, f"not as before:\n{left}"

    # Reopened: a new life. What a comment asks for, by somebody who may.
    github.reopen(number)
    assert action(synced(story, number)) == "create"
    github.person("maintainer", "write")
    assert not commented(story, github, tmp_path, number, "/envctl destroy", "stranger", expected=7)["ok"]
    assert story.run("show", "--pr", str(number))["environment"]["status"] == "ready"
    assert commented(story, github, tmp_path, number, "/envctl destroy", "maintainer")["ok"]
    story.run("show", "--pr", str(number), expected=2)
    github.push(number)
    assert action(synced(story, number)) == "create"
    github.close(number)
    assert action(synced(story, number)) == "destroy"

    # A fork gets one for the very commit that a maintainer has labelled, and loses it with the next push.
    fork = github.open_pr(fork=True).number
    assert action(synced(story, fork)) == "refuse"
    assert "preview" in page(github, fork)
    github.label(fork, "preview")
    event = tmp_path / "labeled.json"
    labelled = github.event("labeled", fork, "maintainer") | {"label": {"name": "preview"}}
    event.write_text(json.dumps(labelled))
    story.environ["GITHUB_EVENT_PATH"] = str(event)
    assert action(synced(story, fork)) == "create"
    github.push(fork)
    assert action(synced(story, fork)) == "destroy"
    del story.environ["GITHUB_EVENT_PATH"]

    github.close(fork)
    assert story.run("sync", "--all", "--yes")["ok"]
    left = inventory.difference(before, story.account())
    assert not left, f"not as before:\n{left}"


def commented(
    world: World, github: GitHubServer, directory: Path, number: int, body: str, author: str, expected: int = 0
) -> dict[str, Any]:
    event = directory / "comment.json"
    event.write_text(json.dumps(github.event("created", number, author, github.comment(number, body, author))))
    world.environ["GITHUB_EVENT_PATH"] = str(event)
    try:
        return world.run("comment", "--yes", expected=expected)
    finally:
        del world.environ["GITHUB_EVENT_PATH"]
