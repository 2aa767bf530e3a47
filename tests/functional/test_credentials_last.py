"""Credentials that end during an operation are noticed before it begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from world import PREFIX, Account, Envctl, FakeTerraform

from orchestrator import manifest as manifests
from orchestrator.manifest import Operation


def expire_in(monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    end = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())


def test_too_short_for_a_create(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire_in(monkeypatch, 17)
    refused = envctl("up", "--pr", "42", "--yes", "--json")
    assert refused.code == 3
    assert "expire in 1" in refused.json["error"]["message"]
    assert "usually takes 20 min" in refused.json["error"]["message"]
    assert "role-duration-seconds" in refused.json["error"]["hint"]
    assert "MaxSessionDuration" in refused.json["error"]["hint"]
    assert "apply" not in terraform.commands
    assert account.objects() == []


def test_close_is_told_and_goes_on(envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    expire_in(monkeypatch, 39)
    done = envctl("up", "--pr", "42", "--yes")
    assert done.code == 0
    assert "The AWS credentials expire in 3" in done.err


def test_a_change_is_refused_and_what_needs_no_apply_is_not(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    envctl("up", "--pr", "42", "--yes")
    before = account.manifest()
    expire_in(monkeypatch, 4)
    assert envctl("up", "--pr", "42", "--yes").code == 0
    terraform.change(next(iter(account.state()["resources"])))
    terraform.forget()
    assert envctl("up", "--pr", "42", "--yes").code == 3
    assert envctl("destroy", "--pr", "42", "--yes").code == 3
    assert not {"apply", "destroy"} & set(terraform.commands)
    assert account.manifest() == before
    monkeypatch.delenv("AWS_CREDENTIAL_EXPIRATION")
    assert envctl("destroy", "--pr", "42", "--yes").code == 0


@pytest.mark.parametrize(("command", "minutes"), [("pause", 4), ("refresh-data", 19)])
def test_what_else_takes_long_is_refused_too(
    envctl: Envctl,
    account: Account,
    terraform: FakeTerraform,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    minutes: int,
) -> None:
    with account.restored("shop-pr-42") as cluster:
        terraform.database(cluster)
        assert envctl("up", "--pr", "42", "--yes").code == 0
    account.snapshot(timedelta(minutes=5), "newer")
    before = account.manifest()
    expire_in(monkeypatch, minutes)
    yes = () if command == "pause" else ("--yes",)
    refused = envctl(command, "--pr", "42", *yes)
    assert (refused.code, account.manifest()) == (3, before)
    assert "role-duration-seconds" in refused.err


def test_what_took_longer_the_last_time_is_taken_to_do_so_again(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert envctl("up", "--pr", "42", "--yes").code == 0
    now = datetime.now(UTC).replace(microsecond=0)
    slow = Operation("destroy", now - timedelta(minutes=41), now - timedelta(minutes=1), "it broke")
    before = replace(account.manifest(), status="failed", operation=slow)
    account.put(f"{PREFIX}pr-42/manifest.json", manifests.render(before))
    expire_in(monkeypatch, 30)
    refused = envctl("destroy", "--pr", "42", "--yes")
    assert (refused.code, "usually takes 40 min" in refused.err) == (3, True), refused.err
    assert ("destroy" in terraform.commands, account.manifest()) == (False, before)
    expire_in(monkeypatch, 50)
    assert envctl("destroy", "--pr", "42", "--yes").code == 0


def test_expired_ones_are_no_bug(envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    expire_in(monkeypatch, -1)
    listed = envctl("list")
    assert listed.code == 3
    assert "have expired" in listed.err
