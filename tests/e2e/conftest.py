"""The real command line, the real Terraform and provider, and a local AWS of one's own for each test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import inventory
import pytest
from providers import cli_config

from orchestrator.sandbox import control

CHECKOUT = Path(__file__).parents[2]
TIMEOUT_S = 900


@dataclass(frozen=True)
class World:
    """A directory with a configuration, an emulated account, and the means to compare it with its past."""

    directory: Path
    environ: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start envctl; several may run at a time."""
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *arguments],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self, process: subprocess.Popen[str], expected: int = 0) -> dict[str, Any]:
        """Wait for a `--json` command, hold its exit code against `expected`, return its object."""
        out, err = process.communicate(timeout=TIMEOUT_S)
        if process.returncode != expected:
            log = (self.directory / ".envctl" / "sandbox.log").read_text()
            pytest.fail(f"exit {process.returncode}\n{err}\n{out}\nthe local AWS:\n{log}")
        body: dict[str, Any] = json.loads(out)
        return body

    def run(self, *arguments: str, expected: int = 0, **environ: str) -> dict[str, Any]:
        """Run a command, with `environ` for this time only; return its object."""
        once = World(self.directory, self.environ | environ)
        return self.result(once.start(*arguments, "--json"), expected)

    def account(self) -> inventory.Inventory:
        """Everything that the account holds, the state bucket's versions included."""
        return inventory.inventory()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    sandbox = control.start(tmp_path / ".envctl")
    try:
        environ = {k: v for k, v in os.environ.items() if k not in control.unwanted()}
        environ |= control.environment(sandbox) | cli_config(tmp_path, CHECKOUT)
        for name, value in control.environment(sandbox).items():
            monkeypatch.setenv(name, value)  # for the test's own look at the account
        environ |= {"PYTHONPATH": str(CHECKOUT), "ENVCTL_TERRAFORM__ROOT": str(CHECKOUT / "terraform" / "env")}
        yield World(tmp_path, environ)
    finally:
        control.stop(tmp_path / ".envctl")
