"""New data, on the real parts: asked for, and by no push; killed in the middle, and completed."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Any

import boto3
import inventory
from conftest import CHECKOUT, World
from killing import kill_at
from test_environments import COMMIT, PUSHED, page, unchanged

from orchestrator.sandbox.seed import Snapshot

DATABASE = {"aws_rds_cluster", "aws_rds_cluster_instance"}
# What names the database, changed in place.
SITE = {"aws_launch_template", "aws_autoscaling_group"}
# In the account: the secret and the backups that come and go with a cluster, the instances that show its new
# address, and what envctl wrote down. Everything else is the same, by its id.
CHANGED = {
    "ec2:Instances",
    "ec2:NetworkInterfaces",
    "ec2:Volumes",
    "rds:DBClusterSnapshots",
    "s3:Objects",
    "secretsmanager:SecretList",
    "tagging:Resources",
}
RESTORING = "creating module.database.aws_rds_cluster.this[0]"


def databases(resources: list[dict[str, Any]]) -> list[str]:
    return [r["address"] for r in resources if r["type"].startswith(("aws_rds", "aws_db"))]


def cluster(name: str) -> dict[str, Any]:
    (found,) = boto3.client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return dict(found)


def replacing_root(world: World) -> str:
    """A root of a team's own whose cluster has a setting that it can only be born with."""
    root = world.directory / "own"
    shutil.copytree(CHECKOUT / "terraform", root)
    cluster = root / "modules" / "database" / "cluster.tf"
    text = cluster.read_text()
    assert "storage_encrypted           = true" in text
    assert ", storage_encrypted" in text
    text = text.replace("storage_encrypted           = true", "storage_encrypted = false")
    cluster.write_text(text.replace(", storage_encrypted", ""))
    return str(root / "env")


def test_a_refresh_that_is_killed_is_completed(world: World) -> None:
    before = world.account()
    up = world.run("up", "--pr", "11", "--commit", COMMIT, "--yes")
    old, complete = cluster("shop-pr-11"), world.account()
    assert up["environment"]["data_at"]

    assert unchanged(world.run("refresh-data", "--pr", "11", "--yes"))  # there is nothing newer
    assert world.account() == complete
    world.run("sandbox", "seed")
    complete = world.account()
    # A push leaves the data alone, and so does a change that would need another database.
    pushed = world.run("plan", "--pr", "11", "--commit", PUSHED)
    assert pushed["resources"]
    assert databases(pushed["resources"]) == []
    refused = world.run("up", "--pr", "11", "--yes", expected=7, **{"ENVCTL_TERRAFORM__ROOT": replacing_root(world)})
    assert refused["error"]["address"] == "module.database.aws_rds_cluster.this[0]"
    elsewhere = {"ENVCTL_NETWORK__CIDR": "10.77.0.0/16"}
    refused = world.run("up", "--pr", "11", "--yes", expected=7, **elsewhere)
    assert refused["error"]["address"] == "module.network.aws_vpc.this"
    refused = world.run("refresh-data", "--pr", "11", "--yes", expected=7, **elsewhere)
    assert "alone" in refused["error"]["message"]
    touched = inventory.difference(complete, world.account())
    assert all(".tflock" in item for items in touched.came.values() for item in items), touched

    kill_at(world.start("refresh-data", "--pr", "11", "--yes", "--verbose"), RESTORING)
    half = world.run("show", "--pr", "11")
    assert half["environment"]["status"] == "updating"
    world.run("sandbox", "seed")  # newer still: not what was begun
    done = world.run("refresh-data", "--pr", "11", "--yes")

    assert done["environment"]["status"] == "ready"
    assert done["environment"]["data_at"] > up["environment"]["data_at"]
    assert done["snapshot"]["id"] == half["snapshot"]["id"] != up["snapshot"]["id"]
    new = cluster("shop-pr-11")
    assert new["DbClusterResourceId"] != old["DbClusterResourceId"]
    assert new["IAMDatabaseAuthenticationEnabled"]
    assert done["outputs"]["database_endpoint"] == new["Endpoint"]
    assert new["Endpoint"] in page(done["environment"]["url"])
    assert unchanged(world.run("up", "--pr", "11", "--commit", COMMIT, "--yes"))
    assert {r["type"] for r in done["resources"]} == DATABASE | SITE
    changed = inventory.difference(complete, world.account())
    assert changed.came.keys() | changed.went.keys() == CHANGED

    world.run("destroy", "--pr", "11", "--yes")
    left = inventory.difference(before, world.account())
    assert [item for items in left.came.values() for item in items if "shop-pr-11" in str(item)] == []


def test_an_rds_instance_and_its_replica_get_new_data(world: World) -> None:
    world.environ["ENVCTL_DATABASE__SOURCE"] = "legacy-prod"
    before = world.account()
    up = world.run("up", "--pr", "12", "--commit", COMMIT, "--yes")
    created = datetime.now(UTC).replace(microsecond=0)
    newer = Snapshot("legacy-prod", "legacy-prod-by-hand", created)
    boto3.client("rds").create_db_snapshot(
        DBInstanceIdentifier="legacy-prod", DBSnapshotIdentifier=newer.identifier, Tags=newer.tags
    )
    assert databases(world.run("plan", "--pr", "12", "--commit", PUSHED)["resources"]) == []

    done = world.run("refresh-data", "--pr", "12", "--yes")
    assert (done["snapshot"]["id"], done["environment"]["status"]) == ("legacy-prod-by-hand", "ready")
    assert done["environment"]["data_at"] > up["environment"]["data_at"]
    replaced = {r["address"]: r["action"] for r in done["resources"] if r["type"] == "aws_db_instance"}
    assert replaced == dict.fromkeys(replaced, "replace")
    assert len(replaced) == 2
    assert unchanged(world.run("up", "--pr", "12", "--commit", COMMIT, "--yes"))

    world.run("destroy", "--pr", "12", "--yes")
    boto3.client("rds").delete_db_snapshot(DBSnapshotIdentifier=newer.identifier)
    left = inventory.difference(before, world.account())
    assert not left, f"not as before:\n{left}"
