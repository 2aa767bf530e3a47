from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import record
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import locks
from orchestrator.locks import SILENT, Lock, Run
from orchestrator.manifest import Operation

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ACTIONS = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_REPOSITORY": "acme/shop"}
LOCK = Lock("9f", "runner@ci", "envctl up", NOW.isoformat(), info=locks.info_of(ACTIONS))


@given(st.builds(Lock, *(st.text() for _ in range(4)), st.none(), st.text()))
def test_what_is_written_is_read(lock):
    assert locks.parse(locks.render(lock, "bucket/key"), None) == lock


@given(st.binary())
def test_whatever_lies_there_is_a_lock(body):
    assert locks.parse(body, "v1").version == "v1"


@pytest.mark.parametrize("body", [b"{" * 100_000, b'{"ID": "x", "Who": 3}', b"[]", b"null", b'{"Who": "x"}'])
def test_odd_locks_are_locks(body):
    assert isinstance(locks.parse(body, None), Lock)


def test_terraforms_own_lock_is_read():
    body = b'{"ID":"1b","Operation":"OperationTypeApply","Info":"","Who":"a@b","Version":"1","Created":"x","Path":"p"}'
    assert locks.parse(body, None).describe() == "by a@b since x, for OperationTypeApply"


def test_a_run_of_actions_is_named_and_found_again():
    assert locks.run_of(LOCK) == Run(77, 2, "acme/shop")
    assert "(GitHub Actions run 77, attempt 2, of acme/shop)" in LOCK.describe()


@pytest.mark.parametrize("missing", ["GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITHUB_REPOSITORY"])
def test_elsewhere_nothing_is_said_of_a_run(missing):
    assert locks.info_of({name: value for name, value in ACTIONS.items() if name != missing}) == ""


@pytest.mark.parametrize("info", ["", "by hand", "GitHub Actions run x, attempt 1, of a/b", LOCK.info + " "])
def test_other_words_are_no_run(info):
    assert locks.run_of(replace(LOCK, info=info)) is None


def operation(**changes):
    return replace(record(), operation=replace(Operation("up", NOW, id=LOCK.id), **changes))


LONG_AGO = NOW - SILENT - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("lock", "known", "silent"),
    [
        (LOCK, None, False),
        (replace(LOCK, created=LONG_AGO.isoformat()), None, True),
        (replace(LOCK, created="yesterday"), None, False),
        (replace(LOCK, created=LONG_AGO.replace(tzinfo=None).isoformat()), None, True),
        (LOCK, operation(started_at=LONG_AGO), True),
        (LOCK, operation(started_at=LONG_AGO, beat_at=NOW), False),
        (LOCK, operation(started_at=LONG_AGO, beat_at=LONG_AGO), True),
        (LOCK, operation(started_at=LONG_AGO, ended_at=LONG_AGO, beat_at=NOW), False),
        (LOCK, operation(started_at=LONG_AGO, ended_at=LONG_AGO), True),
        # The operation of a dead run, whose lock was taken over by one that died before it wrote its own.
        (replace(LOCK, created=LONG_AGO.isoformat()), operation(id="other", started_at=LONG_AGO), True),
        (LOCK, operation(id="other", started_at=LONG_AGO), False),
        (replace(LOCK, created=LONG_AGO.isoformat()), operation(id="other", started_at=LONG_AGO, beat_at=NOW), False),
        (replace(LOCK, created=LONG_AGO.isoformat()), operation(id="other", ended_at=LONG_AGO), True),
    ],
)
def test_silence(lock, known, silent):
    assert locks.silent(lock, known, NOW) is silent
