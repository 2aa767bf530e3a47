"""terraform/production applied by the real Terraform; its function's code, run as it was uploaded; `plan` follows."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import inventory
import pytest
from botocore.exceptions import ClientError
from conftest import CHECKOUT, World

from orchestrator import toolchain
from orchestrator.sandbox.names import CLUSTER, REGION, STATE_BUCKET

PARAMETER = f"/envctl/{CLUSTER}/latest-snapshot"
RULE = f"envctl-{CLUSTER}-publisher"
# As Lambda does: nothing but Python, boto3 and the archive; the function's settings as its environment.
LAMBDA = """
import json, sys
sys.path.insert(0, sys.argv[1])
from orchestrator.publisher import handler
assert handler.__file__.startswith(sys.argv[1])
print(json.dumps(handler.handle(json.load(sys.stdin))))
"""


class Production:
    """The root in a directory of its own, as an operator has it."""

    def __init__(self, world: World) -> None:
        self.root = world.directory / "terraform" / "production"
        shutil.copytree(CHECKOUT / "terraform" / "production", self.root, ignore=shutil.ignore_patterns(".terraform"))
        modules = self.root.parent / "modules"
        shutil.copytree(CHECKOUT / "terraform" / "modules" / "snapshot_publisher", modules / "snapshot_publisher")
        self.environ = {
            **world.environ,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_VAR_region": REGION,
            "TF_VAR_source_identifier": CLUSTER,
            "TF_VAR_provider_max_retries": "1",
        }
        self.package = self.root / "publisher.zip"
        self.command = toolchain.find(os.environ).command

    def terraform(self, *arguments: str, expected: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *arguments], cwd=self.root, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == expected, f"terraform {arguments[0]}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def init(self) -> None:
        settings = ("bucket=" + STATE_BUCKET, "key=production.tfstate", f"region={REGION}", "use_path_style=true")
        self.terraform("init", "-input=false", "-lockfile=readonly", *(f"-backend-config={each}" for each in settings))

    def invoke(self, event: Any) -> dict[str, Any]:
        """Run the uploaded function with the environment that Terraform gave it."""
        function = boto3.client("lambda").get_function(FunctionName=RULE)["Configuration"]
        assert function["CodeSha256"] == base64.b64encode(hashlib.sha256(self.package.read_bytes()).digest()).decode()
        environ = {key: value for key, value in self.environ.items() if key.startswith("AWS_")}
        done = subprocess.run(
            [sys.executable, "-I", "-c", LAMBDA, str(self.package)],
            env=environ | function["Environment"]["Variables"],
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said


@pytest.fixture
def production(world: World) -> Production:
    return Production(world)


def test_production_announces_and_an_environment_follows(world: World, production: Production) -> None:
    before = world.account()
    built = world.run("publisher", "build", str(production.package))
    assert Path(built["package"]["path"]) == production.package
    production.init()
    production.terraform("apply", "-auto-approve", "-input=false")
    production.terraform("plan", "-detailed-exitcode", "-input=false")  # 0: nothing left to do
    outputs = json.loads(production.terraform("output", "-json"))
    assert outputs["parameter_name"]["value"] == PARAMETER

    events = boto3.client("events")
    pattern = json.loads(events.describe_rule(Name=f"{RULE}-snapshots")["EventPattern"])
    assert pattern["detail-type"] == ["RDS DB Snapshot Event", "RDS DB Cluster Snapshot Event"]
    world.environ["ENVCTL_DATABASE__SOURCE_PARAMETER"] = PARAMETER
    refused = world.run("plan", "--pr", "7", expected=7)  # applied, and it has not looked yet
    assert "no usable snapshot" in refused["error"]["message"]

    first = production.invoke({"source": "aws.rds", "detail": {"EventID": "RDS-EVENT-0169", "SourceIdentifier": "x"}})
    assert (first["change"], production.invoke("nonsense")["change"]) == ("written", "none")
    plan = world.run("plan", "--pr", "7")
    assert plan["snapshot"]["arn"] == first["snapshot"]
    assert PARAMETER in plan["snapshot"]["reason"]

    world.run("sandbox", "seed")  # production makes one more
    second = production.invoke({"source": "aws.events", "detail-type": "Scheduled Event"})
    assert second["change"] == "written"
    assert world.run("plan", "--pr", "7")["snapshot"]["arn"] == second["snapshot"] != first["snapshot"]
    boto3.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=second["snapshot"].split(":", 6)[6])
    assert "is gone" in world.run("plan", "--pr", "7", expected=7)["error"]["message"]
    assert production.invoke({})["snapshot"] == first["snapshot"]

    # A root without slow resources: what is pinned is what the parameter says.
    small = {"ENVCTL_TERRAFORM__ROOT": str(CHECKOUT / "tests" / "bench" / "root")}
    assert world.run("up", "--pr", "7", "--yes", **small)["snapshot"]["arn"] == first["snapshot"]
    assert world.run("destroy", "--pr", "7", "--yes", **small)["left"] == []

    # What the function wrote is not Terraform's to undo.
    production.terraform("plan", "-detailed-exitcode", "-input=false")
    production.terraform("destroy", "-auto-approve", "-input=false")
    came = inventory.difference(before, world.account()).came
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert events.list_rules()["Rules"] == []
    assert boto3.client("sqs").list_queues().get("QueueUrls", []) == []
    with pytest.raises(ClientError, match="ParameterNotFound"):
        boto3.client("ssm").get_parameter(Name=PARAMETER)
    assert not {kind: items for kind, items in came.items() if "s3" not in kind.lower()}, came
