"""Whatever is typed: help, an answer, or one clear error and an exit code of the contract; never a traceback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st
from material import TEXT, examples

from orchestrator.cli.app import app
from orchestrator.cli.run import run
from orchestrator.errors import ExitCode

# Each of these would start something or take as long as a connection to a place that does not answer.
NOT_RUN = {("sandbox", "start"), ("sandbox", "seed")}


def commands(group: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        elif (*words, name) not in NOT_RUN:
            yield (*words, name)


COMMANDS = sorted(commands(typer.main.get_command(app)))
FLAGS = (
    "--pr --commit --snapshot --yes -y --no-wait --timeout --json -q -v --no-color --config -c --help -h --version "
    "--fail-on-changes --nonsense -x - -- --pr= --timeout=0s"
)
OPTIONS = st.sampled_from(FLAGS.split())
VALUES = st.one_of(
    TEXT.filter(lambda text: "\0" not in text),
    st.sampled_from(["42", "0", "-1", "2147483648", "٤٢", "1e3", "", "72h", "999999d", "/nowhere", ".", "a" * 40]),
)
WORDS = st.lists(st.one_of(OPTIONS, OPTIONS, VALUES), max_size=6)


@pytest.fixture(scope="module", autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A directory without configuration, no credentials, no Terraform: everything ends before anyone is asked."""
    directory = tmp_path_factory.mktemp("empty")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    cli_config = tmp_path / "terraformrc"  # where it stands, no registry is asked whether it can be reached
    cli_config.touch()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config))
    monkeypatch.setenv("ENVCTL_TERRAFORM", "/nowhere/terraform")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


CONFIG = """
[project]
name = "shop"
repository = "acme/shop"
[state]
bucket = "acme-preview-state"
[database]
source = "shop-prod"
"""


def call(arguments: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    said = out.getvalue() + err.getvalue()
    assert code in list(ExitCode), (code, said)
    assert code != ExitCode.UNEXPECTED, said
    assert "Traceback" not in said
    assert "This is a bug" not in said
    if code != ExitCode.DONE and "--json" in arguments and out.getvalue():
        assert json.loads(out.getvalue())["ok"] is False
    if code != ExitCode.DONE and "--json" not in arguments:
        assert said.strip()


@pytest.mark.usefixtures("_nobody")
@examples()
@example(["publisher", "build", ""])
@given(st.lists(VALUES, max_size=4))
def test_any_words(words: list[str]) -> None:
    call(words)


@pytest.mark.usefixtures("_nobody")
@examples()
@given(st.sampled_from(COMMANDS), WORDS)
def test_any_options_without_a_configuration(command: tuple[str, ...], words: list[str]) -> None:
    call([*command, *words])


@pytest.mark.usefixtures("_nobody")
@examples(0.5)
@given(st.sampled_from([each for each in COMMANDS if each[0] != "doctor"]), WORDS)
def test_any_options_with_a_configuration(command: tuple[str, ...], words: list[str]) -> None:
    """With a configuration things get further: to Terraform and AWS, neither of which is there."""
    file = Path("envctl.toml")
    file.write_text(CONFIG)
    try:
        call([*command, *words])
    finally:
        file.unlink()


@pytest.mark.usefixtures("_nobody")
@examples(0.3)
@given(st.dictionaries(st.sampled_from(["ENVCTL_PR", "ENVCTL_CONFIG", "GITHUB_EVENT_PATH", "AWS_REGION"]), VALUES))
def test_any_surroundings(environ: dict[str, str]) -> None:
    sane = {k: v for k, v in environ.items() if "\0" not in v and not any(0xD800 <= ord(c) <= 0xDFFF for c in v)}
    before = dict(os.environ)
    Path("envctl.toml").write_text(CONFIG)
    try:
        os.environ.update(sane)
        call(["up", "--yes", "--json"])
    finally:
        os.environ.clear()
        os.environ.update(before)
        Path("envctl.toml").unlink()
