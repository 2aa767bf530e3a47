import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import state
from orchestrator.state import Tainted


def body(*resources, **more):
    return json.dumps({"version": 4, "serial": 7, "lineage": "l", "resources": resources, **more}).encode()


def resource(kind, name, *instances, module=None, mode="managed"):
    return {"mode": mode, "type": kind, "name": name, "instances": instances} | ({"module": module} if module else {})


def test_what_it_manages_is_known_by_id_and_arn():
    found = state.parse(
        body(
            resource("aws_vpc", "this", {"attributes": {"id": "vpc-1", "arn": "arn:vpc"}}, module="module.network"),
            resource("aws_db_instance", "p", {"attributes": {"id": "db-RESOURCE", "identifier": "shop-pr-1"}}),
            resource("aws_ami", "x", {"attributes": {"id": "ami-1"}}, mode="data"),
        )
    )
    assert found.ids == {"vpc-1", "arn:vpc", "db-RESOURCE", "shop-pr-1"}
    assert (found.lineage, found.serial, found.holds_something) == ("l", 7, True)


def test_a_name_is_known_of_what_it_is_the_name_of():
    known = state.parse(
        body(
            resource("aws_db_subnet_group", "this", {"attributes": {"id": "shop-pr-1", "arn": "arn:group"}}),
            resource("aws_iam_role", "web", {"attributes": {"id": "shop-pr-1-web"}}),
            resource("aws_vpc", "this", {"attributes": {"id": "vpc-1"}}),
            resource("awscc_logs_log_group", "this", {"attributes": {"id": "/shop"}}),
        )
    )
    assert known.knows("rds:DBSubnetGroup", "shop-pr-1", "arn:other")
    assert known.knows("iam:Role", "shop-pr-1-web", "arn:other")
    assert known.knows("ec2:vpc", "vpc-1", "arn:other")
    assert known.knows("logs:group", "/shop", "arn:other")  # of a type that is not known here
    assert known.knows("rds:DBCluster", "other", "arn:group")
    for kind, id in (
        ("rds:DBCluster", "shop-pr-1"),
        ("autoscaling:group", "shop-pr-1"),
        ("iam:InstanceProfile", "shop-pr-1-web"),
        ("ec2:vpc", "vpc-2"),
    ):
        assert not known.knows(kind, id, "arn:other")


def test_every_address_that_it_names_is_known():
    gateway = resource("aws_nat_gateway", "x", {"attributes": {"id": "nat-1", "allocation_id": "eipalloc-0a1b"}})
    assert state.parse(body(gateway)).addresses == {"eipalloc-0a1b"}


@pytest.mark.parametrize(
    ("instance", "address"),
    [
        ({"index_key": 0}, "module.database.aws_rds_cluster.this[0]"),
        ({"index_key": 'a"b'}, 'module.database.aws_rds_cluster.this["a\\"b"]'),
        ({}, "module.database.aws_rds_cluster.this"),
    ],
)
def test_what_is_tainted_has_its_address(instance, address):
    tainted = {"attributes": {"id": "shop-pr-1"}, "status": "tainted", **instance}
    found = state.parse(body(resource("aws_rds_cluster", "this", tainted, module="module.database")))
    assert found.tainted == (Tainted(address, "aws_rds_cluster", "shop-pr-1"),)


@pytest.mark.parametrize("given", [body(), body(resource("aws_ami", "x", mode="data")), b'{"resources": null}'])
def test_nothing_but_data_is_an_empty_state(given):
    assert not state.parse(given).holds_something


@pytest.mark.parametrize("given", [b"", b"{", b"[]", b'{"resources": 5}', b'{"resources": [5]}', b"[" * 100_000])
def test_what_cannot_be_read_is_not_nothing(given):
    found = state.parse(given)
    assert (found.readable, found.holds_something) == (False, True)


@given(st.binary())
def test_no_bytes_raise(given):
    state.parse(given)


def test_a_state_that_opentofu_encrypted_knows_what_nobody_can_read():
    found = state.parse(b'{"meta": {}, "encrypted_data": "AAAA", "encryption_version": "v0"}')
    assert (found.readable, found.holds_something) == (False, True)
