import json

import pytest
from builders import NOW, record

from orchestrator import state
from orchestrator.aws.power import Database
from orchestrator.errors import EnvctlError
from orchestrator.lifecycle.pause import needs_pausing
from orchestrator.lifecycle.replacement import due, is_due, outdated, unknown
from orchestrator.state import State, StateDatabase

CLUSTER = "module.database.aws_rds_cluster.this[0]"
MEMBER = 'module.database.aws_rds_cluster_instance.this["0"]'


def cluster(resource_id="cluster-NEW", status="available"):
    return Database("cluster", "shop-pr-42", "arn:c", resource_id, status)


def instance(id="shop-pr-42", resource_id="db-NEW", status="available", **more):
    return Database("instance", id, f"arn:{id}", resource_id, status, **more)


def known(*databases):
    kinds = {CLUSTER: "aws_rds_cluster", MEMBER: "aws_rds_cluster_instance"}
    return State(databases=tuple(StateDatabase(a, kinds[a], identifier, own) for a, identifier, own in databases))


# What a state says


def test_a_state_tells_its_databases_by_what_aws_never_calls_another():
    raw = {
        "version": 4,
        "resources": [
            {
                "mode": "managed",
                "module": "module.database",
                "type": kind,
                "name": "this",
                "instances": [{"index_key": key, "attributes": attributes}],
            }
            for kind, key, attributes in (
                ("aws_rds_cluster", 0, {"cluster_identifier": "shop-pr-42", "cluster_resource_id": "cluster-A"}),
                ("aws_rds_cluster_instance", "0", {"identifier": "shop-pr-42-0", "dbi_resource_id": "db-B"}),
                ("aws_db_instance", None, {"identifier": "shop-pr-42", "resource_id": ""}),
                ("aws_db_subnet_group", None, {"id": "shop-pr-42"}),
            )
        ],
    }
    assert state.parse(json.dumps(raw).encode()).databases == (
        StateDatabase(CLUSTER, "aws_rds_cluster", "shop-pr-42", "cluster-A"),
        StateDatabase(MEMBER, "aws_rds_cluster_instance", "shop-pr-42-0", "db-B"),
        StateDatabase("module.database.aws_db_instance.this", "aws_db_instance", "shop-pr-42", None),
    )


# What a half-done refresh still has to do


def test_while_the_old_database_lives_it_has_to_be_replaced():
    told = known((CLUSTER, "shop-pr-42", "cluster-OLD"), (MEMBER, "shop-pr-42-0", "db-1"))
    assert due((cluster("cluster-OLD"),), told, "cluster-OLD") == (CLUSTER,)


@pytest.mark.parametrize("living", [(), (cluster("cluster-NEW"),)])
def test_once_it_is_gone_nothing_is_replaced_again(living):
    assert due(living, known((CLUSTER, "shop-pr-42", "cluster-NEW")), "cluster-OLD") == ()


def test_a_database_of_a_known_name_that_is_another_is_in_no_state():
    told = known((CLUSTER, "shop-pr-42", "cluster-OLD"), (MEMBER, "shop-pr-42-0", "db-1"))
    member = instance("shop-pr-42-0", "db-1", cluster="shop-pr-42")
    assert unknown((cluster("cluster-NEW"), member), told) == (cluster("cluster-NEW"),)


def test_one_whose_making_did_not_end_is_known_by_its_name():
    assert unknown((cluster("cluster-NEW"),), known((CLUSTER, "shop-pr-42", None))) == ()


def test_from_a_state_that_cannot_be_read_nothing_is_concluded():
    assert unknown((cluster(),), State(readable=False)) == ()


def test_what_has_to_go_is_what_holds_data():
    replica = instance("shop-pr-42-replica-1", "db-R", replica_of="shop-pr-42")
    member = instance("shop-pr-42-0", "db-M", cluster="shop-pr-42")
    assert outdated((cluster("cluster-OLD"), member), State(), ("shop-pr-42",)) == "cluster-OLD"
    assert outdated((replica, instance(resource_id="db-OLD", has_replicas=True)), State(), ("shop-pr-42",)) == "db-OLD"
    assert outdated((), State(), ("shop-pr-42",)) == "gone"


def test_of_several_it_is_the_one_that_bears_the_environments_name():
    other = Database("cluster", "reports", "arn:r", "cluster-REPORTS", "available")
    assert outdated((other, instance(resource_id="db-OLD")), State(), ("shop-pr-42",)) == "db-OLD"
    assert outdated((other,), State(), ("shop-pr-42",)) == "cluster-REPORTS"
    assert outdated((other,), known((CLUSTER, "shop-pr-42", "cluster-OLD")), ("shop-pr-42",)) == "gone"
    with pytest.raises(EnvctlError, match="so which one's data is meant"):
        outdated((other, instance("users", "db-USERS")), State(), ("shop-pr-42",))


def test_a_read_replica_goes_whatever_it_is_called():
    told = State(databases=tuple(StateDatabase(own, "aws_db_instance", own, own) for own in ("db-OLD", "db-R", "db-X")))
    living = (
        instance(resource_id="db-OLD"),
        instance("reader", "db-R", replica_of="shop-pr-42"),
        instance("x", "db-X"),
    )
    assert due(living, told, "db-OLD") == ("db-OLD", "db-R")


def test_a_database_that_a_team_keeps_beside_it_stays_and_read_replicas_go():
    addresses = {
        "module.database.aws_db_instance.this[0]": "db-OLD",
        'module.database.aws_db_instance.replica["1"]': "db-R",
        "aws_db_instance.reports": "db-REPORTS",
    }
    told = State(databases=tuple(StateDatabase(a, "aws_db_instance", a, own) for a, own in addresses.items()))
    assert due((instance(resource_id="db-OLD"),), told, "db-OLD") == tuple(addresses)[:2]


@pytest.mark.parametrize(
    ("living", "yet"),
    [
        ((), True),
        ((cluster("cluster-OLD"),), True),
        ((cluster("cluster-NEW", "deleting"),), True),
        ((cluster("cluster-NEW"),), False),
        ((cluster("cluster-NEW", "creating"),), False),
        ((cluster("cluster-OLD"), instance("shop-pr-42-0", "db-M", cluster="shop-pr-42")), True),
    ],
)
def test_the_new_database_is_due_until_one_stands(living, yet):
    assert is_due(living, "cluster-OLD") is yet


@pytest.mark.parametrize("engine", ["docdb", "neptune"])
def test_a_database_of_another_kind_is_neither_lost_nor_replaced(engine):
    other = Database("cluster", "shop-pr-42-other", "arn:o", "cluster-O", "available", engine=engine)
    member = instance("shop-pr-42-other-0", "db-O", cluster="shop-pr-42-other", engine=engine)
    assert unknown((other, member), known((CLUSTER, "shop-pr-42", "cluster-OLD"))) == ()
    assert outdated((other, member), State(), ("shop-pr-42",)) == "gone"
    assert outdated((other, member, cluster("cluster-OLD")), State(), ("shop-pr-42",)) == "cluster-OLD"


# A pause that did not hold


@pytest.mark.parametrize(
    ("databases", "needed"),
    [
        ((cluster(status="stopped"),), False),
        ((cluster(status="stopping"),), False),
        ((cluster(status="available"),), True),  # AWS starts it after seven days
        ((cluster(status="starting"),), True),
        ((cluster(status="stopped"), instance("shop-pr-42-0", cluster="shop-pr-42")), False),
        ((instance(has_replicas=True), instance("r", replica_of="shop-pr-42")), False),  # RDS stops neither
        ((Database("cluster", "shop-pr-42-other", "arn:o", "cluster-O", "available", engine="docdb"),), True),
        ((), False),
    ],
)
def test_a_paused_environment_is_paused_again_when_its_database_runs(databases, needed):
    assert needs_pausing(record(status="paused", paused_at=NOW), databases) is needed


def test_a_pause_that_was_killed_is_needed_whatever_runs():
    assert needs_pausing(record(status="updating", paused_at=NOW), (cluster(status="stopped"),))


def test_what_is_not_to_be_paused_is_left_alone():
    assert not needs_pausing(record(), (cluster(status="available"),))
