"""`show`, `outputs`, `list`, `extend`, `unlock`, `plan`: what is told of what is recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from world import PREFIX, Account, Envctl, FakeTerraform


@pytest.fixture
def up(envctl: Envctl) -> Envctl:
    """An envctl that has brought pull request 42 up."""
    assert envctl("up", "--pr", "42", "--yes", "--commit", "abcdef0").code == 0
    return envctl


def test_show_tells_what_is_there(up: Envctl) -> None:
    result = up("show", "--pr", "42")
    assert result.code == 0
    for expected in ("✓ ready  shop-pr-42", "2 h old", "abcdef0", "expires   in ", "shop-pr-42.cluster.local"):
        assert expected in result.out
    assert result.err == ""


def test_show_tells_who_holds_the_lock(up: Envctl, account: Account) -> None:
    account.lock(who="runner@ci-7")
    assert "Locked by runner@ci-7 since 2026-11-22 09:00:00" in up("show", "--pr", "42").out


def test_show_of_nothing_names_what_there_is_to_do(envctl: Envctl) -> None:
    result = envctl("show", "--pr", "42")
    assert (result.code, result.out) == (2, "")
    assert "envctl up --pr 42" in result.err


def test_outputs_are_one_a_line(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.set(outputs={"port": {"value": 3306}, "reader": {"value": None}, "a": {"value": "b"}})
    envctl("up", "--pr", "42", "--yes")
    assert envctl("outputs", "--pr", "42").out == "a = b\nport = 3306\nreader = -\n"


def test_list_has_every_environment_of_the_repository_in_order(envctl: Envctl, account: Account) -> None:
    for pr in (10, 9, 200):
        account.record(pr, status="ready")
    account.put("environments/acme/other/pr-1/manifest.json", "another repository's")
    account.put(f"{PREFIX}pr-7/deeper/manifest.json", "not ours")
    rows = envctl("list").out.splitlines()
    assert [row.split()[0] for row in rows] == ["PR", "#9", "#10", "#200"]
    assert [e["pr"] for e in envctl("list", "--json").json["environments"]] == [9, 10, 200]


def test_an_empty_list_is_success(envctl: Envctl) -> None:
    assert envctl("list").out == "There are no environments.\n"
    assert envctl("list", "--json").json["environments"] == []


def test_list_tells_what_has_expired(envctl: Envctl, account: Account) -> None:
    account.record(9, expires_at=datetime.now(UTC) - timedelta(hours=5, minutes=1))
    assert "5 h 1 min ago" in envctl("list").out


def test_extend_moves_the_expiry(up: Envctl, account: Account) -> None:
    assert up("extend", "10d", "--pr", "42").code == 0
    assert timedelta(days=9) < account.manifest().expires_at - datetime.now(UTC) <= timedelta(days=10)


def test_extend_never_shortens(up: Envctl, account: Account) -> None:
    before = account.manifest()
    result = up("extend", "1h", "--pr", "42")
    assert (result.code, account.manifest()) == (0, before)
    assert "already lives longer" in result.out


def test_unlock_breaks_the_lock_and_says_whose_it_was(up: Envctl, account: Account) -> None:
    account.lock(who="runner@ci-7")
    result = up("unlock", "--pr", "42", "--yes")
    assert result.code == 0
    assert "runner@ci-7" in result.out
    assert not [key for key in account.objects() if key.endswith(".tflock")]
    assert up("up", "--pr", "42", "--yes").code == 0


def test_unlock_needs_to_be_told_that_it_may(up: Envctl, account: Account) -> None:
    account.lock()
    before = account.versions()
    result = up("unlock", "--pr", "42")
    assert (result.code, account.versions()) == (2, before)
    assert "--yes" in result.err


def test_unlocking_what_is_not_locked_is_success(up: Envctl) -> None:
    result = up("unlock", "--pr", "42")
    assert result.code == 0
    assert "was not locked" in result.out


# --- plan ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
def test_a_plan_of_what_does_not_exist_shows_all_of_it_and_writes_nothing(envctl: Envctl) -> None:
    result = envctl("plan", "--pr", "42")
    assert result.code == 0
    assert "+ module.network.aws_vpc.this" in result.out
    assert "3 to add" in result.out
    assert "would be pinned" in result.out


def test_a_plan_while_another_run_holds_the_lock_is_possible(up: Envctl, account: Account) -> None:
    account.lock()
    assert up("plan", "--pr", "42").code == 0


def test_changes_can_fail_a_plan(envctl: Envctl) -> None:
    assert envctl("plan", "--pr", "42", "--fail-on-changes").code == 10
    envctl("up", "--pr", "42", "--yes")
    assert envctl("plan", "--pr", "42", "--fail-on-changes").code == 0
    assert "No changes" in envctl("plan", "--pr", "42").out


# --- doctor ----------------------------------------------------------------------------------------


def test_doctor_finds_nothing_amiss(envctl: Envctl) -> None:
    result = envctl("doctor")
    assert result.code == 0
    assert result.out.count("✓ ok") == 6
    assert "Terraform 1.11.4, ENVCTL_TERRAFORM" in result.out


def test_doctor_looks_at_everything_even_when_something_is_wrong(
    envctl: Envctl, terraform: FakeTerraform, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    terraform.set(version="1.9.8")
    monkeypatch.setenv("ENVCTL_STATE__BUCKET", "no-such-bucket")
    result = envctl("doctor", "--json")
    checks = {check["name"]: check["ok"] for check in result.json["checks"]}
    assert (result.code, checks["Terraform"], checks["state bucket"], checks["snapshot"]) == (2, False, False, True)
    assert "2 of 6 checks failed: Terraform, state bucket." in result.err
