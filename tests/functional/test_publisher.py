"""Production's publisher, whatever happens to snapshots and however events about it arrive."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from moto.core import DEFAULT_ACCOUNT_ID
from moto.rds.models import rds_backends
from rds_events import MALFORMED, SCHEDULE, event
from world import SOURCE, Account

from orchestrator import published
from orchestrator.aws import parameters
from orchestrator.aws.session import Session
from orchestrator.publisher import handler
from orchestrator.publisher.handler import Settings
from orchestrator.sandbox.seed import Snapshot, automated

NAME = "/envctl/shop-prod/latest-snapshot"
ENVIRON = {"PARAMETER": NAME, "SOURCE": SOURCE, "KIND": "auto", "SNAPSHOT_TYPES": "automated,manual"}
SETTINGS = Settings.of(ENVIRON)
NOW = datetime.now(UTC).replace(second=0, microsecond=0)  # the names of automated ones say no seconds


def deliver(account: Account, event: object, make: Any = None) -> dict[str, Any]:
    """Run the handler as Lambda would, with clients of the emulated account."""
    return handler.run(event, SETTINGS, Session("us-east-1", make or account.client), lambda: NOW)


def announced(account: Account) -> Any:
    found = parameters.read(Session("us-east-1", account.client), NAME)
    assert found is not None
    return published.parse(found.value, NAME)


def version(account: Account) -> int:
    found = parameters.read(Session("us-east-1", account.client), NAME)
    return found.version if found else 0


def delete(account: Account, id: str) -> None:
    account.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=id)


@dataclass
class Known:
    """A snapshot of the account as the model knows it; `origin` is what it was copied from."""

    arn: str
    kind: str
    id: str
    time: datetime
    available: bool = True
    origin: Known | None = None
    there: bool = True

    def taken(self, remembered: str | None) -> tuple[bool, datetime]:
        """When its data was taken, and whether that can be told: an instance's says so itself, a cluster's copy
        does not, but an automated original's name does, and what was once announced is remembered."""
        origin, first = self.origin, self
        while first.origin is not None:
            first = first.origin
        if origin is None or self.kind == "instance" or remembered == self.arn:
            return True, first.time
        while origin is not None:
            if origin.id.startswith("rds:"):
                return True, first.time
            if not origin.there:
                return False, self.time
            origin = origin.origin
        return True, first.time


class Production(RuleBasedStateMachine):
    """Snapshots come, finish, are copied and go; events about it come late, twice, garbled, or not at all."""

    account: Account
    snapshots: Bundle[Known] = Bundle("snapshots")
    events: Bundle[Any] = Bundle("events")

    def __init__(self) -> None:
        super().__init__()
        self.account.reset()
        rds = self.account.client("rds")
        login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
        rds.create_db_instance(
            DBInstanceIdentifier=SOURCE,
            DBInstanceClass="db.t4g.medium",
            Engine="postgres",
            AllocatedStorage=20,
            **login,
        )
        for made in rds.describe_db_snapshots()["DBSnapshots"]:
            rds.delete_db_snapshot(DBSnapshotIdentifier=made["DBSnapshotIdentifier"])
        self.known: list[Known] = []
        self.exact: str | None = None  # the announced one, while its time is certain

    @initialize(target=events)
    def the_schedule(self) -> Any:
        return SCHEDULE

    @rule(
        target=snapshots,
        kind=st.sampled_from(["cluster", "instance"]),
        age_m=st.integers(5, 60 * 24 * 30),
        by_itself=st.booleans(),
        finished=st.booleans(),
    )
    def make(self, kind: str, age_m: int, by_itself: bool, finished: bool) -> Known:
        time, status = NOW - timedelta(minutes=age_m), "available" if finished else "creating"
        name = f"made-{len(self.known)}"
        told = Snapshot(SOURCE, name, time, status=status)
        if by_itself:
            told = Snapshot(SOURCE, automated(SOURCE, time).identifier, time, True, status)
            if any(each.id == f"rds:{told.identifier}" for each in self.known):
                told = Snapshot(SOURCE, name, time, status=status)
        return self._add(kind, time, finished, None, told)

    def _add(self, kind: str, time: datetime, finished: bool, origin: Known | None, told: Snapshot | None) -> Known:
        rds, middle = self.account.client("rds"), "Cluster" if kind == "cluster" else ""
        word = "db_cluster_snapshot" if middle else "db_snapshot"
        if told:
            names = {f"DB{middle or 'Instance'}Identifier": SOURCE, f"DB{middle}SnapshotIdentifier": told.identifier}
            answer = getattr(rds, f"create_{word}")(**names, Tags=told.tags)
        else:
            assert origin is not None
            names = {
                f"SourceDB{middle}SnapshotIdentifier": origin.id,
                f"TargetDB{middle}SnapshotIdentifier": f"copy-{len(self.known)}",
            }
            answer = getattr(rds, f"copy_{word}")(**names)
        raw = answer[f"DB{middle}Snapshot"]
        if origin:  # copied at `time`: moto's clock is the machine's
            self._moto(kind, raw[f"DB{middle}SnapshotIdentifier"]).created = time.replace(tzinfo=None)
        made = Known(raw[f"DB{middle}SnapshotArn"], kind, raw[f"DB{middle}SnapshotIdentifier"], time, finished, origin)
        self.known.append(made)
        return made

    def _moto(self, kind: str, id: str) -> Any:
        backend = rds_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
        return (backend.cluster_snapshots if kind == "cluster" else backend.database_snapshots)[id]

    @rule(target=events, snapshot=snapshots)
    def finish(self, snapshot: Known) -> Any:
        if snapshot.there and not snapshot.available:
            made = self._moto(snapshot.kind, snapshot.id)
            made.status, made.created = "available", snapshot.time.replace(tzinfo=None)
            made.original_snapshot_create_time = made.created
            snapshot.available = True
        what = "automated" if snapshot.id.startswith("rds:") else "created"
        return event(snapshot.kind, what, snapshot.arn)

    @rule(target=snapshots, snapshot=snapshots, minutes=st.integers(0, 4))
    def copy(self, snapshot: Known, minutes: int) -> Known:
        if not (snapshot.there and snapshot.available):
            return snapshot
        return self._add(snapshot.kind, NOW - timedelta(minutes=minutes), True, snapshot, None)

    @rule(target=events, snapshot=snapshots)
    def tell_of_copy(self, snapshot: Known) -> Any:
        return event(snapshot.kind, "copied", snapshot.arn)

    @rule(target=events, snapshot=snapshots)
    def delete(self, snapshot: Known) -> Any:
        if snapshot.there:
            word, middle = ("db_cluster_snapshot", "Cluster") if snapshot.kind == "cluster" else ("db_snapshot", "")
            remove = getattr(self.account.client("rds"), f"delete_{word}")
            remove(**{f"DB{middle}SnapshotIdentifier": snapshot.id})
            snapshot.there = False
        return event(snapshot.kind, "deleted", snapshot.arn)

    @rule(event=events)
    def an_event_arrives(self, event: Any) -> None:
        self._look(event)

    @rule(event=st.sampled_from(MALFORMED))
    def nonsense_arrives(self, event: Any) -> None:
        self._look(event)

    def _look(self, event: Any) -> None:
        before = announced(self.account) if version(self.account) else None
        deliver(self.account, event)
        now = announced(self.account)

        usable = [each for each in self.known if each.there and each.available]
        if not usable:
            assert now is None
        else:
            newest = max(usable, key=lambda each: (*each.taken(self.exact), each.id))
            assert (now.arn, now.kind) == (newest.arn, newest.kind)
            assert (now.exact, now.created_at) == newest.taken(self.exact)
        if before and before.exact and (now is None or now.created_at < before.created_at):
            assert not next(each for each in self.known if each.arn == before.arn).there, "it moved backwards"
        self.exact = now.arn if now and now.exact else None

        written = version(self.account)
        assert deliver(self.account, event)["change"] == "none"
        assert version(self.account) == written, "nothing is new, and yet it was written"


def test_the_parameter_names_the_newest_usable_snapshot_whatever_happens(account: Account) -> None:
    machine = type("Machine", (Production,), {"account": account})
    limits = settings(
        max_examples=12,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(machine, settings=limits)


def test_a_listing_that_is_behind_does_not_set_it_back(account: Account) -> None:
    newest = account.snapshot(timedelta(minutes=5))
    deliver(account, SCHEDULE)

    class Behind:
        """RDS from a place that has not heard of the newest yet, except when it is asked for by name."""

        def __getattr__(self, name: str) -> Any:
            return getattr(account.client("rds"), name)

        def get_paginator(self, operation: str) -> Any:
            real = account.client("rds").get_paginator(operation)

            class Paginator:
                def paginate(self, **asked: Any) -> Any:
                    for page in real.paginate(**asked):
                        found = page.get("DBClusterSnapshots", [])
                        if "DBClusterIdentifier" in asked:
                            found = [each for each in found if each["DBClusterSnapshotIdentifier"] != newest]
                        yield {**page, "DBClusterSnapshots": found}

            return Paginator()

    behind = Behind()
    done = deliver(account, SCHEDULE, lambda service: behind if service == "rds" else account.client(service))
    assert done["change"] == "none"
    delete(account, newest)
    done = deliver(account, SCHEDULE, lambda service: behind if service == "rds" else account.client(service))
    assert done["change"] == "written"
    assert announced(account).created_at < NOW - timedelta(hours=1)


def test_two_looks_at_once_end_with_the_newest(account: Account) -> None:
    """A slow look with an old listing writes after a fast one: the version tells it so, and it looks again."""
    ssm = account.client("ssm")

    class Overtaken:
        overtaken = False

        def __getattr__(self, name: str) -> Any:
            return getattr(ssm, name)

        def put_parameter(self, **asked: Any) -> Any:
            if not self.overtaken:
                self.overtaken = True
                account.snapshot(timedelta(minutes=5), "meanwhile")
                deliver(account, SCHEDULE)
            return ssm.put_parameter(**asked)

    slow = Overtaken()
    deliver(account, SCHEDULE, lambda service: slow if service == "ssm" else account.client(service))
    assert announced(account).id == "meanwhile"


@pytest.mark.parametrize("text", ["", "nonsense", '{"version": 9, "arn": null}', '{"version": 1, "arn": null}'])
def test_what_stood_there_before_is_written_over(account: Account, text: str) -> None:
    if text:
        account.client("ssm").put_parameter(Name=NAME, Value=text, Type="String")
    assert deliver(account, SCHEDULE)["change"] == "written"
    assert announced(account).source == SOURCE


def test_a_refusal_is_an_error_and_not_an_empty_account(account: Account) -> None:
    deliver(account, SCHEDULE)
    before = announced(account)

    class Denied:
        def get_paginator(self, operation: str) -> Any:
            raise account.client("rds").exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, operation)

    with pytest.raises(Exception, match="AccessDenied"):
        deliver(account, SCHEDULE, lambda service: Denied() if service == "rds" else account.client(service))
    assert announced(account) == before


@pytest.mark.parametrize("event", MALFORMED, ids=repr)
def test_the_log_is_one_line_of_json_whatever_the_event(account: Account, event: Any, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "envctl.publisher"):
        deliver(account, event)
    (record,) = caplog.records
    said = record.getMessage()
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) < 2000
    assert json.loads(said)["snapshot"].startswith("arn:aws:rds:")


@pytest.mark.parametrize("changes", [{"KIND": "both"}, {"SOURCE": None}])
def test_a_function_that_is_set_up_wrongly_says_so(changes: dict[str, Any]) -> None:
    environ = {key: value for key, value in (ENVIRON | changes).items() if value is not None}
    with pytest.raises((ValueError, KeyError)):
        Settings.of(environ)
