"""What goes where: data to stdout, the rest to stderr, colours to terminals, one object to --json."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys

import pytest
from world import CLUSTER, Account, Envctl, FakeTerraform, Result, ended

ENVELOPE = {"schema", "command", "ok", "environment", "snapshot", "changes", "resources", "outputs", "timings", "cost"}
ENVELOPE |= {"left", "error"}
COLOUR = "\x1b["


def read_to_the_end(terminal: int) -> str:
    found = b""
    with contextlib.suppress(OSError):  # EIO: nobody holds the other side any more
        while more := os.read(terminal, 4096):
            found += more
    os.close(terminal)
    return found.decode()


def at_a_terminal(envctl: Envctl, *arguments: str, answer: str = "") -> Result:
    """Run envctl with a terminal on all three streams, and type `answer`."""
    terminal, other = pty.openpty()
    process = envctl.spawn(*arguments, stdin=other, stdout=other, stderr=other)
    os.close(other)
    os.write(terminal, answer.encode())
    text = read_to_the_end(terminal)
    return Result(process.wait(), text, text)


# --- JSON ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "plan --pr 42",
        "up --pr 42 --yes",
        "show --pr 42",
        "outputs --pr 42",
        "list",
        "extend 90h --pr 42",
        "unlock --pr 42",
        "doctor",
        "config show",
        "config validate",
        "config schema",
        "destroy --pr 42 --yes",
    ],
)
def test_json_is_one_object_on_success(envctl: Envctl, line: str) -> None:
    if line.startswith(("show", "outputs", "extend")):
        envctl("up", "--pr", "42", "--yes")
    result = envctl(*line.split(), "--json")
    command = line.split(" --")[0].removesuffix(" 90h")
    assert (result.code, result.json["ok"], result.json["error"]) == (0, True, None)
    assert (result.json["schema"], result.json["command"], result.json.keys() >= ENVELOPE) == (
        "envctl/v1",
        command,
        True,
    )


@pytest.mark.parametrize(
    "line",
    [
        "plan --pr 0",
        "up --pr 42",
        "up --pr 42 --timeout soon",
        "show --pr 42",
        "show --nonsense",
        "nonsense",
        "destroy --pr",
        "outputs",
        "config nonsense",
        "config show --nonsense",
        "list -c nowhere.toml",
    ],
)
def test_json_is_one_object_on_failure(envctl: Envctl, line: str) -> None:
    result = envctl(*line.split(), "--json")
    assert (result.code, result.json["ok"], result.json["error"]["code"]) == (2, False, "usage")
    assert result.json.keys() >= ENVELOPE
    assert result.json["error"]["message"]


def test_json_of_a_failed_apply_holds_what_was_done(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.fail("apply", CLUSTER)
    body = envctl("up", "--pr", "42", "--yes", "--json").json
    assert body["environment"]["status"] == "failed"
    assert {(r["address"], r["status"]) for r in body["resources"]} >= {(CLUSTER, "failed")}
    assert body["changes"]["add"] == 3
    assert body["timings"]["total_s"] >= 0


# --- The two streams -------------------------------------------------------------------------------


def test_progress_goes_to_stderr_and_the_result_to_stdout(envctl: Envctl) -> None:
    result = envctl("up", "--pr", "42", "--yes")
    assert result.err.startswith("envctl up shop-pr-42 (acme/shop, us-east-1)\n")
    assert "→ creating" in result.err
    assert "→ creating" not in result.out
    assert "✓ ready" not in result.err


def test_quiet_leaves_the_result_alone(envctl: Envctl) -> None:
    result = envctl("up", "--pr", "42", "--yes", "-q")
    assert (result.err, "✓ ready  shop-pr-42" in result.out) == ("", True)


def test_verbose_tells_every_resource(envctl: Envctl) -> None:
    assert f"✓ create: {CLUSTER}" in envctl("up", "--pr", "42", "--yes", "-v").err


def test_a_refusal_leaves_stdout_empty(envctl: Envctl) -> None:
    assert envctl("up", "--pr", "0", "--yes").out == ""


def test_a_reader_that_goes_away_is_no_disaster(envctl: Envctl, account: Account) -> None:
    """As in `envctl list | head -0`."""
    account.record()
    reader, writer = os.pipe()
    os.close(reader)
    process = envctl.spawn("list", stdout=writer)
    os.close(writer)
    result = ended(process)
    assert (result.code, result.err) == (1, "")


def test_an_output_that_knows_no_symbols_gets_others(
    envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.record(status="ready")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    result = ended(envctl.spawn("list"))
    assert (result.code, "? ready" in result.out) == (0, True)


# --- Colours ---------------------------------------------------------------------------------------


def test_a_pipe_gets_no_colour(envctl: Envctl, account: Account) -> None:
    account.record()
    listed, refused = ended(envctl.spawn("list")), ended(envctl.spawn("show", "--pr", "1"))
    assert COLOUR not in listed.out + listed.err + refused.out + refused.err


def test_a_terminal_gets_colours_with_symbol_and_word(envctl: Envctl, account: Account) -> None:
    account.record(status="failed")
    assert f"{COLOUR}31m✗ failed" in at_a_terminal(envctl, "list").out


@pytest.mark.parametrize("off", ["NO_COLOR=1", "TERM=dumb", "--no-color"])
def test_colours_can_be_switched_off(
    envctl: Envctl, account: Account, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    account.record(status="failed")
    name, _, value = off.partition("=")
    if value:
        monkeypatch.setenv(name, value)
    result = at_a_terminal(envctl, "list", *([] if value else [off]))
    assert "✗ failed" in result.out
    assert COLOUR not in result.out


# --- Questions -------------------------------------------------------------------------------------


def test_a_terminal_is_asked_and_yes_goes_ahead(envctl: Envctl, account: Account) -> None:
    result = at_a_terminal(envctl, "up", "--pr", "42", answer="y\n")
    assert result.code == 0
    assert "Bring up shop-pr-42 in us-east-1? [y/N]" in result.out
    assert account.manifest().status == "ready"


@pytest.mark.parametrize("answer", ["n\n", "\n", "yes please\n", "\x04"], ids=["no", "nothing", "chatter", "end"])
def test_any_other_answer_does_nothing(envctl: Envctl, account: Account, terraform: FakeTerraform, answer: str) -> None:
    result = at_a_terminal(envctl, "up", "--pr", "42", answer=answer)
    assert (result.code, terraform.calls, account.versions()) == (2, [], [])
    assert "Nothing was done." in result.out


@pytest.mark.parametrize("command", ["up", "destroy"])
def test_where_nobody_can_answer_the_flag_is_named(
    envctl: Envctl, account: Account, terraform: FakeTerraform, command: str
) -> None:
    result = ended(envctl.spawn(command, "--pr", "42"))
    assert (result.code, terraform.calls, account.versions()) == (2, [], [])
    assert "--yes" in result.err


def test_continuous_integration_is_never_asked(envctl: Envctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = at_a_terminal(envctl, "destroy", "--pr", "42", answer="y\n")
    assert result.code == 2
    assert "--yes" in result.out


# --- The live view ---------------------------------------------------------------------------------


def test_a_terminal_sees_what_is_under_way(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.set(gate=CLUSTER)
    terminal, other = pty.openpty()
    process = envctl.spawn("up", "--pr", "42", "--yes", stderr=other)
    os.close(other)
    seen = b""
    while f"creating {CLUSTER}".encode() not in plain(seen):
        more = os.read(terminal, 4096)
        assert more, "it ended without telling"
        seen += more
    assert b"1/3 done" in plain(seen)
    terraform.let("go")
    read_to_the_end(terminal)
    assert process.wait() == 0


def plain(text: bytes) -> bytes:
    """Without the colours."""
    import re

    return re.sub(rb"\x1b\[[0-9;]*m", b"", text)


def test_the_module_runs_as_the_command_does(envctl: Envctl) -> None:
    command = [sys.executable, "-c", "from orchestrator.cli import main; main()", "--version"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=envctl.directory)
    assert shown.stdout == ended(envctl.spawn("--version")).out
