"""No secret is in anything that envctl writes or prints, nor on a command line.

A canary is planted where a team's secrets are: in production's password, in a sensitive variable, in a
secret of the environment. Terraform's own state holds such values, which is why its bucket is encrypted and
private; it is the one place that is not searched.
"""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import pytest
from conftest import CHECKOUT, World

CANARY = "c4n4ry-0f-7h3-m1n3"
BUCKET = "envctl-sandbox-state"
KEYS = "environments/acme/shop/pr-5/"
SMALL = (CHECKOUT / "tests" / "bench" / "root" / "main.tf").read_text()
OURS = """
variable "canary" {
  type      = string
  sensitive = true
}

variable "kind" {
  type    = string
  default = "SecureString"
}

resource "aws_ssm_parameter" "canary" {
  name  = "/envctl/${var.name}/canary"
  type  = var.kind == "broken" ? var.canary : var.kind
  value = var.canary
}

resource "terraform_data" "canary" {
  input = var.canary
}

resource "aws_secretsmanager_secret" "canary" {
  name                    = "${var.name}-canary"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "canary" {
  secret_id     = aws_secretsmanager_secret.canary.id
  secret_string = jsonencode({ password = terraform_data.canary.output })
}

resource "aws_rds_cluster" "this" {
  cluster_identifier  = var.name
  snapshot_identifier = var.database.snapshot_arn
  engine              = var.database.engine
  engine_version      = var.database.engine_version
  skip_final_snapshot = true
}

output "canary" {
  value     = var.canary
  sensitive = true
}

output "database" {
  value = aws_rds_cluster.this.endpoint
}
"""


@pytest.fixture
def planted(world: World) -> World:
    root = world.directory / "root"
    root.mkdir()
    (root / "main.tf").write_text(SMALL + OURS)
    boto3.client("rds").modify_db_cluster(DBClusterIdentifier="shop-prod", MasterUserPassword=CANARY)
    world.run("sandbox", "seed")  # the newest snapshot is one with that password in it
    outputs = {name: str(world.directory / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    world.environ.update({"ENVCTL_TERRAFORM__ROOT": str(root), "TF_VAR_canary": CANARY, **outputs})
    return world


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Collect the command line of every process that shows the canary."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    if CANARY.encode() in (line := file.read_bytes()):
                        seen.add(line.decode())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def said(world: World, *arguments: str, expected: int = 0) -> str:
    out, err = (process := world.start(*arguments)).communicate(timeout=900)
    assert process.returncode == expected, err
    return out + err


def written(world: World) -> dict[str, bytes]:
    """Everything in the working directory but the root module and the emulator, and in the bucket but states."""
    files = {
        str(path.relative_to(world.directory)): path.read_bytes()
        for path in world.directory.rglob("*")
        if path.is_file() and not path.is_symlink() and "providers" not in path.parts
    }
    s3 = boto3.client("s3")
    for version in s3.list_object_versions(Bucket=BUCKET, Prefix=KEYS).get("Versions", ()):
        name = version["Key"].removeprefix(KEYS)
        if name.endswith(".tfstate"):
            continue
        body = s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
        files[f"s3:{name}:{version['VersionId']}"] = body
        if name.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                for member in archive.getmembers():
                    if (content := archive.extractfile(member)) is not None:
                        files[f"s3:{name}:{member.name}"] = content.read()
    return files


def leaks(world: World) -> list[str]:
    return [name for name, content in written(world).items() if CANARY.encode() in content]


def test_a_canary_is_nowhere(planted: World) -> None:
    with command_lines() as seen:
        told = said(planted, "up", "--pr", "5", "--yes", "-v")
        assert any(name.startswith("s3:manifest.json") for name in written(planted))
        assert any(name.startswith("s3:bundle.tar.gz") and name.endswith("main.tf") for name in written(planted))
        assert leaks(planted) == []
        assert CANARY in json.dumps(state(planted))  # the search knows what it looks for

        told += said(planted, "up", "--pr", "5", "--commit", "c" * 40, "--yes", "--json", "-v")
        for command in ("show", "outputs"):
            told += said(planted, command, "--pr", "5", "--json")
        told += said(planted, "plan", "--pr", "5", "-v")

        # A provider repeats what it was given when it does not like it.
        planted.environ["TF_VAR_kind"] = "broken"
        refused = said(planted, "up", "--pr", "5", "--yes", "-v", expected=4)
        assert "(sensitive value)" in refused
        assert leaks(planted) == []

        del planted.environ["TF_VAR_kind"]
        told += refused + said(planted, "destroy", "--pr", "5", "--yes", "-v")
        assert leaks(planted) == []
    assert CANARY not in told
    assert seen == set()


def state(world: World) -> object:
    return json.loads(boto3.client("s3").get_object(Bucket=BUCKET, Key=f"{KEYS}terraform.tfstate")["Body"].read())
