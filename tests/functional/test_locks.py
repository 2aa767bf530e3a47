"""The lock of an environment: who takes it, who is told of it, and when it is known that its owner is dead."""

from __future__ import annotations

import itertools
import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chaos.proxy import Proxy
from chaos.rules import Rule, Rules
from github_server import GitHubServer
from test_recovery import LOCK, killed_while_applying, up
from world import CLUSTER, PREFIX, Account, Clock, Envctl, FakeTerraform, Result, context_with, ended, wait_until

from orchestrator import locks
from orchestrator import manifest as manifests
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Event
from orchestrator.lifecycle.context import Context, Stopwatch
from orchestrator.lifecycle.destroy import destroy
from orchestrator.lifecycle.holding import holding
from orchestrator.locks import SILENT, Lock


def test_the_lock_of_a_killed_run_of_this_checkout_is_removed(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    killed_while_applying(envctl, terraform)
    assert LOCK in account.objects()
    result = up(envctl)
    assert (result.code, account.manifest().status) == (0, "ready")
    assert "lock of a dead run is removed" in result.err
    assert LOCK not in account.objects()


def test_a_provider_that_outlives_its_terraform_keeps_nobody_away(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    terraform.set(provider=True)
    killed_while_applying(envctl, terraform)
    terraform.set(provider=False)
    provider = int((terraform.directory / "provider").read_text())
    try:
        result = up(envctl)
        assert (result.code, account.manifest().status) == (0, "ready"), result.err
    finally:
        os.kill(provider, signal.SIGKILL)


def test_another_checkout_does_not_know_that_it_is_dead(
    envctl: Envctl, account: Account, terraform: FakeTerraform, tmp_path: Path
) -> None:
    killed_while_applying(envctl, terraform)
    other = ended(envctl.elsewhere(tmp_path / "other").spawn("up", "--pr", "42", "--yes"))
    assert (other.code, LOCK in account.objects()) == (5, True)
    assert "envctl unlock" in other.err


def test_a_terraform_that_outlives_us_keeps_the_next_run_away(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.set(gate=CLUSTER)
    process = envctl.spawn("up", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    process.kill()
    process.communicate()
    refused = up(envctl)
    assert refused.code == 5
    assert "at work on pr-42 in this checkout" in refused.err
    terraform.let("go")


def test_a_destroy_whose_lock_somebody_broke_forgets_nothing(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    """Another run may have made the environment anew meanwhile: its state and its record are not ours to delete."""
    assert up(envctl).code == 0
    terraform.set(gate=CLUSTER)
    process = envctl.spawn("destroy", "--pr", "42", "--yes")
    terraform.wait_for("reached")
    account.lock(who="runner@ci-7")
    terraform.let("go")
    result = ended(process)
    assert (result.code, "was taken from this run" in result.err) == (5, True)
    assert {LOCK, f"{PREFIX}pr-42/manifest.json", f"{PREFIX}pr-42/terraform.tfstate"} <= {*account.objects()}


def test_a_lock_is_never_left_behind_by_a_run_that_was_refused(
    envctl: Envctl, account: Account, untouched: None
) -> None:
    assert up(envctl, "--snapshot", "nonesuch").code == 7
    assert LOCK not in account.objects()


def test_a_note_of_a_dead_run_says_nothing_of_another_lock(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    killed_while_applying(envctl, terraform)
    account.lock(who="runner@ci-7")  # somebody has unlocked it, and another run has begun
    result = up(envctl)
    assert (result.code, "runner@ci-7" in result.err, LOCK in account.objects()) == (5, True, True)


RUN = Lock(
    "9f", "runner@ci", "envctl up", "2026-11-22T09:00:00+00:00", info="GitHub Actions run 77, attempt 2, of acme/shop"
)


def held(account: Account, lock: Lock = RUN) -> None:
    account.put(LOCK, locks.render(lock, "somewhere"))


@pytest.mark.parametrize(
    ("over", "lock", "taken"),
    [
        (True, RUN, True),
        (False, RUN, False),
        (None, RUN, False),  # GitHub does not know such a run
        (True, replace(RUN, created="2999-01-01T00:00:00+00:00"), False),  # it was alive a moment ago
        (True, replace(RUN, info=RUN.info.replace("acme/shop", "acme/other")), False),
        (True, replace(RUN, info=""), False),
    ],
)
def test_a_run_of_actions_is_dead_when_github_says_so_and_it_is_silent(
    context: Context, account: Account, over: bool | None, lock: Lock, taken: bool
) -> None:
    held(account, lock)
    asked: list[tuple[int, int]] = []
    context = replace(context, run_is_over=lambda run, attempt: asked.append((run, attempt)) or over)
    if taken:
        assert destroy(context).ok
        assert (asked, account.versions()) == ([(77, 2)], [])
    else:
        with pytest.raises(EnvctlError) as caught:
            destroy(context)
        assert caught.value.code is ExitCode.LOCKED
        assert LOCK in account.objects()


def test_an_owner_that_cannot_be_asked_after_is_not_dead(context: Context, account: Account) -> None:
    def unreachable(run: int, attempt: int) -> bool:
        raise EnvctlError(ExitCode.TERRAFORM, "GitHub cannot be reached.")

    held(account)
    with pytest.raises(EnvctlError) as caught:
        destroy(replace(context, run_is_over=unreachable))
    assert caught.value.code is ExitCode.LOCKED


@pytest.mark.parametrize("id", [RUN.id, "of the run whose lock this one took over"])
def test_a_recent_sign_of_life_counts_more_than_the_age_of_the_lock(
    context: Context, account: Account, id: str
) -> None:
    under_way(account, id, beat_at=datetime.now(UTC))
    held(account)
    before = account.versions()
    with pytest.raises(EnvctlError, match="locked by another run"):
        destroy(replace(context, run_is_over=lambda run, attempt: True))
    assert account.versions() == before


@pytest.mark.parametrize("id", [RUN.id, "of the run whose lock this one took over"])
def test_where_both_have_been_silent_the_lock_is_taken(context: Context, account: Account, id: str) -> None:
    under_way(account, id, beat_at=datetime.now(UTC) - SILENT - timedelta(seconds=1))
    held(account)
    assert destroy(replace(context, run_is_over=lambda run, attempt: True)).ok
    assert account.versions() == []


def test_what_another_run_has_ended_is_no_sign_of_life(context: Context, account: Account) -> None:
    now = datetime.now(UTC)
    under_way(account, "of a run that ended", beat_at=now, ended_at=now)
    held(account)
    assert destroy(replace(context, run_is_over=lambda run, attempt: True)).ok


def under_way(account: Account, id: str, **changes: datetime) -> None:
    """Put the record of an operation that began two hours ago."""
    operation = account.record().operation
    assert operation
    began = datetime.now(UTC) - timedelta(hours=2)
    account.record(operation=replace(operation, id=id, started_at=began, **changes))


# --- A job that GitHub cancels ------------------------------------------------------------------------


def runner(monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    here = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": str(run), "GITHUB_RUN_ATTEMPT": "1"}
    for name, value in {**here, "GITHUB_REPOSITORY": "acme/shop"}.items():
        monkeypatch.setenv(name, value)


def test_a_job_that_was_cancelled_before_it_could_save_is_carried_on_by_the_next(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with GitHubServer() as github:
        for name, value in github.environ.items():
            monkeypatch.setenv(name, value)
        runner(monkeypatch, 77)
        github.run("in_progress", run=77)
        terraform.set(gate=CLUSTER)
        process = envctl.spawn("up", "--pr", "42", "--yes")
        terraform.wait_for("reached")
        process.send_signal(signal.SIGINT)
        terraform.wait_for("saving")
        process.send_signal(signal.SIGTERM)
        for victim in (process.pid, terraform.pid):
            os.kill(victim, signal.SIGKILL)
        process.communicate()
        terraform.set(gate=None)
        silent_for(account, timedelta(minutes=10))
        # The machine is gone, and with it all that lay in its checkout.
        runner(monkeypatch, 78)
        other = envctl.elsewhere(tmp_path / "other")
        refused = ended(other.spawn("up", "--pr", "42", "--yes"))
        assert (refused.code, "GitHub Actions run 77" in refused.err) == (5, True)
        github.run("completed", run=77)
        result = ended(other.spawn("up", "--pr", "42", "--yes"))
    assert (result.code, account.manifest().status, LOCK in account.objects()) == (0, "ready", False), result.err
    assert len(account.state()["resources"]) == 3


def silent_for(account: Account, time: timedelta) -> None:
    """Let the operation under way have begun, and given its last sign of life, that long ago."""
    operation = account.manifest().operation
    assert operation
    account.put(
        f"{PREFIX}pr-42/manifest.json",
        manifests.render(
            replace(account.manifest(), operation=replace(operation, started_at=datetime.now(UTC) - time, beat_at=None))
        ),
    )


# --- Answers of S3 that are not what they seem -------------------------------------------------------


def up_with(envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch, *rules: Rule) -> Result:
    with Proxy(account.endpoint, Rules(rules)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        result = up(envctl)
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint)
    return result


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pause of botocore's is over at once: whenever it looks at the clock, minutes have passed."""
    clock = itertools.count(step=300)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setattr("botocore.retries.bucket.Clock.current_time", lambda self: next(clock))


@pytest.mark.usefixtures("no_time_passes")
def test_a_record_that_s3_is_too_busy_to_hand_out_is_waited_for(
    envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Rule("refuse", action="GetObject", path="*/manifest.json", agent="Boto3*", times=8, error="throttled")
    rules = Rules((busy,))
    with Proxy(account.endpoint, rules) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        result = up(envctl)
    assert result.code == 0, result.err
    assert rules.hits == {busy.label: 8}


@pytest.mark.parametrize(
    "rule",
    [
        Rule("refuse-after", action="PutObject", path=f"*/{LOCK}", error="internal"),
        Rule("reset-after", action="PutObject", path=f"*/{LOCK}"),
        Rule("refuse", action="PutObject", path=f"*/{LOCK}", times=2, error="conflict"),
    ],
    ids=["stored, but answered 500", "stored, but the answer was lost", "409"],
)
def test_a_lock_is_ones_own_whatever_s3_answered(
    envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch, rule: Rule
) -> None:
    result = up_with(envctl, account, monkeypatch, rule)
    assert (result.code, account.manifest().status, LOCK in account.objects()) == (0, "ready", False), result.err


def test_an_apply_whose_lock_could_not_be_given_back_is_a_success_and_the_next_run_removes_it(
    envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Rule("refuse", action="DeleteObject", path=f"*/{LOCK}", times=0, error="denied")
    result = up_with(envctl, account, monkeypatch, refused)
    assert (result.code, account.manifest().status, LOCK in account.objects()) == (0, "ready", True)
    assert "The lock could not be given back" in result.err
    assert (up(envctl).code, LOCK in account.objects()) == (0, False)


def test_a_destroy_that_gives_signs_of_life_forgets_all_the_same(
    envctl: Envctl, context: Context, account: Account, terraform: FakeTerraform
) -> None:
    assert up(envctl).code == 0
    seen: list[bool] = []

    def emit(event: Event) -> None:
        operation = account.manifest().operation if f"{PREFIX}pr-42/manifest.json" in account.objects() else None
        seen.append(bool(operation and operation.beat_at))

    outcome = destroy(replace(context, lock_info=RUN.info, beat_s=0.2, watch=Stopwatch(time.monotonic, emit)))
    assert (outcome.error, account.versions()) == (None, [])
    assert any(seen)


@pytest.mark.parametrize("outcome", [None, "applied; its health is not known yet"])
def test_who_holds_a_lock_on_a_runner_gives_signs_of_life(
    context: Context, account: Account, outcome: str | None
) -> None:
    context = replace(context, lock_info=RUN.info, beat_s=0.01)
    with holding(context, "up") as hold:
        operation = account.record().operation
        assert operation
        ended_at = datetime.now(UTC) if outcome else None
        account.record(operation=replace(operation, id=hold.id, ended_at=ended_at, outcome=outcome))
        hold.take()
        wait_until(lambda: bool((found := account.manifest().operation) and found.beat_at), "a sign of life")


def test_the_last_sign_of_life_is_given_before_the_lock_is(
    context: Context, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(account.endpoint, Rules((Rule("delay", action="PutObject", path="*/manifest.json", seconds=1),))) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
        slow = replace(context_with(Clock()), lock_info=RUN.info, beat_s=0.01)
        with holding(slow, "up") as hold:
            operation = account.record().operation
            assert operation
            account.record(operation=replace(operation, id=hold.id))
            hold.take()
            wait_until(lambda: any(s3.rules.hits.values()), "a sign of life that is being given")
        left = account.versions()
        time.sleep(1.5)
    assert account.versions() == left
