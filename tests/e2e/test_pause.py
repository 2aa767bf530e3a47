"""Nights off, on the real parts: paused, killed on the way, resumed, and destroyed out of a pause."""

from __future__ import annotations

from typing import Any

import boto3
import inventory
from conftest import World
from killing import kill_at
from test_environments import COMMIT, page, unchanged

NAME = "shop-pr-12"


def running(outputs: dict[str, Any]) -> dict[str, Any]:
    """What of the environment bills by the hour."""
    ec2, rds = boto3.client("ec2"), boto3.client("rds")
    (group,) = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])[
        "AutoScalingGroups"
    ]
    gateways = ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}])["NatGateways"]
    (bastion,) = ec2.describe_instances(InstanceIds=[outputs["bastion_instance_id"]])["Reservations"]
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=NAME)["DBClusters"]
    return {
        "instances": len(group["Instances"]),
        "gateways": len([gateway for gateway in gateways if gateway["State"] != "deleted"]),
        "addresses": len(
            ec2.describe_addresses(Filters=[{"Name": "tag:envctl:environment", "Values": [NAME]}])["Addresses"]
        ),
        "bastion": bastion["Instances"][0]["State"]["Name"],
        "cluster": cluster["Status"],
    }


AWAKE = {"instances": 2, "gateways": 1, "addresses": 1, "bastion": "running", "cluster": "available"}
ASLEEP = {"instances": 0, "gateways": 0, "addresses": 0, "bastion": "stopped", "cluster": "stopped"}


def test_an_environment_sleeps_and_wakes(world: World) -> None:
    world.environ["ENVCTL_NETWORK__NAT_WHEN_PAUSED"] = "none"
    before = world.account()
    up = world.run("up", "--pr", "12", "--commit", COMMIT, "--yes")
    assert running(up["outputs"]) == AWAKE

    kill_at(world.start("pause", "--pr", "12", "--verbose"), "delete: module.network.aws_nat_gateway")
    paused = world.run("pause", "--pr", "12")
    assert (paused["environment"]["status"], running(up["outputs"])) == ("paused", ASLEEP)
    assert unchanged(world.run("pause", "--pr", "12"))
    plan = world.run("plan", "--pr", "12")
    assert {(r["type"], r["action"]) for r in plan["resources"]} == {
        ("aws_autoscaling_group", "update"),
        ("aws_eip", "create"),
        ("aws_nat_gateway", "create"),
        ("aws_route", "create"),
    }

    resumed = world.run("resume", "--pr", "12")
    assert (resumed["environment"]["status"], running(resumed["outputs"])) == ("ready", AWAKE)
    assert resumed["outputs"] == up["outputs"]
    assert COMMIT in page(resumed["environment"]["url"])
    assert unchanged(world.run("up", "--pr", "12", "--commit", COMMIT, "--yes"))

    world.run("pause", "--pr", "12")
    world.run("destroy", "--pr", "12", "--yes")
    left = inventory.difference(before, world.account())
    assert not left, f"not as before:\n{left}"
