"""Which read replica is none any more, and that nothing is looked up for a plan that takes none away."""

from types import SimpleNamespace

import pytest
from builders import resource

from orchestrator.aws.power import Database
from orchestrator.lifecycle import promoted
from orchestrator.state import State, StateDatabase

PRIMARY = "module.database.aws_db_instance.primary[0]"
ONE, TWO = ('module.database.aws_db_instance.replica["1"]', 'module.database.aws_db_instance.replica["2"]')
KNOWN = State(
    databases=(
        StateDatabase(PRIMARY, "aws_db_instance", "shop-pr-42", "db-P"),
        StateDatabase(ONE, "aws_db_instance", "reader", "db-1"),
        StateDatabase(TWO, "aws_db_instance", "shop-pr-42-replica-2", "db-2"),
    )
)


def instance(id, resource_id, replica_of="shop-pr-42", status="available", **more):
    return Database("instance", id, f"arn:{id}", resource_id, status, replica_of=replica_of, **more)


def lost(*living, going=(ONE,), known=KNOWN):
    primary = instance("shop-pr-42", "db-P", None, has_replicas=True)
    found = promoted.first(frozenset(going), known, (primary, *living))
    return found.id if found else None


def test_a_read_replica_may_go():
    assert lost(instance("reader", "db-1"), instance("shop-pr-42-replica-2", "db-2"), going=(ONE, TWO)) is None


@pytest.mark.parametrize(("id", "resource_id"), [("reader", "db-1"), ("renamed", "db-1"), ("reader", "db-made-anew")])
def test_one_that_was_promoted_may_not(id, resource_id):
    assert lost(instance(id, resource_id, None)) == id


def test_one_that_stays_is_nobodys_concern():
    assert lost(instance("shop-pr-42-replica-2", "db-2", None), going=(ONE,)) is None


def test_one_that_is_being_deleted_is_lost_already():
    assert lost(instance("reader", "db-1", None, status="deleting")) is None


@pytest.mark.parametrize("known", [State(readable=False), State()])
def test_where_the_state_does_not_say_what_stands_there_the_name_does(known):
    assert lost(instance("shop-pr-42-replica-1", "db-1", None), known=known) == "shop-pr-42-replica-1"
    assert lost(instance("shop-pr-42-replica-1", "db-1"), instance("reports", "db-R", None), known=known) is None


def test_where_nothing_goes_nothing_is_looked_up():
    changes = ((ONE, "create"), (TWO, "update"), (PRIMARY, "update"), ("aws_rds_cluster_instance.replica", "delete"))
    promoted.refuse_lost(SimpleNamespace(), {address: resource(address, action) for address, action in changes})
