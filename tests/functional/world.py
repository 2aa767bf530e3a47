"""A small world for the command line: an AWS account with a production in it, a Terraform, a checkout, and envctl.

The fixtures in conftest.py put them together.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as BotoConfig

from orchestrator import manifest as manifests
from orchestrator.cli import wiring
from orchestrator.cli.run import run
from orchestrator.cli.terminal import Terminal
from orchestrator.events import Event
from orchestrator.identity import Environment
from orchestrator.lifecycle.context import Context, Stopwatch
from orchestrator.manifest import Manifest, PinnedSnapshot
from orchestrator.sandbox.seed import Snapshot, automated

BUCKET = "acme-preview-state"
SOURCE = "shop-prod"
VERSION = "8.0.mysql_aurora.3.08.2"
PREFIX = "environments/acme/shop/"
CONFIG = f"""\
[project]
name = "shop"
repository = "acme/shop"
region = "us-east-1"

[state]
bucket = "{BUCKET}"

[database]
source = "{SOURCE}"
"""
RESOURCES = {
    "module.network.aws_vpc.this": {"type": "aws_vpc"},
    "module.database.aws_rds_cluster.this[0]": {"type": "aws_rds_cluster"},
    "module.web.aws_lb.this": {"type": "aws_lb"},
}
VPC, CLUSTER, LB = RESOURCES
TAGS = [{"Key": "envctl:environment", "Value": "shop-pr-42"}, {"Key": "envctl:repository", "Value": "acme/shop"}]
WAIT_S = 90.0


# --- The account -----------------------------------------------------------------------------------


class Account:
    """The emulated AWS account: clients by service, and the state bucket."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._session = boto3.Session("testing", "testing", region_name="us-east-1")
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = BotoConfig(s3={"addressing_style": "path"}, proxies={})
            self._clients[service] = self._session.client(service, endpoint_url=self.endpoint, config=config)
        return self._clients[service]

    def reset(self) -> None:
        """An empty account but for production: one cluster, its snapshots, and the state bucket."""
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST"))
        s3, rds = self.client("s3"), self.client("rds")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
        rds.create_db_cluster(DBClusterIdentifier=SOURCE, Engine="aurora-mysql", EngineVersion=VERSION, **login)
        for made in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
            rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=made["DBClusterSnapshotIdentifier"])

    def snapshot(self, age: timedelta, name: str | None = None, status: str = "available") -> str:
        """Make a cluster snapshot of production of that age: a manual one if it has a name. Returns its id."""
        created = datetime.now(UTC) - age
        made = Snapshot(SOURCE, name, created, status=status) if name else automated(SOURCE, created)
        answer = self.client("rds").create_db_cluster_snapshot(
            DBClusterIdentifier=SOURCE, DBClusterSnapshotIdentifier=made.identifier, Tags=made.tags
        )
        return str(answer["DBClusterSnapshot"]["DBClusterSnapshotIdentifier"])

    def vpc(self, environment: str) -> str:
        """Make a VPC that is tagged as one of `environment`."""
        tags = [{"Key": "envctl:environment", "Value": environment}]
        made = self.client("ec2").create_vpc(
            CidrBlock="10.42.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
        )
        return str(made["Vpc"]["VpcId"])

    def database(self, environment: str) -> str:
        """Make the cluster of `environment` anew. Returns AWS's own id of it."""
        rds = self.client("rds")
        if any(c["DBClusterIdentifier"] == environment for c in rds.describe_db_clusters()["DBClusters"]):
            rds.delete_db_cluster(DBClusterIdentifier=environment, SkipFinalSnapshot=True)
        with self.restored(environment) as made:
            return made

    @contextmanager
    def restored(self, environment: str) -> Iterator[str]:
        """Make the cluster of `environment`, which nobody takes for its own before the end. Yields AWS's id of it.

        For an `up` within: the fake Terraform makes nothing, and a database that is there before is in its way.
        """
        login = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}
        rds = self.client("rds")
        made = rds.create_db_cluster(DBClusterIdentifier=environment, Engine="aurora-mysql", **login)["DBCluster"]
        yield made["DbClusterResourceId"]
        project, _, pr = environment.split("-")
        tags = {"environment": environment, "project": project, "repository": "acme/shop", "pr": pr}
        rds.add_tags_to_resource(
            ResourceName=made["DBClusterArn"],
            Tags=[{"Key": f"envctl:{key}", "Value": value} for key, value in tags.items()],
        )

    def instance(self, id: str, source: str | None = None) -> None:
        """Make an RDS instance of pull request 42 anew: a read replica of `source`, or a database of its own."""
        rds = self.client("rds")
        if any(each["DBInstanceIdentifier"] == id for each in rds.describe_db_instances()["DBInstances"]):
            rds.delete_db_instance(DBInstanceIdentifier=id, SkipFinalSnapshot=True)
        if source:
            rds.create_db_instance_read_replica(DBInstanceIdentifier=id, SourceDBInstanceIdentifier=source, Tags=TAGS)
            return
        login = {"MasterUsername": "root", "MasterUserPassword": "only-in-a-test", "AllocatedStorage": 20}
        rds.create_db_instance(
            DBInstanceIdentifier=id, DBInstanceClass="db.t4g.small", Engine="mysql", Tags=TAGS, **login
        )

    def graph(self) -> str:
        """Make a Neptune cluster of pull request 42. Returns its id."""
        rds, id = self.client("rds"), "shop-pr-42-graph"
        rds.create_db_cluster(DBClusterIdentifier=id, Engine="neptune", Tags=TAGS)
        rds.describe_db_clusters(DBClusterIdentifier=id)  # it is available from the second look on
        return id

    def promote(self, id: str) -> None:
        """Make a database of its own of a read replica. moto's PromoteReadReplica leaves it one."""
        self.instance(id)

    def put(self, key: str, body: bytes | str) -> None:
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def versions(self) -> list[tuple[str, str]]:
        """Every version and delete marker in the bucket, as (key, version)."""
        listed = self.client("s3").list_object_versions(Bucket=BUCKET)
        return sorted((v["Key"], v["VersionId"]) for k in ("Versions", "DeleteMarkers") for v in listed.get(k, ()))

    def objects(self) -> list[str]:
        """The keys that a listing of the bucket shows."""
        return [o["Key"] for o in self.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())]

    def manifest(self, pr: int = 42) -> Manifest:
        place = f"{PREFIX}pr-{pr}/manifest.json"
        return manifests.parse(self.client("s3").get_object(Bucket=BUCKET, Key=place)["Body"].read(), place)

    def state(self, pr: int = 42) -> dict[str, Any]:
        found = self.client("s3").get_object(Bucket=BUCKET, Key=f"{PREFIX}pr-{pr}/terraform.tfstate")
        state: dict[str, Any] = json.loads(found["Body"].read())
        return {**state, "resources": {r["address"]: r["is"] for r in state["resources"]}}

    def record(self, pr: int = 42, **changes: Any) -> Manifest:
        """Put the manifest of an environment that is being created, with `changes`."""
        now = datetime.now(UTC).replace(microsecond=0)
        environment = Environment(f"shop-pr-{pr}", pr, "shop", "acme/shop", "us-east-1", BUCKET, "", {})
        pinned = PinnedSnapshot(
            "arn:aws:rds:us-east-1:1:cluster-snapshot:s", "s", "cluster", "aurora-mysql", "8", now, "-"
        )
        begun = manifests.begin(environment, pinned, now, timedelta(hours=72))
        made = replace(manifests.intend(begun, "up", now, None), **changes)
        self.put(f"{PREFIX}pr-{pr}/manifest.json", manifests.render(made))
        return made

    def lock(self, pr: int = 42, who: str = "runner@ci") -> None:
        """Put the lock of another run."""
        info = {"ID": "5d1f", "Operation": "OperationTypeApply", "Info": "", "Who": who, "Version": "1.11.4"}
        info |= {"Created": "2026-11-22 09:00:00 +0000 UTC", "Path": "somewhere"}
        self.put(f"{PREFIX}pr-{pr}/terraform.tfstate.tflock", json.dumps(info))


# --- Terraform -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One run of the fake terraform."""

    argv: list[str]
    cwd: str
    environ: dict[str, str]
    end: dict[str, Any]  # empty: it never ended

    @property
    def command(self) -> str:
        return self.argv[0]


class FakeTerraform:
    """The `terraform` that envctl finds, its scenario, and what it was asked to do."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.program = directory / "terraform"
        directory.mkdir()
        script = Path(__file__).with_name("fake_terraform.py")
        self.program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "{directory}" "$@"\n')
        self.program.chmod(0o755)
        self._scenario: dict[str, Any] = {
            "flavour": "Terraform",
            "version": "1.11.4",
            "ui": "1.2",
            "resources": RESOURCES,  # what the configuration holds; with "replace": a change means a new one
            "outputs": {"database_endpoint": {"value": "shop-pr-42.cluster.local"}},
            "modules": [],  # as `init` notes them
            "fail": {},  # command -> its diagnostic
            "crash": {},  # command -> what it prints that is no event
            "seconds": {},  # address -> how long it says that it took
            "gate": None,  # address, "init" or "plan": wait there
            "deaf": False,  # go on after an interrupt
            "unsaved": None,  # the state cannot be saved: by "apply" and "destroy" alone, or "always"
            "provider": False,  # an apply has a child that outlives it
            "die_at": None,  # address at which it is killed, or "end": when all is applied and saved
        }
        self.set(**self._scenario)

    def set(self, **values: Any) -> None:
        assert values.keys() <= self._scenario.keys()
        for output in values.get("outputs", {}).values():
            output |= {"type": "string", "sensitive": output.get("sensitive", False)}
        self._scenario |= values
        (self.directory / "scenario.json").write_text(json.dumps(self._scenario))

    @property
    def resources(self) -> dict[str, Any]:
        """What the configuration holds."""
        return dict(self._scenario["resources"])

    def database(self, resource_id: str) -> None:
        """Let the cluster be the one that AWS calls shop-pr-42 and by that id: the next state says so."""
        cluster = {
            **RESOURCES[CLUSTER],
            "values": {"id": "shop-pr-42", "cluster_identifier": "shop-pr-42", "cluster_resource_id": resource_id},
        }
        self.set(resources={**self._scenario["resources"], CLUSTER: cluster})

    def change(self, address: str, replaces: bool = False) -> None:
        """Let the configuration ask for something else at `address`."""
        changed = {**self._scenario["resources"][address], "changed": time.time(), "replace": replaces}
        self.set(resources={**self._scenario["resources"], address: changed})

    def fail(self, command: str, address: str | None = None, summary: str = "it broke", detail: str = "Badly.") -> None:
        self.set(fail={command: {"summary": summary, "detail": detail, "address": address}})

    @property
    def calls(self) -> list[Call]:
        file = self.directory / "calls.jsonl"
        noted = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        ends = {note["pid"]: note for note in noted if not note["began"]}
        return [Call(n["argv"], n["cwd"], n["environ"], ends.get(n["pid"], {})) for n in noted if n["began"]]

    @property
    def pid(self) -> int:
        """The process of its latest run."""
        return int(json.loads((self.directory / "calls.jsonl").read_text().splitlines()[-1])["pid"])

    @property
    def commands(self) -> list[str]:
        return [call.command for call in self.calls]

    def the(self, command: str) -> Call:
        """The one call of `command`."""
        (call,) = [call for call in self.calls if call.command == command]
        return call

    def forget(self) -> None:
        (self.directory / "calls.jsonl").unlink(missing_ok=True)

    def wait_for(self, name: str) -> None:
        wait_until((self.directory / name).exists, f"terraform to be {name}")

    def let(self, name: str) -> None:
        """Open a gate: `go` on, or `save` the state."""
        (self.directory / name).touch()


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


# --- The command line ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What a person or a script sees of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; anything before or after it is an error."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


class Envctl:
    """Runs envctl in a checkout: in this process (`envctl(...)`) or in one of its own (`spawn`)."""

    def __init__(self, directory: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self._capture = capture
        self._spawned: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str) -> Result:
        self._capture.readouterr()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            code = run(arguments)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return Result(int(code), *self._capture.readouterr())

    def spawn(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start envctl in a session of its own, its streams to pipes unless `options` say otherwise."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", "orchestrator", *arguments]
        process = subprocess.Popen(
            command, text=True, cwd=self.directory, start_new_session=True, **{**pipes, **options}
        )
        self._spawned.append(process)
        return process

    def elsewhere(self, directory: Path) -> Envctl:
        """The same in another checkout of the same repository."""
        other = Envctl(checkout_at(directory), self._capture)
        other._spawned = self._spawned
        return other

    def end(self) -> None:
        for process in self._spawned:
            if process.poll() is None:
                process.kill()
            process.communicate()


class Clock:
    """Time that passes only while somebody sleeps, and then `slow` times as much; `passing` happens then."""

    def __init__(self, passing: Callable[[], object] = lambda: None, slow: float = 1) -> None:
        self.now = 0.0
        self.passing = passing
        self.slow = slow

    def sleep(self, seconds: float) -> None:
        self.now += seconds * self.slow
        self.passing()


def context_with(clock: Clock, emit: Callable[[Event], None] = lambda event: None) -> Context:
    """The context that `envctl destroy --pr 42` makes, with another clock."""
    setting = wiring.setting(None)
    made = setting.context(setting.environment(42), Terminal(quiet=True), emit)
    return replace(made, sleep=clock.sleep, watch=Stopwatch(lambda: clock.now, made.emit))


def unsaved(envctl: Envctl, account: Account) -> Path:
    """Leave a state of pull request 42 that Terraform could not save: the next one of that in the bucket."""
    found = account.client("s3").get_object(Bucket=BUCKET, Key=f"{PREFIX}pr-42/terraform.tfstate")
    state = json.loads(found["Body"].read())
    file = envctl.directory / ".envctl" / "pr-42" / "errored.tfstate"
    file.write_text(json.dumps({**state, "serial": state["serial"] + 1}))
    return file


def database_gone(envctl: Envctl, terraform: FakeTerraform) -> None:
    """Leave a complete environment of pull request 42 whose database Terraform does not find any more."""
    wanted = terraform.resources
    terraform.set(resources={address: wanted[address] for address in (VPC, LB)})
    assert envctl("up", "--pr", "42", "--yes").code == 0
    terraform.set(resources=wanted)
    terraform.forget()


def unwanted_replica(envctl: Envctl, account: Account, terraform: FakeTerraform) -> str:
    """Leave a complete environment of pull request 42 whose read replica the next plan takes away. Returns its id."""
    replica, wanted = "shop-pr-42-replica-1", terraform.resources
    made = {"type": "aws_db_instance", "values": {"identifier": replica}}
    terraform.set(resources={**wanted, "module.database.aws_db_instance.replica": made})
    assert envctl("up", "--pr", "42", "--yes").code == 0
    account.instance("shop-pr-42")
    account.instance(replica, source="shop-pr-42")
    terraform.set(resources=wanted)
    terraform.forget()
    return replica


def ended(process: subprocess.Popen[str]) -> Result:
    out, err = process.communicate(timeout=WAIT_S)
    return Result(process.returncode, out or "", err or "")


def checkout_at(directory: Path) -> Path:
    root = directory / "terraform" / "env"
    root.mkdir(parents=True)
    (root / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    (directory / "envctl.toml").write_text(CONFIG)
    return directory
