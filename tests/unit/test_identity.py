import re

import pytest
from builders import attempt, config, environment
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator import identity
from orchestrator.errors import EnvctlError, ExitCode

PROJECTS = st.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True)
PRS = st.integers(1, identity.MAXIMUM_PR)


def test_everything_follows_from_the_pull_request():
    found = environment(42, tags={"team": "shop"})
    assert found.name == "shop-pr-42"
    assert found.state_key == "environments/acme/shop/pr-42/terraform.tfstate"
    assert found.lock_key == "environments/acme/shop/pr-42/terraform.tfstate.tflock"
    assert found.manifest_key == "environments/acme/shop/pr-42/manifest.json"
    assert found.tags == {
        "team": "shop",
        "envctl:environment": "shop-pr-42",
        "envctl:project": "shop",
        "envctl:repository": "acme/shop",
        "envctl:pr": "42",
    }


def test_without_a_repository_it_says_where_to_write_one():
    with pytest.raises(EnvctlError, match=r"\[project\] in envctl\.toml") as caught:
        environment(42, project={"repository": None})
    assert caught.value.code is ExitCode.USAGE


@given(PROJECTS, PRS)
def test_a_name_fits_every_service(project, pr):
    try:
        made = config(project={"name": project})
    except ValidationError:
        return
    name = identity.identify(pr, made, "us-east-1").name
    # Load balancers and target groups: 32 characters with the longest suffix; RDS: no `--`, letter first.
    assert len(f"{name}-web") <= 32
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name)
    assert "--" not in name
    assert not name.startswith("internal-")


@given(PRS, PRS)
def test_no_environments_keys_begin_with_anothers(one, other):
    if one != other:
        assert not environment(one).state_key.startswith(environment(other).prefix)


@given(PRS)
def test_a_number_is_read_back(pr):
    assert identity.pr_number(str(pr)) == pr


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "42; rm -rf /",
        str(10**30),
        str(2**31),
        "",
        " 42",
        "42\n",
        "+42",
        "042",
        "4_2",
        "\u0664\u0662",
        "0x2a",
        "4.2",
    ],
)
def test_what_is_no_pull_request_is_a_usage_error(text):
    with pytest.raises(
        EnvctlError, match="is not a pull request number: it must be between 1 and 2147483647"
    ) as caught:
        identity.pr_number(text)
    assert caught.value.code is ExitCode.USAGE
    assert "--pr 42" in caught.value.hint


@given(st.text())
def test_any_text_is_a_number_in_range_or_a_usage_error(text):
    found = attempt(identity.pr_number, text)
    if isinstance(found, EnvctlError):
        assert found.code is ExitCode.USAGE
        assert len(found.message) < 200
    else:
        assert 1 <= found <= identity.MAXIMUM_PR


@pytest.mark.parametrize("text", ["abc1234", "A" * 40, "0" * 64])
def test_a_commit_is_hexadecimal_and_becomes_lower_case(text):
    assert identity.commit_id(text) == text.lower()


@pytest.mark.parametrize("text", ["", "abc123", "0" * 65, "main", "$(date)", "abcdefg", "abc1234\n"])
def test_what_is_no_commit_is_a_usage_error(text):
    with pytest.raises(EnvctlError, match="is not a commit id") as caught:
        identity.commit_id(text)
    assert caught.value.code is ExitCode.USAGE
