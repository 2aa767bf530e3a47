"""A few scenarios that are always the same, each through all that `make chaos` asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos.killer import Event, Kill
from chaos.play import play
from chaos.rules import Rule
from chaos.scenarios import Scenario
from chaos.stage import Account

MANIFEST, LOCK = "*/manifest.json", "*/terraform.tfstate.tflock"
MADE_VPC = Event("ec2", "CreateVpc")
LOCKED = Event("s3", "PutObject", LOCK)

SCENARIOS = {
    "every conditional write meets another": Scenario(
        0, 1, "S3 409", "create", "fake", (Rule("refuse", "409", "s3", "PutObject", times=3, error="conflict"),), None
    ),
    "the record is stored, the answer is 500": Scenario(
        0, 2, "S3 500", "update", "fake", (Rule("refuse-after", "500", "s3", "PutObject", path=MANIFEST),), None
    ),
    "half of all calls are throttled": Scenario(
        0,
        3,
        "throttled",
        "create",
        "fake",
        (Rule("refuse", "throttled", agent="Boto3*", probability=0.5, times=20, error="throttled"),),
        None,
        then="destroy",
    ),
    "a person who does not wait": Scenario(
        0, 4, "INT twice", "create", "fake", (), Kill("envctl", "INT INT", LOCKED), then="destroy"
    ),
    "the machine goes away with the lock held": Scenario(
        0, 5, "KILL everything", "create", "fake", (), Kill("all", "KILL", LOCKED)
    ),
    "the machine goes away in the first seconds": Scenario(
        0, 6, "KILL everything", "create", "small", (), Kill("all", "KILL", Event("ec2", "CreateSubnet"))
    ),
    "a job that GitHub cancels, and the next one on another machine": Scenario(
        0,
        8,
        "cancelled by GitHub",
        "create",
        "small",
        (),
        Kill("envctl", "cancelled", Event("ec2", "CreateSubnet")),
        elsewhere=True,
    ),
    "a VPC is made, the answer is lost": Scenario(
        0, 7, "500, but done", "create", "small", (Rule("refuse-after", "500", "ec2", "CreateVpc"),), None
    ),
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    started = Account(tmp_path_factory.mktemp("account"))
    yield started
    started.stop()


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_it_comes_to_a_good_end(scenario: Scenario, account: Account, tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = play(scenario, account, tmp_path / "world", log)
    if not result.ok:
        account.renew()
    assert result.faults, "nothing went wrong: the scenario shows nothing"
    assert (result.trouble, result.leftovers, result.lost, result.replaced, result.doubled) == ([], [], [], [], []), (
        log.read_text()
    )
    assert result.converged
