"""`make demo`: the life of one environment on a local AWS, from nothing to nothing.

Runs the very commands that a person would type, and holds each against its promise. Exits with 1 and says
which promise was broken, or with 0 after the proof that the account is as it was before.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import inventory

from orchestrator.sandbox import control

CHECKOUT = Path(__file__).resolve().parents[1]
DIRECTORY = CHECKOUT / ".envctl" / "demo"
ENVCTL = [sys.executable, "-m", "orchestrator"]


class Broken(Exception):
    """A step was not as promised."""


class Demo:
    """Runs and shows the commands, in a directory and an account of their own."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.bold = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("", "")

    def title(self, text: str) -> None:
        print(f"\n{self.bold[0]}{text}{self.bold[1]}", flush=True)

    def command(self, *arguments: str) -> None:
        """Run a command as a person would, its output on the screen."""
        print(f"$ envctl {shlex.join(arguments)}", flush=True)
        code = subprocess.run([*ENVCTL, *arguments], cwd=DIRECTORY, env=self.environ, check=False).returncode
        if code != 0:
            raise Broken(f"envctl {arguments[0]} ended with exit code {code}")

    def asked(self, *arguments: str) -> dict[str, Any]:
        """Run a command for its JSON, off the screen."""
        done = subprocess.run(
            [*ENVCTL, *arguments, "--json", "-q"], cwd=DIRECTORY, env=self.environ, capture_output=True, check=False
        )
        body: dict[str, Any] = json.loads(done.stdout)
        if done.returncode != 0:
            raise Broken(f"envctl {arguments[0]}: {body['error']['message']}")
        return body


def promise(kept: bool, text: str) -> None:
    """Say that a promise was kept; raise Broken when it was not."""
    if not kept:
        raise Broken(f"not so: {text}")
    print(f"✓ {text}", flush=True)


def story(demo: Demo) -> None:
    """The life of an environment."""
    before = inventory.inventory()
    things = sum(len(ids) for ids in before.values())
    promise(True, f"noted the account before: {things} things of {len(before)} types, production's among them")

    demo.title("A pull request is opened: its environment comes up")
    demo.command("up", "--pr", "42", "--yes")

    demo.title("What a developer sees")
    body = demo.asked("show", "--pr", "42")
    environment, snapshot = body["environment"], body["snapshot"]
    promise(environment["status"] == "ready", f"{environment['name']} is ready at {environment['url']}")
    with urllib.request.urlopen(environment["url"], timeout=10) as response:
        page = response.read().decode()
        promise(response.status == 200, "the URL answers 200; the page says:")
    for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page):
        print(f"    {name}: {value}")
    promise(body["outputs"]["database_endpoint"] in page, "the page names this environment's own database")
    promise(snapshot["age_s"] < 86400, f"its data is {snapshot['age_s'] // 3600} h old: {snapshot['id']}")
    demo.command("show", "--pr", "42")
    demo.command("list")

    demo.title("Nothing new was pushed: a second up changes nothing")
    demo.command("up", "--pr", "42", "--yes")
    promise(not any(demo.asked("plan", "--pr", "42")["changes"].values()), "the plan is empty")

    demo.title("The pull request is closed: nothing is left")
    demo.command("destroy", "--pr", "42", "--yes")
    after = inventory.inventory()
    difference = inventory.difference(before, after)
    if difference:
        print(difference)
    promise(not difference, f"the account is as before: the same {things} things of {len(before)} types")


def main() -> int:
    """Run the story in a sandbox of its own; return the exit code."""
    began = time.monotonic()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    print("envctl demo: everything happens on this machine, in a local AWS\n", flush=True)
    sandbox = control.start(DIRECTORY / ".envctl", echo=lambda text: print(text, flush=True))
    try:
        environ = {k: v for k, v in os.environ.items() if k not in control.unwanted() and not k.startswith("ENVCTL_")}
        for name in set(os.environ) - set(environ):
            del os.environ[name]
        os.environ |= control.environment(sandbox)
        environ |= control.environment(sandbox) | {
            "PYTHONPATH": str(CHECKOUT),
            "ENVCTL_TERRAFORM__ROOT": str(CHECKOUT / "terraform" / "env"),
        }
        boto3.setup_default_session()
        story(Demo(environ))
    except Broken as broken:
        print(f"✗ {broken}", flush=True)
        return 1
    except KeyboardInterrupt:
        print("✗ interrupted", flush=True)
        return 130
    finally:
        control.stop(DIRECTORY / ".envctl")
        shutil.rmtree(DIRECTORY, ignore_errors=True)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"\n✓ done in {minutes} min {seconds} s, and nothing is left running", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
