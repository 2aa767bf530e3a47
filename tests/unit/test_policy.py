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
    [(CLUSTER, "replace"), (CLUSTER, "delete"), (INSTANCE, "replace"), (INSTANCE, "delete"), (REPLICA, "replace")],
)
def test_a_plan_that_loses_data_is_refused(address, action):
    with pytest.raises(EnvctlError) as caught:
        policy.refuse_replaced_database(planned(("aws_vpc.this", "update"), (address, action)))
    assert caught.value.code is ExitCode.POLICY
    assert caught.value.address == address
    assert f"would {action} the database {address}" in caught.value.message


@pytest.mark.parametrize(
    ("address", "action"),
    [
        (CLUSTER, "update"),
        (CLUSTER, "create"),
        (INSTANCE, "update"),
        (REPLICA, "delete"),
        ("module.database.aws_rds_cluster_instance.this[1]", "delete"),
        ("module.database.aws_rds_cluster_instance.this[1]", "replace"),
        ("module.web.aws_lb.this", "replace"),
    ],
)
def test_a_plan_that_keeps_the_data_is_allowed(address, action):
    policy.refuse_replaced_database(planned((address, action)))


def test_of_several_the_first_by_address_is_named():
    assert policy.replaced_database(planned((INSTANCE, "delete"), (CLUSTER, "delete"))) == INSTANCE
