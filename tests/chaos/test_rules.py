"""The rules of the bench: what they match, how often they hit, and that a seed says it all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chaos.rules import Call, Rule, Rules, load, parse

VPC = Call("ec2", "CreateVpc", "POST", "/", "Terraform/1.11")
LOCK = Call("s3", "PutObject", "PUT", "/b/environments/acme/shop/pr-7/terraform.tfstate.tflock", "Boto3/1.44")


@pytest.mark.parametrize(
    ("rule", "call", "matched"),
    [
        (Rule("reset"), VPC, True),
        (Rule("reset", service="ec2", action="Create*|Run*"), VPC, True),
        (Rule("reset", service="rds"), VPC, False),
        (Rule("reset", path="*.tflock"), LOCK, True),
        (Rule("reset", path="*/terraform.tfstate"), LOCK, False),
        (Rule("reset", method="GET|HEAD"), LOCK, False),
        (Rule("reset", agent="Boto3*"), LOCK, True),
        (Rule("reset", agent="Boto3*"), VPC, False),
    ],
)
def test_a_rule_matches_by_all_that_it_says(rule: Rule, call: Call, matched: bool) -> None:
    assert (Rules((rule,)).decide(call) is rule) is matched


def hits(rules: Rules, count: int) -> list[int]:
    return [number for number in range(1, count + 1) if rules.decide(VPC)]


def test_a_rule_hits_from_the_nth_on_and_so_many_times() -> None:
    assert hits(Rules((Rule("reset", nth=3, times=2),)), 10) == [3, 4]
    assert hits(Rules((Rule("reset", nth=8, times=0),)), 10) == [8, 9, 10]


def test_the_first_rule_that_hits_decides_and_the_next_follows_when_it_is_spent() -> None:
    rules = Rules((Rule("reset", "first"), Rule("delay", "second", times=0)))
    assert [found.label for _ in range(3) if (found := rules.decide(VPC))] == ["first", "second", "second"]
    assert rules.hits == {"first": 1, "second": 2}


def test_equal_seeds_give_equal_faults() -> None:
    rule = Rule("reset", probability=0.3, times=0)
    again = [hits(Rules((rule,), seed=7), 200) for _ in range(2)]
    assert again[0] == again[1] != hits(Rules((rule,), seed=8), 200)
    assert 30 < len(again[0]) < 90


FILE = """
seed = 7

[[rule]]
name = "throttled"
service = "ec2"
action = "Create*"
probability = 0.5
times = 3
fault = "refuse"
error = "throttled"

[[rule]]
fault = "rewrite"
rewrite = [["available", "pending"]]
"""


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(FILE)
    rules = load(tmp_path / "rules.toml")
    assert rules.hits == {"throttled": 0, "rewrite *:*": 0}
    (tmp_path / "rules.json").write_text(json.dumps({"rule": [{"fault": "reset", "name": "r"}]}))
    assert load(tmp_path / "rules.json").hits == {"r": 0}


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [({"fault": "explode"}, "explode"), ({"fault": "reset", "sevice": "ec2"}, "sevice"), ({}, "needs a fault")],
)
def test_what_is_wrong_in_a_file_is_named(rule: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse({"rule": [rule]})
