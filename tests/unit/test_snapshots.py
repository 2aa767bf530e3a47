from dataclasses import replace
from datetime import timedelta

import pytest
from builders import ARN, NOW, attempt, candidate
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import snapshots
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.snapshots import Policy

THEIRS = "210987654321"
POLICY = Policy("shop-prod", max_age=timedelta(days=7))


def choose(*candidates, policy=POLICY):
    return snapshots.choose(candidates, policy, NOW)


def refusal(*candidates, policy=POLICY):
    with pytest.raises(EnvctlError) as caught:
        choose(*candidates, policy=policy)
    assert caught.value.code is ExitCode.POLICY
    return caught.value


def test_the_newest_by_original_time_wins_and_says_why():
    found = choose(candidate("a", 30), candidate("b", 6), candidate("c", 54))
    assert found.snapshot.id == "b"
    assert found.reason == "the newest by original creation time, of 3 seen"
    assert (found.seen, found.passed_over) == (3, {"older": 2})


def test_the_only_usable_one_says_so():
    found = choose(candidate("a"), candidate("b", status="creating", created_at=None))
    assert found.reason == "the only usable one, of 2 seen"
    assert found.passed_over == {"status creating": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": "other"}, "of another source"),
        ({"status": "creating"}, "status creating"),
        ({"status": "failed"}, "status failed"),
        ({"created_at": None}, "without a creation time"),
        ({"type": "awsbackup"}, "type awsbackup"),
        ({"created_at": NOW - timedelta(days=7, seconds=1)}, "older than 7d"),
    ],
)
def test_the_unusable_are_passed_over_for_a_reason_that_is_counted(changes, reason):
    found = choose(candidate("good", 100), candidate("bad", 1, **changes))
    assert found.snapshot.id == "good"
    assert found.passed_over == {reason: 1}


@pytest.mark.parametrize(
    ("account", "encrypted", "reason"),
    [
        ("666666666666", False, "shared by another account"),
        (THEIRS, True, "shared and encrypted: copy it into this account"),
    ],
)
def test_a_shared_snapshot_must_be_productions_own_and_restorable(account, encrypted, reason):
    policy = replace(POLICY, types=("manual", "shared"), account=THEIRS)
    shared = candidate("s", 1, type="shared", arn=f"arn:aws:rds:us-east-1:{account}:snapshot:s", encrypted=encrypted)
    ours = candidate("ours", 30, type="manual")
    assert choose(shared, ours, policy=policy).passed_over == {reason: 1}
    usable = replace(shared, arn=shared.arn.replace(account, THEIRS), encrypted=False)
    assert choose(usable, ours, policy=policy).snapshot.id == "s"


def test_a_snapshot_of_exactly_the_age_limit_is_usable():
    assert choose(candidate(age_h=7 * 24)).snapshot


def test_without_an_age_limit_any_age_is_usable():
    assert choose(candidate(age_h=9999), policy=replace(POLICY, max_age=None)).snapshot


@pytest.mark.parametrize(("kind", "other", "said"), [("cluster", "instance", "an"), ("instance", "cluster", "a")])
def test_only_the_kind_that_is_asked_for_is_used(kind, other, said):
    found = choose(candidate("a", 9, kind=kind), candidate("b", 1, kind=other), policy=replace(POLICY, kind=kind))
    assert found.snapshot.id == "a"
    assert found.passed_over == {f"a snapshot of {said} {other}": 1}


def test_a_copy_of_unknown_age_is_a_last_resort_and_says_so():
    unknown = candidate("copy", 1, exact=False)
    assert choose(unknown, candidate("old", 100)).snapshot.id == "old"
    assert "the age of its original is not known" in choose(unknown).reason


@pytest.mark.parametrize("want", ["wanted", ARN + "wanted"])
def test_a_snapshot_asked_for_by_name_may_be_of_any_type_and_age(want):
    old = candidate("wanted", 9999, type="awsbackup")
    found = choose(candidate("new"), old, policy=replace(POLICY, want=want))
    assert (found.snapshot, found.reason) == (old, "asked for by name")


@pytest.mark.parametrize("changes", [{"source": "other"}, {"status": "creating"}, {"created_at": None}])
def test_a_name_does_not_make_the_unusable_usable(changes):
    error = refusal(candidate("wanted", **changes), policy=replace(POLICY, want="wanted"))
    assert "named 'wanted' of 'shop-prod'" in error.message


def test_none_seen_names_the_source_and_where_to_look():
    error = refusal()
    assert error.message == "There is no snapshot of 'shop-prod': none was seen."
    assert "database.source" in error.hint


def test_none_usable_says_how_many_were_refused_and_why():
    error = refusal(candidate("a", status="failed"), candidate("b", 999), candidate("c", 999))
    assert (
        error.message
        == "There is no usable snapshot of 'shop-prod': 3 snapshots were seen: 2 older than 7d, 1 status failed."
    )
    assert "--snapshot" in error.hint


def rank(snapshot):
    return snapshot.exact, snapshot.created_at, snapshot.id


CANDIDATES = st.lists(
    st.builds(
        candidate,
        id=st.sampled_from("abcdefgh"),
        age_h=st.floats(-1, 24 * 14),
        kind=st.sampled_from(["cluster", "instance"]),
        source=st.sampled_from(["shop-prod", "other"]),
        type=st.sampled_from(["automated", "manual", "awsbackup", "shared"]),
        status=st.sampled_from(["available", "creating", "failed"]),
        exact=st.booleans(),
        encrypted=st.booleans(),
        arn=st.just(ARN.replace("123456789012", THEIRS)),
    ),
    max_size=12,
)
POLICIES = st.builds(
    Policy,
    source=st.just("shop-prod"),
    types=st.sampled_from([("automated", "manual"), ("awsbackup",), ("automated", "shared")]),
    kind=st.sampled_from(["auto", "cluster", "instance"]),
    max_age=st.none() | st.just(timedelta(days=7)),
    account=st.none() | st.just(THEIRS),
)


@given(CANDIDATES, POLICIES)
def test_the_choice_is_the_maximum_of_what_the_policy_allows(candidates, policy):
    allowed = [
        c
        for c in candidates
        if c.source == policy.source
        and c.status == "available"
        and c.type in policy.types
        and (c.type != "shared" or (policy.account == THEIRS and not c.encrypted))
        and policy.kind in ("auto", c.kind)
        and (policy.max_age is None or NOW - c.created_at <= policy.max_age)
    ]
    if not allowed:
        refusal(*candidates, policy=policy)
        return
    found = choose(*candidates, policy=policy)
    assert found.snapshot == max(allowed, key=rank)
    assert found.seen == len(candidates) == 1 + sum(found.passed_over.values())


@given(CANDIDATES, st.randoms())
def test_the_order_of_the_listing_does_not_matter(candidates, random):
    shuffled = random.sample(candidates, len(candidates))
    chosen, again = attempt(choose, *candidates), attempt(choose, *shuffled)
    if isinstance(chosen, EnvctlError):
        assert sorted(again.message) == sorted(chosen.message)  # the reasons may change places
    else:
        assert rank(again.snapshot) == rank(chosen.snapshot)
