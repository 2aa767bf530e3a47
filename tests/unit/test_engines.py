from datetime import timedelta

import pytest
from builders import NOW

from orchestrator import engines
from orchestrator.engines import Facts
from orchestrator.errors import EnvctlError, ExitCode

CLASSES = ("db.r6g.large", "db.r6g.xlarge", "db.r7g.large", "db.serverless", "db.t3.medium", "db.t4g.large")
FINE = Facts("available", "16", NOW + timedelta(days=1), ("db.t4g.medium",))


def judge(facts, extended_support=False, instance_class="db.t4g.medium"):
    return engines.judge("postgres", "16.6", instance_class, facts, extended_support, NOW)


def refusal(facts, **more):
    with pytest.raises(EnvctlError) as caught:
        judge(facts, **more)
    assert caught.value.code is ExitCode.POLICY
    return caught.value


def test_what_is_fine_is_not_worth_a_word():
    assert judge(FINE) == []


@pytest.mark.parametrize("status", ["unknown", "deprecated"])
def test_a_version_that_is_not_restored_any_more_is_refused(status):
    error = refusal(Facts(status))
    assert "postgres 16.6" in error.message
    assert status in error.message


def test_extended_support_is_refused_from_its_first_day():
    error = refusal(Facts("available", "16", NOW, ("db.t4g.medium",)))
    assert "Extended Support since 2026-11-22" in error.message
    assert "extended_support = true" in error.hint


def test_extended_support_is_reported_where_it_is_wanted():
    (note,) = judge(Facts("available", "16", NOW, ("db.t4g.medium",)), extended_support=True)
    assert "billed" in note


def test_a_class_that_cannot_be_ordered_is_refused_with_what_can():
    error = refusal(Facts("available", "16", None, CLASSES))
    assert "db.t4g.medium cannot be ordered for postgres 16.6" in error.message
    assert error.hint == "Set instance_class under [database] to db.t3.medium, db.t4g.large or db.r6g.large."


def test_where_nothing_can_be_ordered_there_is_no_hint_of_a_class():
    assert "instance_class" not in refusal(Facts("available", "16", None, ())).hint


def test_what_is_not_known_hinders_nothing_and_is_said():
    assert judge(Facts(untold=("Going on.",))) == ["Going on."]


@pytest.mark.parametrize(
    ("wanted", "best"),
    [
        ("db.t4g.medium", "db.t3.medium"),  # the same kind, although of another processor
        ("db.t4g.small", "db.t3.medium"),
        ("db.r6g.2xlarge", "db.r6g.xlarge"),
        ("db.r5.large", "db.r6g.large"),
        ("db.r8g.large", "db.r7g.large"),
        ("db.m5.24xlarge", "db.r6g.xlarge"),
        ("db.serverless", "db.t3.medium"),
    ],
)
def test_the_nearest_class_is_of_the_same_kind_then_size_then_generation(wanted, best):
    assert engines.nearest(wanted, set(CLASSES) - {wanted})[0] == best
