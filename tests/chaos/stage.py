"""Where a scenario is played: an emulated account behind the proxy, a checkout, envctl, and looks at what is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import inventory
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from chaos.killer import Killer
from chaos.proxy import Proxy
from chaos.rules import Call, Rules
from chaos.scenarios import Scenario
from github_server import GitHubServer
from providers import cli_config
from world import FakeTerraform

from orchestrator.sandbox import control
from orchestrator.sandbox.names import ACCESS_KEY, HOST, REGION, STATE_BUCKET

CHECKOUT = Path(__file__).parents[2]
SMALL_ROOT = Path(__file__).parent / "root"
PR = 7
NAME = f"shop-pr-{PR}"
PREFIX = f"environments/acme/shop/pr-{PR}/"
COMMITS = ("a" * 40, "b" * 40)
OLD_SNAPSHOT = "shop-prod-release-001"
NOTE_S = 0.25  # how often descendants are noted
LONG = timedelta(minutes=5)  # longer than a run may be silent before GitHub is asked about it


@dataclass(frozen=True)
class Ran:
    """One envctl command: how it ended. `hung`: it had to be ended after its time limit."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float
    hung: bool = False

    @property
    def body(self) -> dict[str, Any]:
        try:
            found = json.loads(self.out)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def error(self) -> dict[str, Any]:
        return self.body.get("error") or {}

    @property
    def is_a_bug(self) -> bool:
        return self.code == 1 or "Traceback" in self.err or self.error.get("code") == "unexpected"

    @property
    def gist(self) -> tuple[int, str]:
        """How it ended, without what differs each time (request ids, times)."""
        return self.code, re.sub(r"RequestID: \w+|\d{4}-\d\d-\S+|[0-9a-f-]{36}", "", str(self.error.get("message")))

    def __str__(self) -> str:
        message = str(self.error.get("message", ""))[:300]
        how = "hung" if self.hung else f"exit {self.code}"
        return f"envctl {' '.join(self.arguments)}: {how} after {self.seconds:.0f} s {message}".rstrip()


@dataclass
class Looks:
    """What the account held at one moment of environment NAME: ids by kind, its state, its databases.

    `lineage` is that of the state in the bucket: Terraform gives one that is pushed into an empty place a new one.
    `databases` are AWS's own ids of them by name; `snapshot` is the one that the record says the data is of.
    """

    lineage: str | None = None
    state: str = ""
    managed: int = 0
    tagged: dict[str, list[str]] = field(default_factory=dict)
    databases: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    snapshot: str | None = None


class Here(boto3.Session):
    """A session whose clients speak to one endpoint, past the proxy; this process's environment does not matter."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(ACCESS_KEY, ACCESS_KEY, region_name=REGION)
        self._endpoint = endpoint

    def client(self, *arguments: Any, **options: Any) -> Any:
        return super().client(*arguments, endpoint_url=self._endpoint, **options)


class Account:
    """One emulated account, started anew when it was left dirty."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.github = GitHubServer()
        self.github.__enter__()
        self.start()

    def start(self) -> None:
        self.sandbox = control.start(self.directory)
        self.session = Here(self.sandbox.endpoint)
        self.before = self._inventory()

    def stop(self) -> None:
        self.github.__exit__()
        control.stop(self.directory)

    def renew(self) -> None:
        control.stop(self.directory)
        self.start()

    def let_time_pass(self) -> None:
        """Make whatever the bucket says of when a run was last alive older, in place of waiting that long."""
        s3 = self.session.client("s3")
        for name, times in (("manifest.json", ("started_at", "beat_at")), ("terraform.tfstate.tflock", ("Created",))):
            with suppress(s3.exceptions.NoSuchKey):
                key = {"Bucket": STATE_BUCKET, "Key": f"{PREFIX}{name}"}
                found = json.loads(s3.get_object(**key)["Body"].read())
                part = (found.get("operation") or {}) if name == "manifest.json" else found
                part |= {each: _earlier(part[each]) for each in times if part.get(each)}
                before = s3.head_object(**key)["VersionId"]
                s3.put_object(**key, Body=json.dumps(found).encode())
                # In its place and not on top of it: it would come to light when the lock is given back.
                s3.delete_object(**key, VersionId=before)

    def difference(self) -> inventory.Difference:
        return inventory.difference(self.before, self._inventory())

    def _inventory(self) -> inventory.Inventory:
        """List everything; again when the emulator stumbles over questions that are asked side by side."""
        for _ in range(3):
            with suppress(ResponseParserError, ClientError):
                return inventory.inventory(self.session)
        return inventory.inventory(self.session)

    def look(self, errored: Path) -> Looks:
        """Look at the environment; a state that could not be saved counts as its state."""
        found = Looks(snapshot=((self._stored("manifest.json") or {}).get("snapshot") or {}).get("id"))
        saved = self._state()
        kept = _readable(errored.read_text()) if errored.is_file() else saved
        if kept:
            found.state = json.dumps(kept)
            resources = kept.get("resources") or []
            found.managed = sum(r.get("mode") != "data" for r in resources) if isinstance(resources, list) else 1
            found.lineage = saved.get("lineage") if saved else None
        tag = {"Filters": [{"Name": "tag:envctl:environment", "Values": [NAME]}]}
        ec2 = self.session.client("ec2")
        for operation, items, name in (
            ("describe_vpcs", "Vpcs", "VpcId"),
            ("describe_subnets", "Subnets", "SubnetId"),
            ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
            ("describe_route_tables", "RouteTables", "RouteTableId"),
            ("describe_security_groups", "SecurityGroups", "GroupId"),
        ):
            found.tagged[items] = [each[name] for each in getattr(ec2, operation)(**tag)[items]]
        for cluster in self.session.client("rds").describe_db_clusters()["DBClusters"]:
            if cluster["DBClusterIdentifier"].startswith(NAME):
                found.databases[cluster["DBClusterIdentifier"]] = cluster["DbClusterResourceId"]
                found.statuses[cluster["DBClusterIdentifier"]] = cluster["Status"]
        return found

    def _state(self) -> dict[str, Any] | None:
        return self._stored("terraform.tfstate")

    def _stored(self, name: str) -> dict[str, Any] | None:
        s3 = self.session.client("s3")
        try:
            return _readable(s3.get_object(Bucket=STATE_BUCKET, Key=f"{PREFIX}{name}")["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None


def _earlier(time_: str) -> str:
    return (datetime.fromisoformat(time_) - LONG).isoformat(timespec="seconds").replace("+00:00", "Z")


def _readable(text: str | bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class Checkout:
    """A checkout to run envctl in, with the Terraform and the root module that the scenario is about."""

    def __init__(
        self, directory: Path, scenario: Scenario, account: Account, endpoint: str, log: Callable[[str], None]
    ) -> None:
        self.base = directory
        self.log = log
        self.github = account.github
        self.number = 0
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        foreign = ("GITHUB_", "ENVCTL_")
        environ = {k: v for k, v in os.environ.items() if k not in control.unwanted() and not k.startswith(foreign)}
        environ |= (
            control.environment(account.sandbox)
            | cli_config(directory, CHECKOUT, environ)
            | {
                "AWS_ENDPOINT_URL": endpoint,
                "NO_PROXY": HOST,
                "PYTHONPATH": str(CHECKOUT),
                "ENVCTL_DATABASE__REPLICAS": "1" if scenario.database or scenario.stage == "full" else "0",
                "ENVCTL_TERRAFORM__MAX_RETRIES": "4",
            }
        )
        if scenario.stage == "fake":
            self.fake = FakeTerraform(directory / "bin")
            self.fake.let("save")  # it is never kept from saving its state
            self.fake.set(outputs={}, resources={"aws_vpc.this": {"type": "aws_vpc"}})
            environ["ENVCTL_TERRAFORM"] = str(self.fake.program)
        self.environ = environ
        self.source = CHECKOUT / "terraform" if scenario.stage == "full" else SMALL_ROOT
        self._enter(scenario)
        if scenario.elsewhere:
            self._begin_run()

    def _begin_run(self) -> None:
        """From now on what is done here is done by a run of GitHub Actions."""
        self.run = self.github.run("in_progress")
        self.environ |= self.github.environ | {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": str(self.run)}

    def _enter(self, scenario: Scenario) -> None:
        """A root of one's own: Terraform writes `errored.tfstate` where it stands."""
        self.number += 1
        self.directory = self.base / f"checkout-{self.number}"
        shutil.copytree(self.source, self.directory / "terraform", ignore=shutil.ignore_patterns(".terraform"))
        self.root = self.directory / "terraform" / ("env" if scenario.stage == "full" else "")
        self.environ["ENVCTL_TERRAFORM__ROOT"] = str(self.root)

    def move(self, scenario: Scenario) -> None:
        """From now on as on another runner: the run has ended, its working files are gone.

        A state that could not be saved stays where it is: what nobody has any more, nobody can bring back.
        """
        self.github.run("completed", run=self.run)
        self._begin_run()
        if not self.errored.is_file():
            self._enter(scenario)

    def change(self) -> None:
        """What a new commit brings, where the commit alone changes nothing."""
        self.fake.change("aws_vpc.this")

    @property
    def errored(self) -> Path:
        places = (self.directory / ".envctl" / f"pr-{PR}" / "errored.tfstate", self.root / "errored.tfstate")
        return next((place for place in places if place.is_file()), places[0])

    def envctl(self, *arguments: str, limit_s: float, killer: Killer | None = None) -> Ran:
        """Run one command to its end, or to its time limit; nothing that it started outlives the latter."""
        killer = killer or Killer(None)
        command = (*arguments, "--pr", str(PR))
        began = time.monotonic()
        # From the first moment in a session of its own: what we send goes to one process and not to a group.
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *command, "--json", "-v"],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        killer.follow(process.pid)
        said: list[str] = []
        data: list[str] = []
        readers = [
            threading.Thread(target=_read, args=(process.stdout, data, lambda line: None), daemon=True),
            threading.Thread(target=_read, args=(process.stderr, said, killer.on_line), daemon=True),
        ]
        for reader in readers:
            reader.start()
        hung = False
        try:
            while process.poll() is None:
                killer.note()
                if time.monotonic() - began > limit_s:
                    hung = True
                    process.kill()
                    killer.reap()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(NOTE_S)
        except BaseException:  # the bench is stopped
            process.kill()
            killer.reap()
            raise
        killer.finish()
        for reader in readers:
            reader.join(2)  # a child that lives on may hold them open
        ran = Ran(command, process.returncode, "".join(data), "".join(said), time.monotonic() - began, hung)
        self.log(f"$ {ran}\n{ran.err}")
        return ran


def _read(stream: Any, into: list[str], tell: Callable[[str], None]) -> None:
    for line in stream:
        into.append(line)
        tell(line)


class Faults:
    """The proxy of one account, with the rules and the killer of the moment."""

    def __init__(self, upstream: str) -> None:
        self.killer = Killer(None)
        self.proxy = Proxy(upstream, watch=self._watch).start()

    def _watch(self, call: Call, moment: Any) -> None:
        self.killer.on_call(call, moment)

    def set(self, rules: Rules, killer: Killer) -> None:
        self.proxy.forget()
        self.proxy.rules, self.killer = rules, killer

    def clear(self) -> None:
        self.proxy.rules, self.killer = Rules(), Killer(None)
