"""What an environment takes of the account's quotas, and what is said when that is not there."""

import pytest
from builders import attempt, config

from orchestrator import quotas
from orchestrator.errors import ExitCode, NoRoom
from orchestrator.quotas import Shortage, Standing

ALL = {"network", "web", "database", "bastion"}


def test_what_the_default_environment_takes():
    assert quotas.needs(config(), ALL) == {
        quotas.VPCS: 1,
        quotas.INTERNET_GATEWAYS: 1,
        quotas.GATEWAY_ENDPOINTS: 1,
        quotas.NAT_GATEWAYS: 1,
        quotas.ADDRESSES: 1,
        quotas.LAUNCH_TEMPLATES: 1,
        quotas.LOAD_BALANCERS: 1,
        quotas.TARGET_GROUPS: 1,
        quotas.SCALING_GROUPS: 1,
        quotas.DB_CLUSTERS: 1,
        quotas.DB_INSTANCES: 2,
        quotas.DB_SUBNET_GROUPS: 1,
        quotas.ROLES: 2,
        quotas.INSTANCE_PROFILES: 2,
    }


def test_nothing_is_known_of_what_a_team_made_itself():
    assert quotas.needs(config(), {"queue"}) == {}
    assert set(quotas.needs(config(), {"database", "queue"})) == {
        quotas.DB_CLUSTERS,
        quotas.DB_INSTANCES,
        quotas.DB_SUBNET_GROUPS,
    }


@pytest.mark.parametrize(
    ("nat", "bastion", "gateways", "addresses", "roles"),
    [
        ("none", False, None, None, 1),
        ("none", True, None, 1, 2),
        ("single", True, 1, 1, 2),
        ("per_az", True, 1, 2, 2),  # one gateway in each of two zones
    ],
)
def test_gateways_addresses_and_roles_follow_the_configuration(nat, bastion, gateways, addresses, roles):
    found = quotas.needs(config(network={"nat": nat}, bastion={"enabled": bastion}), ALL)
    assert found.get(quotas.NAT_GATEWAYS) == gateways
    assert found.get(quotas.ADDRESSES) == addresses
    assert found[quotas.ROLES] == found[quotas.INSTANCE_PROFILES] == roles


def test_databases_follow_the_configuration():
    found = quotas.needs(config(database={"kind": "instance", "replicas": 3}), ALL)
    assert quotas.DB_CLUSTERS not in found
    assert found[quotas.DB_INSTANCES] == 4


@pytest.mark.parametrize(("used", "short"), [(3, False), (4, True), (5, True), (9, True)])
def test_what_does_not_fit_is_a_shortage(used, short):
    needed = {quotas.VPCS: 2, quotas.ROLES: 1}  # nobody knows how many roles there are
    found = quotas.compare({quotas.VPCS: Standing(5, used)}, needed)
    assert found == ([Shortage(quotas.VPCS, Standing(5, used), 2)] if short else [])


def test_the_refusal_says_limit_use_need_and_remedy():
    short = [Shortage(quotas.VPCS, Standing(5, 5), 1), Shortage(quotas.ROLES, Standing(1000, 1000), 2)]
    error = attempt(quotas.refuse, short, "eu-west-1")
    assert isinstance(error, NoRoom)
    assert error.code is ExitCode.POLICY
    assert "VPCs per Region: 5 of 5 used, 1 more needed; Roles per account: 1000 of 1000" in error.message
    increase = "aws service-quotas request-service-quota-increase --region"
    assert f"{increase} eu-west-1 --service-code vpc --quota-code L-F678F1CE --desired-value 10" in error.hint
    assert f"{increase} us-east-1 --service-code iam --quota-code L-FE177D64 --desired-value 2000" in error.hint


def test_an_assumed_limit_refuses_nobody():
    assert attempt(quotas.refuse, [Shortage(quotas.VPCS, Standing(5, 7, assumed=True), 1)], "eu-west-1") is None
    assert attempt(quotas.refuse, [], "eu-west-1") is None
