import pytest
from builders import config, pinned

from orchestrator import cost
from orchestrator.cost import Cost


def hourly(snapshot=None, **sections):
    found = cost.estimate(config(**sections), snapshot or pinned())
    return found.hourly_usd if found else None


def test_the_default_environment_is_the_sum_of_its_parts():
    web = 2 * (0.0104 + 2.10 / 730 + 8 * 0.08 / 730)
    bastion = 0.0042 + 8 * 0.08 / 730
    around = 0.045 + 0.0225 + 3 * 0.005 + (0.40 + 2 * 0.10) / 730
    assert hourly() == pytest.approx(web + bastion + around + 2 * 0.073, abs=1e-4)


@pytest.mark.parametrize(
    ("sections", "difference"),
    [
        ({"database": {"replicas": 0}}, -0.073),
        ({"database": {"replicas": 3}}, 2 * 0.073),
        ({"network": {"nat": "per_az"}}, 0.045 + 0.005),
        # The bastion gets the address that the gateway had.
        ({"network": {"nat": "none"}}, -0.045),
        ({"network": {"nat": "none"}, "bastion": {"enabled": False}}, -0.045 - 0.005 - 0.0042 - 8 * 0.08 / 730),
        ({"web": {"placement": "public"}}, 2 * 0.005),
        ({"web": {"min_size": 1}}, -(0.0104 + 2.10 / 730 + 8 * 0.08 / 730)),
        ({"database": {"instance_class": "db.serverless", "min_capacity": 1}}, 2 * (0.12 - 0.073)),
    ],
)
def test_each_setting_counts(sections, difference):
    assert hourly(**sections) - hourly() == pytest.approx(difference, abs=2e-4)


def test_the_engine_of_the_snapshot_decides_what_the_database_costs():
    assert hourly(pinned(engine="postgres")) - hourly() == pytest.approx(2 * (0.065 - 0.073), abs=2e-4)


@pytest.mark.parametrize(
    ("snapshot", "sections"),
    [
        (pinned(), {"database": {"instance_class": "db.x99.huge"}}),
        (pinned(), {"web": {"instance_type": "x99.huge"}}),
        (pinned(engine="oracle-ee"), {}),
        (pinned(engine="postgres"), {"database": {"instance_class": "db.serverless"}}),
    ],
)
def test_an_unknown_price_makes_the_whole_unknown(snapshot, sections):
    assert hourly(snapshot, **sections) is None


def test_what_a_life_cost_is_its_time_at_that_price():
    assert Cost(0.30).total_usd(36 * 3600) == pytest.approx(10.8)
    assert Cost(0.30).total_usd(-5) == 0
