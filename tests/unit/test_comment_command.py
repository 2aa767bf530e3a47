from datetime import timedelta

import pytest
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.comment_command import NO_TIME, UNKNOWN, Command, Problem, parse


@pytest.mark.parametrize("name", ["up", "destroy", "refresh-data", "pause", "resume", "status", "extend"])
def test_every_command_is_known(name):
    assert parse(f"/envctl {name}") == Command(name)
    assert parse(f"/envctl  {name.upper()} \r\n") == Command(name)


def test_extend_takes_a_time():
    assert parse("/envctl extend 24h") == Command("extend", timedelta(hours=24))
    assert parse("/envctl extend 3d") == Command("extend", timedelta(days=3))


@pytest.mark.parametrize(
    "line", ["extend soon", "extend 24", "extend 24h 3d", "extend -1h", "extend 99999d", "extend ٣d"]
)
def test_extend_refuses_what_is_no_time(line):
    assert parse(f"/envctl {line}") == NO_TIME


@pytest.mark.parametrize("line", ["", " ", "upp", "up now", "destroy --yes", "destroy; rm -rf /", "up\u200b", "--help"])
def test_anything_else_is_refused(line):
    assert parse(f"/envctl{' ' if line.strip() else ''}{line}") == UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        "",
        "looks good",
        "please /envctl destroy",
        " /envctl destroy",
        "\t/envctl destroy",
        "    /envctl destroy",
        "> /envctl destroy",
        "- /envctl destroy",
        "`/envctl destroy`",
        "/envctl-destroy",
        "/envctld destroy",
        "```\n/envctl destroy\n```",
        "~~~\n/envctl destroy\n~~~",
        "```sh\n/envctl destroy",
        "````\n```\n/envctl destroy\n````",
        "```\n~~~\n/envctl destroy\n```",
        "``` \n```no end\n/envctl destroy",
        "<!-- a\n/envctl destroy\n-->",
        "text <!-- a --> b <!--\n/envctl destroy",
    ],
)
def test_what_is_not_an_order_is_none(body):
    assert parse(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "/envctl pause",
        "Good night.\n\n/envctl pause\n\nSee you.",
        "> what now?\n\n/envctl pause",
        "```\n/envctl destroy\n```\n/envctl pause",
        "~~~~\n~~~\n~~~~\n/envctl pause",
        "```inline``` is no fence\n/envctl pause",
        "<!-- a -->\n/envctl pause",
        "<!--\n/envctl destroy\n-->\n/envctl pause",
        "/envctl pause\n/envctl destroy",
        "one\r/envctl pause",
    ],
)
def test_the_first_order_of_a_comment_counts(body):
    assert parse(body) == Command("pause")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_answer_repeats_what_was_written(name):
    answer = parse(f"/envctl {HOSTILE[name].strip()}")
    assert answer in (UNKNOWN, NO_TIME)


def test_a_refusal_is_one_sentence_that_names_every_command():
    assert all(f"`{name}`" in UNKNOWN.message for name in ("up", "destroy", "refresh-data", "extend", "status"))
    assert UNKNOWN.message.count(". ") == 0


@given(
    st.text()
    | st.lists(st.sampled_from(["/envctl", " ", "up", "extend", "1h", "\n", "```", "<!--", "-->", ">"])).map("".join)
)
def test_no_comment_raises(body):
    assert isinstance(parse(body), Command | Problem | None)


def test_a_comment_without_end_is_read_as_far_as_github_lets_people_write():
    assert parse("a\n" * 40_000 + "/envctl destroy") is None
