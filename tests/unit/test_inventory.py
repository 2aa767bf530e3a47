from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from builders import environment
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import identity
from orchestrator.aws import inventory
from orchestrator.aws.inventory import belongs
from orchestrator.aws.session import Session
from orchestrator.errors import EnvctlError, ExitCode


@pytest.mark.parametrize("name", ["shop-pr-4", "shop-pr-4-web", "shop-pr-4-web-20261122"])
def test_what_has_the_name_or_begins_with_it_and_a_hyphen_belongs(name):
    assert belongs(name, environment(4))


@pytest.mark.parametrize("name", ["shop-pr-42", "shop-pr-42-web", "shop-pr-", "shop", "eshop-pr-4", "SHOP-PR-4", ""])
def test_what_only_looks_alike_does_not(name):
    assert not belongs(name, environment(4))


@given(st.integers(1, identity.MAXIMUM_PR), st.integers(1, identity.MAXIMUM_PR), st.sampled_from(["", "-web", "-a-b"]))
def test_nothing_belongs_to_two_environments(one, other, suffix):
    name = environment(one).name + suffix
    assert belongs(name, environment(one))
    assert belongs(name, environment(other)) is (one == other)


class Account:
    """An account that holds nothing; `refused` is the one operation that it does not answer."""

    def __init__(self, refused=""):
        self.refused = refused
        self.asked = []

    def can_paginate(self, operation):
        return True

    def get_paginator(self, operation):
        self.asked.append(operation)
        if operation == self.refused:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return SimpleNamespace(paginate=lambda **arguments: [{}])

    def remaining(self):
        return inventory.remaining(Session("us-east-1", lambda service: self), environment(4), "vpc-1")


def test_every_service_is_asked():
    account = Account()
    assert account.remaining() == ()
    assert set(account.asked) >= {
        *(f"describe_{kind}" for kind in ("vpcs", "subnets", "route_tables", "internet_gateways", "nat_gateways")),
        *(f"describe_{kind}" for kind in ("vpc_endpoints", "security_groups", "network_acls", "network_interfaces")),
        *(f"describe_{kind}" for kind in ("addresses", "volumes", "launch_templates", "instances")),
        *(f"describe_{kind}" for kind in ("load_balancers", "target_groups", "auto_scaling_groups")),
        *(f"describe_db_{kind}" for kind in ("clusters", "instances", "cluster_snapshots", "snapshots")),
        *(f"describe_db_{kind}" for kind in ("subnet_groups", "parameter_groups", "cluster_parameter_groups")),
        *("list_roles", "list_instance_profiles", "list_policies"),
        *("list_secrets", "describe_log_groups", "describe_alarms"),
    }


def test_half_an_answer_is_no_proof():
    everything = Account()
    everything.remaining()
    for operation in set(everything.asked):
        with pytest.raises(EnvctlError, match=r"looking for what is left of shop-pr-4\b") as caught:
            Account(refused=operation).remaining()
        assert caught.value.code is ExitCode.CREDENTIALS
