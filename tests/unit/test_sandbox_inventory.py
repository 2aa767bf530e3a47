"""The proof that nothing is left must not be able to overlook anything."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1]))
inventory = importlib.import_module("inventory")


class Account:
    """A session on an account that answers every listing with nothing, except for `answers`."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def client(self, service: str, **_: Any) -> Account:
        return self

    def can_paginate(self, operation: str) -> bool:
        return False

    def get_paginator(self, operation: str) -> Any:
        raise AssertionError(operation)

    def __getattr__(self, operation: str) -> Any:
        answer = self.answers.get(operation, {})
        if isinstance(answer, Exception):
            raise answer
        return lambda **_: answer


def test_every_kind_is_listed_even_when_there_is_none() -> None:
    listed = inventory.inventory(Account())
    assert set(listed) > {"ec2:Instances", "rds:DBClusters", "s3:Objects", "iam:Roles", "tagging:Resources"}
    assert not any(listed.values())


def test_things_that_are_gone_or_came_with_the_account_do_not_count() -> None:
    gateways = [{"NatGatewayId": state, "State": state} for state in ("available", "deleting", "deleted")]
    aliases = [{"AliasName": name} for name in ("alias/shop", "alias/aws/rds")]
    listed = inventory.inventory(
        Account(describe_nat_gateways={"NatGateways": gateways}, list_aliases={"Aliases": aliases})
    )
    assert listed["ec2:NatGateways"] == ["available", "deleting"]
    assert listed["kms:Aliases"] == ["alias/shop"]


def test_what_cannot_be_listed_is_an_error() -> None:
    with pytest.raises(PermissionError):
        inventory.inventory(Account(describe_flow_logs=PermissionError()))


def test_a_difference_names_what_came_and_what_went() -> None:
    before = {"ec2:Vpcs": ["vpc-1", "vpc-2"], "rds:DBClusters": ["prod"]}
    after = {"ec2:Vpcs": ["vpc-2", "vpc-3"], "rds:DBClusters": ["prod", "prod"]}
    found = inventory.difference(before, after)
    assert str(found) == "+ ec2:Vpcs vpc-3\n+ rds:DBClusters prod\n- ec2:Vpcs vpc-1"
    assert found
    assert not inventory.difference(after, after)


def test_the_command_line_takes_save_or_diff(capsys: pytest.CaptureFixture[str]) -> None:
    assert inventory.main([]) == 2
    assert "save FILE" in capsys.readouterr().err
