import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from builders import NOW, candidate
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import published
from orchestrator.errors import EnvctlError, ExitCode

PLACE = "The parameter /envctl/shop-prod/latest-snapshot"
SNAPSHOT = candidate(kms_key="arn:aws:kms:us-east-1:123456789012:key/1")
TEXT = published.render(SNAPSHOT)


def refusal(text):
    with pytest.raises(EnvctlError) as caught:
        published.parse(text, PLACE)
    assert caught.value.code is ExitCode.POLICY
    assert PLACE in caught.value.message
    return caught.value


def test_it_says_what_the_issue_asks_for():
    assert json.loads(TEXT) == {
        "version": 1,
        "arn": SNAPSHOT.arn,
        "id": SNAPSHOT.id,
        "kind": "cluster",
        "source": "shop-prod",
        "type": "automated",
        "created_at": "2026-11-22T03:00:00+00:00",
        "exact": True,
        "engine": "aurora-mysql",
        "engine_version": "8.0.mysql_aurora.3.08.0",
        "kms_key": "arn:aws:kms:us-east-1:123456789012:key/1",
    }


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.booleans(),
    st.none() | st.text(min_size=1, max_size=40),
    st.sampled_from(["cluster", "instance"]),
)
def test_what_is_written_is_read(created_at, exact, key, kind):
    word = "cluster-snapshot" if kind == "cluster" else "snapshot"
    arn = SNAPSHOT.arn.replace("cluster-snapshot", word)
    written = replace(
        SNAPSHOT, arn=arn, kind=kind, created_at=created_at, exact=exact, kms_key=key, encrypted=key is not None
    )
    text = published.render(written)
    assert published.parse(text, PLACE) == written
    assert "{{" not in text  # SSM takes it for the name of another parameter
    assert "}}" not in text


def test_nothing_to_announce_is_said_too():
    assert published.parse(published.render(None), PLACE) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:x",
        "[]",
        "null",
        "{}",
        '{"version": "1", "arn": null}',
        '{"version": true, "arn": null}',
        "[" * 3000,
        "1" * 5000,
    ],
)
def test_what_is_no_announcement_is_refused(text):
    assert "does not name a snapshot" in refusal(text).message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("arn", 7),
        ("arn", "arn:aws:s3:::bucket"),
        ("arn", SNAPSHOT.arn + "${file(/etc/passwd)}"),
        ("arn", SNAPSHOT.arn + "\n"),
        ("kind", "instance"),
        ("created_at", "yesterday"),
        ("created_at", "2026-11-22T03:00:00"),
        ("engine", None),
        ("kms_key", 7),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_refused(key, value):
    refusal(json.dumps({**json.loads(TEXT), key: value}))


def test_a_missing_field_is_refused_and_an_unknown_one_ignored():
    body = json.loads(TEXT)
    assert published.parse(json.dumps({**body, "later": 1}), PLACE) == SNAPSHOT
    del body["engine"]
    refusal(json.dumps(body))


def test_a_newer_version_asks_for_a_newer_envctl():
    assert refusal('{"version": 2, "arn": null}').hint == "Update envctl."


@given(st.text(max_size=60) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_text_is_a_bug(text):
    refusal(text)


def test_a_time_without_its_zone_is_not_guessed():
    assert NOW.tzinfo is UTC
    assert "time zone" in refusal(TEXT.replace("+00:00", "")).message
