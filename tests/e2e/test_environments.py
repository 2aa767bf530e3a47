"""The project's main promise, kept by the real parts: up, unchanged, pushed, side by side, gone."""

from __future__ import annotations

import urllib.request
from typing import Any

import inventory
from conftest import World

COMMIT, PUSHED = "a" * 40, "b" * 40


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        assert response.status == 200
        return str(response.read().decode())


def unchanged(body: dict[str, Any]) -> bool:
    return body["ok"] and not any(body["changes"].values())


def test_two_at_a_time_from_one_checkout(world: World) -> None:
    before = world.account()
    started = {n: world.start("up", "--pr", n, "--commit", COMMIT, "--yes", "--json") for n in ("4", "42")}
    four, forty_two = (world.result(started[n]) for n in ("4", "42"))

    for body in (four, forty_two):
        assert body["ok"]
        assert body["environment"]["status"] == "ready"
        assert body["changes"]["add"] > 40
        assert body["snapshot"]["kind"] == "cluster"
        assert {"url", "database_endpoint", "database_secret_arn", "vpc_id"} <= set(body["outputs"])
        served = page(body["environment"]["url"])
        assert COMMIT in served
        assert body["environment"]["name"] in served
        assert body["outputs"]["database_endpoint"] in served
    assert four["outputs"]["vpc_id"] != forty_two["outputs"]["vpc_id"]
    assert [e["pr"] for e in world.run("list")["environments"]] == [4, 42]

    versions = world.account()
    again = world.run("up", "--pr", "4", "--commit", COMMIT, "--yes")
    assert unchanged(again), again["changes"]
    # Nothing was written: the state's and the manifest's versions are the same; only the lock came and went.
    came = inventory.difference(versions, world.account()).came
    assert all(".tflock" in item for items in came.values() for item in items), came

    pushed = world.run("up", "--pr", "42", "--commit", PUSHED, "--yes")
    assert pushed["changes"]["replace"] == pushed["changes"]["destroy"] == 0
    assert not [r for r in pushed["resources"] if r["type"].startswith(("aws_rds", "aws_db"))]
    assert PUSHED in page(pushed["environment"]["url"])
    assert pushed["snapshot"]["arn"] == forty_two["snapshot"]["arn"]

    gone = world.run("destroy", "--pr", "4", "--yes")
    assert gone["environment"]["status"] == "destroyed"
    assert gone["left"] == []
    plan = world.run("plan", "--pr", "42", "--fail-on-changes")
    assert not any(plan["changes"].values()), plan["resources"]

    world.run("destroy", "--pr", "42", "--yes")
    left = inventory.difference(before, world.account())
    assert not left, f"not as before:\n{left}"
    assert not list((world.directory / ".envctl").glob("pr-*"))


def test_an_rds_instance_with_a_replica(world: World) -> None:
    world.environ["ENVCTL_DATABASE__SOURCE"] = "legacy-prod"
    before = world.account()
    up = world.run("up", "--pr", "7", "--commit", COMMIT, "--yes")
    assert up["snapshot"]["kind"] == "instance"
    assert [r["type"] for r in up["resources"]].count("aws_db_instance") == 2
    assert up["outputs"]["database_reader_endpoint"] != up["outputs"]["database_endpoint"]
    assert unchanged(world.run("up", "--pr", "7", "--commit", COMMIT, "--yes"))
    world.run("destroy", "--pr", "7", "--yes")
    left = inventory.difference(before, world.account())
    assert not left, f"not as before:\n{left}"
