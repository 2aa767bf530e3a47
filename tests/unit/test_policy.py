import pytest
from builders import resource

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.lifecycle import policy

CLUSTER = "module.database.aws_rds_cluster.this[0]"
INSTANCE = "module.database.aws_db_instance.this[0]"
REPLICA = "module.database.aws_db_instance.replica[0]"


def planned(*pairs):
    return {address: resource(address, action) for address, action in pairs}


@pytest.mark.parametrize(
    ("address", "action"),
    [
        (CLUSTER, "replace"),
        (CLUSTER, "delete"),
        (INSTANCE, "replace"),
        (INSTANCE, "delete"),
        ("aws_docdb_cluster.this", "delete"),
        ("module.graph.aws_neptune_cluster.this[0]", "replace"),
        # What holds data for itself is no replica, whatever it is called.
        ("aws_rds_cluster.replica", "delete"),
        ("aws_docdb_cluster.replica", "delete"),
        ("aws_neptune_cluster.replica", "delete"),
    ],
)
def test_a_plan_that_loses_data_is_refused(address, action):
    with pytest.raises(EnvctlError) as caught:
        policy.refuse_replaced_database(planned(("aws_vpc.this", "update"), (address, action)))
    assert caught.value.code is ExitCode.POLICY
    assert caught.value.address == address
    assert f"would {action} the database {address}" in caught.value.message


@pytest.mark.parametrize("address", ["module.network.aws_vpc.this", "module.database.aws_db_subnet_group.this"])
def test_a_plan_that_takes_the_ground_from_under_the_database_is_refused(address):
    with pytest.raises(EnvctlError, match="where the database lies") as caught:
        policy.refuse_replaced_database(planned((CLUSTER, "update"), (address, "replace")))
    assert (caught.value.code, caught.value.address) == (ExitCode.POLICY, address)


@pytest.mark.parametrize(
    ("address", "action"),
    [
        (CLUSTER, "update"),
        (CLUSTER, "create"),
        (INSTANCE, "update"),
        (REPLICA, "delete"),
        (REPLICA, "replace"),
        ("module.database.aws_rds_cluster_instance.this[1]", "delete"),
        ("module.database.aws_rds_cluster_instance.this[1]", "replace"),
        ("module.web.aws_lb.this", "replace"),
        ("aws_docdb_cluster_instance.this[1]", "delete"),
        ("aws_neptune_cluster.this", "create"),
    ],
)
def test_a_plan_that_keeps_the_data_is_allowed(address, action):
    policy.refuse_replaced_database(planned((address, action)))


def test_of_several_the_first_by_address_is_named():
    assert policy.replaced_database(planned((INSTANCE, "delete"), (CLUSTER, "delete"))) == INSTANCE


def test_a_read_replica_that_goes_is_to_be_looked_at():
    other = "module.replica.aws_db_instance.this"
    going = planned((INSTANCE, "delete"), (other, "delete"), (CLUSTER, "delete"), (REPLICA, "delete"))
    assert policy.lost_replicas(going) == {REPLICA}
    assert policy.lost_replicas(planned((REPLICA, "replace"))) == {REPLICA}
    assert policy.lost_replicas(planned((REPLICA, "create"))) == frozenset()


# A refresh of the data

TEMPLATE, GROUP = "module.web.aws_launch_template.this", "module.web.aws_autoscaling_group.this"


@pytest.mark.parametrize("secret", ["update", "replace"])  # its text is not known before the new database is
def test_a_refresh_changes_the_database_and_what_names_it(secret):
    alone = planned(
        (CLUSTER, "replace"),
        ('module.database.aws_rds_cluster_instance.this["0"]', "replace"),
        (INSTANCE, "create"),
        (REPLICA, "replace"),
        (TEMPLATE, "update"),
        (GROUP, "update"),
        ('module.database.aws_secretsmanager_secret_version.this["master"]', secret),
    )
    assert policy.beyond_the_database(alone) == ()
    policy.refuse_beyond_the_database(alone)


@pytest.mark.parametrize(
    ("address", "action"),
    [
        (TEMPLATE, "replace"),
        (GROUP, "delete"),
        ("module.web.aws_lb.this", "update"),
        ("module.network.aws_vpc.this", "replace"),
        ("module.database.aws_db_subnet_group.this", "replace"),
        ("module.database.aws_security_group.this", "update"),
        ('module.database.aws_secretsmanager_secret.this["master"]', "delete"),
    ],
)
def test_a_refresh_that_changes_more_is_refused(address, action):
    with pytest.raises(EnvctlError, match=f"it would {action} module") as caught:
        policy.refuse_beyond_the_database(planned((CLUSTER, "replace"), (address, action), ("zzz.aws_x.y", "create")))
    assert (caught.value.code, caught.value.address) == (ExitCode.POLICY, address)
    assert "and 1 more" in caught.value.message


@pytest.mark.parametrize(
    ("address", "action", "restores"),
    [
        (CLUSTER, "create", True),
        (INSTANCE, "create", True),
        (REPLICA, "create", False),
        (CLUSTER, "update", False),
        (CLUSTER, "replace", False),
        ("module.database.aws_rds_cluster_instance.this[1]", "create", False),
        ("module.network.aws_vpc.this", "create", False),
        ("aws_docdb_cluster.this", "create", False),
        ("aws_neptune_cluster.this", "create", False),
    ],
)
def test_a_plan_that_makes_a_database_restores_data(address, action, restores):
    assert policy.restores_database(planned(("aws_vpc.this", "update"), (address, action))) is restores
