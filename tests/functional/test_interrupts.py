"""Ctrl-C and its like, sent as a terminal does: to the whole process group, as often as an impatient person."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from world import CLUSTER, PREFIX, VPC, Account, Envctl, FakeTerraform, ended, wait_until

from orchestrator.cli.run import run


@dataclass
class Running:
    """An envctl under way, and what it has told so far."""

    process: subprocess.Popen[str]
    told: Path

    def send(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.told.read_text(), repr(words))

    def end(self) -> int:
        return ended(self.process).code


Start = Callable[..., Running]


@pytest.fixture
def started(envctl: Envctl, tmp_path: Path) -> Start:
    def start(*arguments: str) -> Running:
        told = tmp_path / "stderr"
        with told.open("w") as stream:
            return Running(envctl.spawn(*arguments, stderr=stream), told)

    return start


@pytest.fixture
def interrupted_up(started: Start, terraform: FakeTerraform) -> Running:
    """An `up` that was interrupted once, in the middle of its apply; Terraform is saving its state."""
    terraform.set(gate=CLUSTER)
    running = started("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    running.send(signal.SIGINT)
    terraform.wait_for("saving")
    return running


def test_one_interrupt_reaches_terraform_and_the_state_is_saved(
    interrupted_up: Running, terraform: FakeTerraform, account: Account
) -> None:
    interrupted_up.wait_for("Terraform was told to, and saves its state first")
    terraform.let("save")
    assert interrupted_up.end() == 130
    assert terraform.the("apply").end["interrupts"] == 1
    assert list(account.state()["resources"]) == [VPC]
    assert f"{PREFIX}pr-42/terraform.tfstate.tflock" not in account.objects()


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_is_swallowed_while_the_state_is_saved(
    interrupted_up: Running, terraform: FakeTerraform, account: Account, second: signal.Signals
) -> None:
    interrupted_up.send(second)
    interrupted_up.wait_for("still saving its state; stopping it now would lose track of what exists")
    terraform.let("save")
    assert interrupted_up.end() == 130
    assert terraform.the("apply").end["interrupts"] == 1
    assert list(account.state()["resources"]) == [VPC]


def test_sigterm_is_an_interrupt_as_well(started: Start, terraform: FakeTerraform, account: Account) -> None:
    terraform.set(gate=CLUSTER)
    terraform.let("save")
    running = started("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    running.send(signal.SIGTERM)
    assert running.end() == 130
    assert terraform.the("apply").end["interrupts"] == 1
    assert list(account.state()["resources"]) == [VPC]


def test_the_manifest_says_that_it_was_interrupted(
    interrupted_up: Running, terraform: FakeTerraform, account: Account
) -> None:
    terraform.let("save")
    interrupted_up.end()
    record = account.manifest()
    assert record.operation
    assert record.operation.ended_at
    assert (record.status, (record.operation.outcome or "").split()[0]) == ("failed", "Interrupted")


def test_what_was_interrupted_can_be_carried_on(
    interrupted_up: Running, envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    terraform.let("save")
    interrupted_up.end()
    terraform.set(gate=None)
    assert envctl("up", "--pr", "42", "--yes").code == 0
    assert len(account.state()["resources"]) == 3


@pytest.mark.parametrize("deaf", [False, True], ids=["that ends", "that goes on"])
def test_an_interrupt_during_an_init_goes_no_further(
    started: Start, terraform: FakeTerraform, account: Account, deaf: bool
) -> None:
    terraform.set(gate="init", deaf=deaf)
    running = started("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    running.send(signal.SIGINT)
    running.wait_for("Stopping")
    terraform.let("go")
    assert running.end() == 130
    assert ("apply" in terraform.commands, account.versions()) == (False, [])


def test_an_interrupt_during_a_plan_applies_nothing(
    envctl: Envctl, started: Start, terraform: FakeTerraform, account: Account, saved_plan: Path
) -> None:
    envctl("up", "--pr", "42", "--yes")
    record = account.manifest()
    terraform.forget()
    terraform.change(VPC)
    terraform.set(gate="plan", deaf=True)
    running = started("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    running.send(signal.SIGINT)
    running.wait_for("Stopping")
    terraform.let("go")
    assert running.end() == 130
    assert (terraform.commands, account.manifest()) == (["plan"], record)
    assert not saved_plan.exists()


def test_an_apply_that_ends_well_all_the_same_is_recorded(
    started: Start, terraform: FakeTerraform, account: Account
) -> None:
    last = "module.web.aws_lb.this"
    terraform.set(gate=last, deaf=True, outputs={"url": {"value": "http://127.0.0.1:9/"}})
    running = started("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    running.send(signal.SIGINT)
    running.wait_for("Stopping")
    terraform.let("go")
    assert running.end() == 130
    assert (account.manifest().status, account.manifest().url) == ("unhealthy", "http://127.0.0.1:9/")
    assert len(account.state()["resources"]) == 3


def test_an_interrupt_while_waiting_for_health_leaves_a_true_record(
    started: Start, terraform: FakeTerraform, account: Account
) -> None:
    terraform.set(outputs={"url": {"value": "http://127.0.0.1:9/"}})
    running = started("up", "--pr", "42", "--yes")
    running.wait_for("Waiting: the URL gives no answer")
    running.send(signal.SIGINT)
    assert running.end() == 130
    assert "Traceback" not in running.told.read_text()
    assert (account.manifest().status, account.manifest().url) == ("unhealthy", "http://127.0.0.1:9/")


def test_an_interrupted_destroy_can_be_done_again(
    envctl: Envctl, started: Start, terraform: FakeTerraform, account: Account
) -> None:
    envctl("up", "--pr", "42", "--yes")
    terraform.set(gate=CLUSTER)
    terraform.let("save")
    running = started("destroy", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    running.send(signal.SIGINT)
    assert running.end() == 130
    assert list(account.state()["resources"]) == [VPC, CLUSTER]
    assert terraform.commands.count("destroy") == 1
    terraform.set(gate=None)
    assert envctl("destroy", "--pr", "42", "--yes").code == 0
    assert account.versions() == []


def test_a_reader_that_goes_away_does_not_cost_the_state(
    envctl: Envctl, terraform: FakeTerraform, account: Account
) -> None:
    """As in `envctl up --yes 2>&1 | head -1`."""
    terraform.set(gate=CLUSTER)
    terraform.fail("apply", "module.web.aws_lb.this")  # of which stderr would tell
    reader, writer = os.pipe()
    process = envctl.spawn("up", "--pr", "42", "--yes", "-v", stdout=writer, stderr=writer)
    os.close(writer)
    terraform.wait_for("reached")
    os.close(reader)
    terraform.let("go")
    terraform.let("save")
    ended(process)
    assert terraform.the("apply").end
    assert VPC in account.state()["resources"]
    assert f"{PREFIX}pr-42/terraform.tfstate.tflock" not in account.objects()


def test_an_interrupt_where_terraform_does_not_run_is_told(envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.lifecycle.records.list_all", interrupted)
    result = envctl("list", "--json")
    assert (result.code, result.json["error"]["code"], "Interrupted." in result.err) == (130, "interrupted", True)


def test_a_second_interrupt_does_not_end_the_sentence_about_the_first(
    envctl: Envctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.lifecycle.records.list_all", interrupted)
    monkeypatch.setattr("orchestrator.cli.run.tell", lambda *_: happened.append("told") or 130)
    assert run(["list"], lambda: happened.append("deaf")) == 130
    assert happened == ["deaf", "told"]
