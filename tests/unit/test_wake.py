"""Starting a database that takes its time, as RDS does and no emulator."""

from types import SimpleNamespace

import pytest
from builders import environment

from orchestrator.aws.session import Session
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice
from orchestrator.lifecycle import wake

TAGS = [{"Key": key, "Value": value} for key, value in environment().tags.items()]


class Rds:
    """One cluster; each look at it finds it one status further, and where `stopped` is last, it stays."""

    def __init__(self, *statuses, engine="aurora-mysql"):
        self.engine = engine
        self.statuses = list(statuses)
        self.started = 0

    def can_paginate(self, operation):
        return True

    def get_paginator(self, operation):
        return SimpleNamespace(paginate=lambda: iter([{"DBClusters": [self.look()]}] if "cluster" in operation else []))

    def look(self):
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        names = {"DBClusterIdentifier": "shop-pr-42", "DBClusterArn": "arn:c", "DbClusterResourceId": "cluster-A"}
        return {**names, "Engine": self.engine, "Status": status, "TagList": TAGS}

    def start_db_cluster(self, DBClusterIdentifier):
        self.started += 1


class World:
    """A clock that only sleeping moves."""

    def __init__(self, *statuses, **rds):
        self.rds = Rds(*statuses, **rds)
        self.now_s = 0.0
        self.told = []

    def sleep(self, seconds):
        self.now_s += seconds

    def wake(self):
        wake.wake_databases(
            SimpleNamespace(
                session=Session("us-east-1", lambda service: self.rds),
                environment=environment(),
                watch=SimpleNamespace(clock=lambda: self.now_s),
                emit=self.told.append,
                sleep=self.sleep,
            )
        )


@pytest.mark.parametrize(
    ("statuses", "started"),
    [
        (["available"], 0),
        (["backing-up"], 0),
        (["stopped", "starting", "starting", "available"], 1),
        (["stopping", "stopping", "stopped", "stopped", "starting", "available"], 1),  # the pause has only just begun
        (["starting", "available"], 0),  # another run was killed while it waited
    ],
)
def test_it_is_started_once_and_waited_for(statuses, started):
    world = World(*statuses)
    world.wake()
    assert world.rds.started == started
    assert len(world.rds.statuses) == 1


@pytest.mark.parametrize("engine", ["docdb", "neptune"])
def test_rds_starts_what_is_not_its_own_too(engine):
    world = World("stopped", "starting", "available", engine=engine)
    world.wake()
    assert (world.rds.started, len(world.rds.statuses)) == (1, 1)


def test_what_it_waits_for_is_said_once():
    world = World("stopped", "starting", "starting", "starting", "available")
    world.wake()
    assert world.told == [Notice("Waiting: shop-pr-42 is starting.")]


def test_it_gives_up_in_time_and_leaves_a_way_on():
    world = World("stopping")
    with pytest.raises(EnvctlError, match="shop-pr-42 was started and is still stopping") as caught:
        world.wake()
    assert caught.value.code is ExitCode.TERRAFORM
    assert wake.TIMEOUT_S - 2 * wake.POLL_S <= world.now_s <= wake.TIMEOUT_S
