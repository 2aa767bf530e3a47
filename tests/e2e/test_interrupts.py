"""Ctrl-C in the middle of the real thing: the state is saved, and the next run knows the way."""

from __future__ import annotations

import signal
import time

import inventory
from conftest import World


def test_interrupted_create_can_be_destroyed(world: World) -> None:
    before = world.account()
    process = world.start("up", "--pr", "9", "--yes", "--json", "--verbose")
    assert process.stderr is not None
    for line in process.stderr:
        if "create: module.network.aws_vpc.this" in line:
            break
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)  # a person who does not wait
    body = world.result(process, expected=130)
    assert body["error"]["code"] == "interrupted"

    shown = world.run("show", "--pr", "9")
    assert shown["environment"]["status"] == "failed"
    assert any(key.startswith("ec2:") for key in inventory.difference(before, world.account()).came)

    gone = world.run("destroy", "--pr", "9", "--yes")
    assert gone["left"] == []
    left = inventory.difference(before, world.account())
    assert not left, f"not as before:\n{left}"
