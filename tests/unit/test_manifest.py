import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOW, OUTPUTS, attempt, candidate, environment, pinned, record
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import manifest
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.manifest import Manifest, Operation, PinnedSnapshot
from orchestrator.snapshots import Policy, choose

LATER = NOW + timedelta(hours=1)
# To the second, as manifests keep them.
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
SNAPSHOTS = st.builds(PinnedSnapshot, kind=st.sampled_from(["cluster", "instance"]), created_at=TIMES)
OPERATIONS = st.builds(Operation, kind=st.sampled_from(["up", "destroy"]), started_at=TIMES, ended_at=st.none() | TIMES)
MANIFESTS = st.builds(
    Manifest,
    status=st.sampled_from(["creating", "updating", "ready", "unhealthy", "failed", "paused", "destroying"]),
    snapshot=SNAPSHOTS,
    created_at=TIMES,
    updated_at=TIMES,
    expires_at=TIMES,
    applied_at=st.none() | TIMES,
    operation=st.none() | OPERATIONS,
    outputs=st.dictionaries(st.text(), JSON, max_size=3),
    version=st.just(manifest.VERSION),
)


def parse(raw):
    return manifest.parse(json.dumps(raw).encode(), "s3://b/k")


def raw(**changes):
    return json.loads(manifest.render(record())) | changes


# Writing and reading


@given(MANIFESTS)
def test_parsing_inverts_rendering(written):
    assert manifest.parse(manifest.render(written), "s3://b/k") == written


def test_times_are_utc_to_the_second():
    rendered = json.loads(manifest.render(record(updated_at=NOW.replace(microsecond=999_999))))
    assert rendered["updated_at"] == "2026-11-22T09:00:00Z"


def test_unknown_fields_of_the_same_version_are_ignored():
    assert parse(raw(colour="red")) == record()


def test_a_newer_version_is_refused():
    with pytest.raises(EnvctlError, match="has version 2; this envctl knows up to 1") as caught:
        parse(raw(version=2))
    assert caught.value.code is ExitCode.TERRAFORM
    assert caught.value.hint == "Update envctl."


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "1"},
        {"version": None},
        {"status": "asleep"},
        {"code": ["a list"]},
        {"operation": ["a list"]},
        {"pr": "42"},
        {"pr": True},
        {"name": 3},
        {"commit": ["x"]},
        {"outputs": []},
        {"created_at": None},
        {"created_at": "yesterday"},
        {"created_at": "0001-01-01T00:00:00+23:00"},
        {"snapshot": None},
        {"snapshot": {}},
        {"snapshot": {**json.loads(manifest.render(record()))["snapshot"], "arn": 3}},
        {"snapshot": {**json.loads(manifest.render(record()))["snapshot"], "kind": "table"}},
        {"operation": {}},
        {"operation": "up"},
    ],
)
def test_a_damaged_record_names_its_place_and_a_way_back(changes):
    with pytest.raises(EnvctlError, match="The manifest s3://b/k cannot be read") as caught:
        parse(raw(**changes))
    assert caught.value.code is ExitCode.TERRAFORM
    assert "list its versions" in caught.value.hint


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_manifest_or_an_envctl_error(data):
    with pytest.raises(EnvctlError):
        manifest.parse(data, "s3://b/k")


@given(st.sampled_from(sorted(raw())), JSON)
def test_a_record_with_one_odd_value_is_read_whole_or_refused(name, value):
    found = attempt(parse, raw(**{name: value}))
    if isinstance(found, EnvctlError):
        assert found.code is ExitCode.TERRAFORM
    else:
        assert manifest.parse(manifest.render(found), "s3://b/k") == found


# Its life


def test_it_begins_with_its_snapshot_and_its_expiry():
    begun = manifest.begin(environment(), pinned(), NOW, timedelta(hours=72))
    assert (begun.name, begun.pr, begun.repository, begun.status) == ("shop-pr-42", 42, "acme/shop", "creating")
    assert begun.snapshot == pinned()
    assert begun.expires_at == NOW + timedelta(hours=72)


def test_the_intent_is_creating_until_an_apply_was_complete():
    never = record(applied_at=None)
    assert manifest.intend(never, "up", LATER, None).status == "creating"
    assert manifest.intend(record(), "up", LATER, None).status == "updating"
    assert manifest.intend(record(), "destroy", LATER, None).status == "destroying"


def test_the_intent_opens_an_operation_and_keeps_a_known_commit():
    intended = manifest.intend(record(), "up", LATER, None)
    assert intended.operation == Operation("up", LATER)
    assert intended.commit == "a" * 40
    assert manifest.intend(record(), "up", LATER, "b" * 40).commit == "b" * 40


def test_the_outcome_closes_the_operation():
    done = manifest.conclude(manifest.intend(record(), "up", NOW, None), "failed", "no room", LATER)
    assert done.operation == Operation("up", NOW, LATER, "no room")
    assert (done.status, done.updated_at, done.outputs) == ("failed", LATER, OUTPUTS)


def test_outputs_are_replaced_when_there_are_new_ones():
    assert manifest.conclude(record(), "ready", "applied", LATER, {}).outputs == {}


@pytest.mark.parametrize("status", ["ready", "unhealthy"])
def test_it_holds_data_since_its_first_complete_apply(status):
    assert manifest.conclude(record(applied_at=None), status, "applied", LATER).applied_at == LATER
    assert manifest.conclude(record(), status, "applied", LATER).applied_at == NOW


def test_a_failed_apply_is_not_a_complete_one():
    assert manifest.conclude(record(applied_at=None), "failed", "x", LATER).applied_at is None


def test_the_snapshot_is_pinned_with_the_reason_of_its_choice():
    choice = choose([candidate()], Policy("shop-prod"), NOW)
    assert PinnedSnapshot.of(choice) == replace(pinned(), reason="the only usable one, of 1 seen")


@pytest.mark.parametrize(("outputs", "url"), [({}, None), ({"url": 3}, None), ({"url": "http://x"}, "http://x")])
def test_the_url_is_an_output(outputs, url):
    assert record(outputs=outputs).url == url


def test_a_run_gives_signs_of_life_after_its_outcome_too_but_not_of_a_tombstone():
    begun = manifest.intend(record(), "up", NOW, None, "ours")
    for living in (begun, manifest.conclude(begun, "unhealthy", "not known yet", NOW)):
        assert manifest.beat(living, "ours", LATER).operation.beat_at == LATER
        assert manifest.beat(living, "theirs", LATER) == living
    tombstone = manifest.conclude(manifest.intend(record(), "destroy", NOW, None, "ours"), "destroyed", "-", NOW)
    assert manifest.beat(tombstone, "ours", LATER) == tombstone


def test_a_run_concludes_what_it_began_and_leaves_another_runs_operation_alone():
    begun = manifest.intend(record(), "destroy", NOW, None, "theirs")
    assert manifest.conclude_own(begun, "ours", "ready", "applied", LATER, {}) == begun
    assert manifest.conclude_own(begun, "theirs", "failed", "no", LATER).operation.outcome == "no"
