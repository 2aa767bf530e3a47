"""Every Terraform module by itself: formatted, valid, and its own `terraform test` with a mocked provider."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from providers import cli_config

from orchestrator import toolchain

CHECKOUT = Path(__file__).parents[2]
MODULES = sorted(p.parent for p in CHECKOUT.glob("terraform/**/versions.tf") if ".terraform" not in p.parts)
NAMES = [str(module.relative_to(CHECKOUT / "terraform")) for module in MODULES]


@pytest.fixture
def terraform(tmp_path: Path, request: pytest.FixtureRequest) -> Terraform:
    return Terraform(request.param, tmp_path)


class Terraform:
    """The real binary in one module's directory, its working data elsewhere."""

    def __init__(self, module: Path, directory: Path) -> None:
        self.module = module
        self.command = toolchain.find(os.environ).command
        self.environ = {
            **os.environ,
            **cli_config(directory, module),
            "TF_DATA_DIR": str(directory / "data"),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments], cwd=self.module, env=self.environ, capture_output=True, text=True, check=False
        )


def test_all_modules_are_found() -> None:
    modules = ("bastion", "database", "network", "snapshot_publisher", "web")
    assert {"env", "production", *(f"modules/{name}" for name in modules)} <= set(NAMES)


def test_everything_is_formatted() -> None:
    found = subprocess.run(
        [*toolchain.find(os.environ).command, "fmt", "-check", "-recursive", "-diff", "terraform", "tests/bench/root"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("terraform", MODULES, ids=NAMES, indirect=True)
def test_module(terraform: Terraform) -> None:
    lock = terraform.module / ".terraform.lock.hcl"
    committed = lock.exists()
    try:
        readonly = ["-lockfile=readonly"] if committed else []
        for arguments in (["init", "-backend=false", "-input=false", *readonly], ["validate"], ["test"]):
            found = terraform(*arguments, "-no-color")
            assert found.returncode == 0, f"terraform {arguments[0]}:\n{found.stdout}{found.stderr}"
        passed = found.stdout.strip().splitlines()[-1]
        assert passed.startswith("Success!"), passed
        assert " 0 passed" not in passed, passed
    finally:
        if not committed:  # only the root pins its providers; a module leaves that to its caller
            lock.unlink(missing_ok=True)
