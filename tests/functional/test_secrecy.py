"""What a provider repeats of a secret reaches neither the screen nor the record."""

from __future__ import annotations

import pytest
from world import LB, Account, Envctl, FakeTerraform

SECRET = "hunter22-and-more"


def test_a_secret_that_a_provider_repeats(
    envctl: Envctl, account: Account, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = envctl.directory / "terraform" / "env" / "main.tf"
    root.write_text(root.read_text() + 'variable "password" {\n  type      = string\n  sensitive = true\n}\n')
    monkeypatch.setenv("TF_VAR_password", SECRET)
    terraform.fail(
        "apply", LB, summary=f"expected type to be one of [String], got {SECRET}", detail=f"It was {SECRET}."
    )
    failed = envctl("up", "--pr", "42", "--yes", "-v", "--json")
    assert failed.code == 4
    assert SECRET not in failed.out + failed.err
    assert "got (sensitive value)" in failed.json["error"]["message"]
    operation = account.manifest().operation
    assert operation
    assert operation.outcome
    assert SECRET not in operation.outcome
