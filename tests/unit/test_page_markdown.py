import re

import pytest
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from rendered import ZERO_WIDTH, page

from orchestrator.page.markdown import Markdown, clean, code, link, text

ANY = st.text(max_size=300) | st.lists(
    st.sampled_from([*HOSTILE.values(), "`", "<", "@", "#", "|", "\n", "\x1b[1m", "a", " ", "://", "www.", "gh-1"])
).map("".join)
# What GitHub itself makes of rendered text, after Markdown: people, issues, links.
ACTIVE = re.compile(r"@[a-z0-9]|#[0-9]|\bgh-[0-9]|[a-z]://|www\.", re.IGNORECASE)


def visible(markdown):
    return page(markdown).text.replace(ZERO_WIDTH, "").strip()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(name):
    for shown in (text(HOSTILE[name]), code(HOSTILE[name])):
        found = page(f"It says: {shown}.")
        assert found.names <= {"p", "code"}
        assert not found.comments
        assert not ACTIVE.search(found.text)


@given(ANY)
def test_any_text_is_shown_as_it_is_and_nothing_else(anything):
    found = page(f"x {text(anything)} x")
    assert found.names <= {"p", "code"}
    seen = found.text.replace(ZERO_WIDTH, "")
    assert seen.split() == f"x {without_code_marks(anything)} x".split()
    assert not ACTIVE.search(found.text)


def without_code_marks(anything):
    """What stands between backticks is code, and the backticks go."""
    return re.sub(r"`([^`]+)`", lambda found: clean(found[1]), clean(anything))


@given(ANY)
def test_code_shows_exactly_the_text(anything):
    found = page(f"x{code(anything)}x")
    assert found.code.replace(ZERO_WIDTH, "") == clean(anything, 300)


@given(ANY)
def test_a_cell_stays_a_cell(anything):
    found = page(f"| a | b |\n| --- | --- |\n| {text(anything)} | {code(anything)} |\n")
    assert [name for name, _ in found.tags].count("td") == 2
    assert [name for name, _ in found.tags].count("tr") == 2


@given(ANY, st.integers(1, 50))
def test_text_is_one_line_of_bounded_length(anything, limit):
    for shown in (clean(anything, limit), str(text(anything, limit)), str(code(anything, limit))):
        assert len(shown.splitlines()) <= 1
        shown.encode()  # nothing that cannot be sent
    assert len(clean(anything, limit)) <= limit
    assert len(text(anything, limit)) <= 14 * limit


def test_escape_sequences_of_a_terminal_go_and_their_text_stays():
    assert clean("\x1b[1;31mError:\x1b[0m no\n\tsuch\x07 thing") == "Error: no such thing"


def test_a_hint_keeps_its_code():
    found = page(text("run `envctl up` again"))
    assert found.code == "envctl up"
    assert found.text.strip() == "run envctl up again"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "https://shop.example/a?b=1&c=2", "http://x.elb.amazonaws.com/"]
)
def test_a_url_is_a_link(url):
    assert page(link(url)).targets == [url]
    assert page(link(url, "here")).targets == [url]
    assert visible(link(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://user:password@evil.example",
        "https://evil.example/) [x](y",
        "https://evil.example/><script>",
        "https://evil.example/a b",
        "https://evil.example/\n",
        "https://" + "a" * 600,
        "ftp://evil.example",
    ],
)
def test_a_strange_url_is_only_shown(url):
    assert page(link(url)).targets == []
    assert page(link(url, "here")).targets == []


def test_what_is_markdown_already_has_a_type_of_its_own():
    assert isinstance(text("a"), Markdown)
    assert not isinstance(text("a") + "b", Markdown)
