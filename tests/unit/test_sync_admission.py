"""Which pull requests may have an environment."""

from __future__ import annotations

import itertools

import pytest
from builders import config

from orchestrator.pull_request import PullRequest
from orchestrator.sync.admission import refusal

HEAD = "a" * 40


def asked(rules: dict[str, object], **standing: bool) -> str | None:
    found = refusal(PullRequest(42, True, HEAD, **standing), config(github=rules).github)
    return found and f"{found.reason} {found.hint}".strip()


@pytest.mark.parametrize(
    ("rules", "standing", "said"),
    [
        ({}, {}, None),
        ({}, {"draft": True}, "Drafts get no environment. Mark the pull request as ready for review."),
        ({"drafts": True}, {"draft": True}, None),
        (
            {"require_label": True},
            {},
            "Only pull requests with the label 'preview' get an environment. Add the label 'preview'.",
        ),
        ({"require_label": True, "label": "env"}, {"labelled": True}, None),
        ({"require_label": True, "drafts": True}, {"draft": True, "labelled": True}, None),
        (
            {"forks": "never"},
            {"fork": True, "labelled": True, "approved": True},
            "Pull requests from forks get no environment here.",
        ),
        (
            {"bots": "never"},
            {"bot": True, "labelled": True, "approved": True},
            "Pull requests of bots get no environment here.",
        ),
        ({"forks": "never"}, {"bot": True, "approved": True}, None),
        (
            {"forks": "never"},
            {"fork": True, "bot": True, "approved": True},
            "Pull requests from forks get no environment here.",
        ),
    ],
)
def test_the_rules(rules: dict[str, object], standing: dict[str, bool], said: str | None) -> None:
    assert asked(rules, **standing) == said


@pytest.mark.parametrize("whom", ["fork", "bot"])
def test_outsiders_need_the_label_for_this_very_commit(whom: str) -> None:
    assert "can add the label 'preview'" in (asked({}, **{whom: True}) or "")
    again = asked({}, **{whom: True, "labelled": True}) or ""
    assert "can remove and add the label 'preview'" in again
    assert HEAD[:7] in again
    assert asked({}, **{whom: True, "labelled": True, "approved": True}) is None


def test_nobody_from_outside_gets_in_unapproved_whatever_the_rules() -> None:
    standings = ("draft", "fork", "bot", "labelled")
    for values in itertools.product([False, True], repeat=4):
        standing = dict(zip(standings, values, strict=True))
        for drafts, require in itertools.product([False, True], repeat=2):
            if standing["fork"] or standing["bot"]:
                assert asked({"drafts": drafts, "require_label": require}, **standing) is not None
