"""What `envctl init` would write: values stay values, people's own lines stay theirs, nobody is asked twice."""

import dataclasses
import tomllib

import pytest
import yaml

from orchestrator import scaffold
from orchestrator.config import Config
from orchestrator.scaffold import CONFIG, QUESTIONS, WORKFLOWS, Answers, Change

ANSWERS = Answers(
    project="shop",
    region="eu-north-1",
    bucket="acme-preview-state",
    source="shop-prod",
    preview_role="arn:aws:iam::123456789012:role/envctl/preview",
    reaper_role="arn:aws:iam::123456789012:role/envctl/reaper",
    envctl="acme/envctl",
    ref="0123456789abcdef0123456789abcdef01234567",
)
FILES = scaffold.render(ANSWERS)
HOSTILE = ['a"b', "a\nb: c", "${{ github.token }}", "'; rm -rf / #", "{{ 7 * 7 }}", "a\\", "é", "[x]\ny = 1", "", " "]


def question(field):
    return next(question for question in QUESTIONS if question.field == field)


def test_every_answer_is_asked_for():
    assert [question.field for question in QUESTIONS] == [field.name for field in dataclasses.fields(Answers)]


@pytest.mark.parametrize("found", QUESTIONS, ids=lambda found: found.field)
def test_a_good_answer_has_no_problem(found):
    assert scaffold.problem(found, getattr(ANSWERS, found.field)) is None


@pytest.mark.parametrize("answer", HOSTILE)
@pytest.mark.parametrize("found", QUESTIONS, ids=lambda found: found.field)
def test_a_hostile_answer_is_refused_in_words(found, answer):
    problem = scaffold.problem(found, answer)
    assert problem is not None
    assert problem.startswith("must ")


@pytest.mark.parametrize(
    ("field", "answer"),
    [
        ("project", "much-too-long-a-name"),
        ("project", "internal"),
        ("region", "stockholm"),
        ("bucket", "UPPER"),
        ("preview_role", "arn:aws:iam::123456789012:user/me"),
        ("reaper_role", "arn:aws:iam::12345:role/x"),
        ("envctl", "envctl"),
        ("envctl", "acme/envctl/setup"),
        ("ref", "main"),
        ("ref", "0123456"),
    ],
)
def test_a_wrong_answer_is_refused(field, answer):
    assert scaffold.problem(question(field), answer)


def test_the_configuration_is_one():
    config = Config.model_validate(tomllib.loads(FILES[CONFIG]))
    assert (config.project.name, config.project.region) == ("shop", "eu-north-1")
    assert (config.state.bucket, config.database.source) == ("acme-preview-state", "shop-prod")


def test_each_workflow_calls_its_own_of_the_very_commit_with_its_role():
    for name, path in WORKFLOWS.items():
        (job,) = yaml.safe_load(FILES[path])["jobs"].values()
        assert job["uses"] == f"acme/envctl/.github/workflows/{name}.yml@{ANSWERS.ref}"
        role = ANSWERS.reaper_role if name == "reap" else ANSWERS.preview_role
        assert job["with"] == {"role": role, "region": "eu-north-1"}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_that_slipped_through_would_still_be_a_value(value):
    files = scaffold.render(dataclasses.replace(ANSWERS, region=value, source=value))
    assert tomllib.loads(files[CONFIG])["database"] == {"source": value}
    (job,) = yaml.safe_load(files[WORKFLOWS["reap"]])["jobs"].values()
    assert job["with"]["region"] == value


def test_files_are_new_unchanged_or_different():
    def status(before):
        (change,) = scaffold.changes({"x": before}, {"x": "a\n"})
        return change.status

    assert [status(before) for before in (None, "a\n", "b\n", "a\r\n")] == [
        "new",
        "unchanged",
        "different",
        "different",
    ]


def test_what_people_add_to_the_configuration_is_theirs():
    theirs = FILES[CONFIG].replace("eu-north-1", "eu-north-1") + '\n[limits]\nttl = "24h"\n'
    assert Change(CONFIG, theirs, FILES[CONFIG]).status == "unchanged"
    assert Change(CONFIG, theirs.replace("shop-prod", "shop-live"), FILES[CONFIG]).status == "different"
    assert Change(CONFIG, "not toml", FILES[CONFIG]).status == "different"
    assert Change(CONFIG, "project = 3", FILES[CONFIG]).status == "different"


def test_a_diff_shows_the_lines_that_change():
    path = WORKFLOWS["reap"]
    diff = Change(path, FILES[path].replace("eu-north-1", "us-east-1"), FILES[path]).diff
    assert f"--- a/{path}\n+++ b/{path}\n" in diff
    assert '-      region: "us-east-1"\n+      region: "eu-north-1"' in diff
    assert Change(path, None, FILES[path]).diff.startswith("--- /dev/null\n")
    assert Change(path, FILES[path], FILES[path]).diff == ""


def test_what_was_written_is_remembered():
    answers = dataclasses.asdict(ANSWERS)
    del answers["envctl"], answers["ref"]  # those are envctl's own, newer with each version
    assert scaffold.remembered(FILES) == answers
    assert scaffold.remembered({}) == {}
    assert scaffold.remembered({CONFIG: "project = 3\n[state]\nbucket = 3\n"}) == {}


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("acme/shop", "shop"),
        ("acme/Shop.Frontend-App", "shop"),
        ("acme/web-shop-backend", "web-shop"),
        ("acme/supercalifragilistic", "supercalifra"),
        ("acme/2048", None),
        ("acme/internal", None),
        ("acme/_", None),
        ("acme/7-eleven", "eleven"),
    ],
)
def test_a_project_is_named_after_its_repository_if_that_can_be(repository, name):
    assert scaffold.project_name(repository) == name
