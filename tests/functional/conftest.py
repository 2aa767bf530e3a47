"""Puts the small world of world.py together. Nothing is patched: envctl is led there by its environment."""

from __future__ import annotations

import functools
import gc
import logging
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader
from moto.server import ThreadedMotoServer
from world import Account, Clock, Envctl, FakeTerraform, checkout_at, context_with

from orchestrator.lifecycle.context import Context
from orchestrator.sandbox import corrections


@pytest.fixture(scope="session", autouse=True)
def _parse_descriptions_once() -> Iterator[None]:
    """boto3 parses megabytes of service descriptions for each session: half the time of these tests."""
    parsed = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda self, path: parsed(path))
        yield


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The endpoint of an emulator in this process."""
    corrections.apply()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not every request into every report
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    gc.freeze()  # moto is a million objects that need not be looked through again and again
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def _one_account(emulator: str) -> Account:
    return Account(emulator)


@pytest.fixture
def account(_one_account: Account) -> Account:
    """An account with three usable snapshots, the newest of which is two hours old."""
    _one_account.reset()
    _one_account.snapshot(timedelta(days=2), "before-migration")
    _one_account.snapshot(timedelta(hours=26))
    _one_account.snapshot(timedelta(hours=2))
    return _one_account


@pytest.fixture
def terraform(tmp_path: Path) -> FakeTerraform:
    return FakeTerraform(tmp_path / "bin")


@pytest.fixture
def envctl(
    account: Account,
    terraform: FakeTerraform,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    checkout: Path,
) -> Iterator[Envctl]:
    """envctl in a fresh checkout, with the emulated account and the fake terraform."""
    directory = checkout_at(tmp_path / "checkout")
    cli_config = tmp_path / "terraformrc"  # where it stands, no registry is asked whether it can be reached
    cli_config.touch()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint)
    monkeypatch.setenv("ENVCTL_TERRAFORM", str(terraform.program))
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config))
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    for name in ("CI", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    made = Envctl(directory, capsys)
    yield made
    made.end()


@pytest.fixture
def saved_plan(envctl: Envctl) -> Path:
    """Where a saved plan of pull request 42 lies while there is one."""
    return envctl.directory / ".envctl" / "pr-42" / "saved.tfplan"


@pytest.fixture
def untouched(account: Account, terraform: FakeTerraform) -> Iterator[None]:
    """The test writes no object, and Terraform, which makes everything else, never applies."""
    before = account.versions()
    yield
    assert account.versions() == before
    assert not {"apply", "destroy"} & set(terraform.commands)


@pytest.fixture
def same_signals() -> Iterator[None]:
    """Give SIGINT and SIGTERM back to whoever had them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def context(envctl: Envctl, same_signals: None) -> Context:
    """What `envctl --pr 42` works with, but nobody waits."""
    return context_with(Clock())
