"""How terraform is called: command lines, environment, working files, and when `init` is spared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from world import LB, Envctl, FakeTerraform, checkout_at


@pytest.fixture
def up(envctl: Envctl) -> Envctl:
    """An envctl that has brought pull request 42 up."""
    assert envctl("up", "--pr", "42", "--yes").code == 0
    return envctl


def test_everything_runs_in_the_root_module_with_a_data_directory_of_its_own(
    up: Envctl, terraform: FakeTerraform
) -> None:
    calls = [call for call in terraform.calls if call.command != "version"]
    assert {call.cwd for call in calls} == {str(up.directory / "terraform" / "env")}
    assert {call.environ["TF_DATA_DIR"] for call in calls} == {str(up.directory / ".envctl" / "pr-42" / "data")}
    assert {call.environ["TF_IN_AUTOMATION"] for call in calls} == {"1"}
    assert {call.environ["CHECKPOINT_DISABLE"] for call in terraform.calls} == {"1"}


def test_variables_that_would_change_a_command_are_not_inherited(
    envctl: Envctl, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TF_CLI_ARGS", "TF_CLI_ARGS_apply", "TF_WORKSPACE"):
        monkeypatch.setenv(name, "-destroy")
    monkeypatch.setenv("TF_DATA_DIR", "/elsewhere")
    monkeypatch.setenv("TF_VAR_commit", "kept")  # meant for the configuration, as with plain terraform
    envctl("up", "--pr", "42", "--yes")
    environ = terraform.the("apply").environ
    assert not [name for name in environ if name.startswith(("TF_CLI_ARGS", "TF_WORKSPACE"))]
    assert environ["TF_DATA_DIR"].startswith(str(envctl.directory))
    assert environ["TF_VAR_commit"] == "kept"


def test_a_cli_configuration_that_is_no_file_counts_as_none(
    envctl: Envctl, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (Path.home() / ".terraformrc").touch()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "nowhere"))
    envctl("up", "--pr", "42", "--yes")
    assert terraform.the("apply").environ["TF_CLI_CONFIG_FILE"] == str(Path.home() / ".terraformrc")


def test_values_reach_terraform_in_files_and_never_on_a_command_line(up: Envctl, terraform: FakeTerraform) -> None:
    words = [word for call in terraform.calls for word in call.argv]
    assert not [word for word in words if word.startswith("-var=") or word == "-var" or "arn:aws" in word]
    workspace = up.directory / ".envctl" / "pr-42"
    assert f"-var-file={workspace / 'terraform.tfvars.json'}" in terraform.the("apply").argv
    written = json.loads((workspace / "terraform.tfvars.json").read_text())
    assert (written["name"], written["provider_max_retries"]) == ("shop-pr-42", 25)


def test_nothing_asks_and_everything_speaks_json(up: Envctl, terraform: FakeTerraform) -> None:
    terraform.change(LB)
    up("up", "--pr", "42", "--yes")
    up("plan", "--pr", "42")
    up("destroy", "--pr", "42", "--yes")
    long = [call for call in terraform.calls if call.command != "version"]
    assert [call.command for call in long] == ["init", "apply", "plan", "apply", "plan", "destroy"]
    assert all({"-json", "-input=false"} <= set(call.argv) for call in long)


def test_a_plan_takes_no_lock_and_saves_nothing(up: Envctl, terraform: FakeTerraform, saved_plan: Path) -> None:
    terraform.forget()
    up("plan", "--pr", "42")
    argv = terraform.the("plan").argv
    assert "-lock=false" in argv
    assert "-detailed-exitcode" in argv
    assert not [word for word in argv if word.startswith("-out")]
    assert not saved_plan.exists()


def test_a_saved_plan_is_private_and_gone_afterwards(up: Envctl, terraform: FakeTerraform, saved_plan: Path) -> None:
    terraform.forget()
    terraform.change(LB)
    up("up", "--pr", "42", "--yes")
    assert terraform.the("apply").end["plan_mode"] == 0o600
    assert not saved_plan.exists()


def test_a_saved_plan_is_gone_after_a_failed_apply_as_well(
    up: Envctl, terraform: FakeTerraform, saved_plan: Path
) -> None:
    terraform.change(LB)
    terraform.fail("apply", LB)
    assert up("up", "--pr", "42", "--yes").code == 4
    assert not saved_plan.exists()


def test_the_working_files_are_their_owners_alone(up: Envctl) -> None:
    workspace = up.directory / ".envctl" / "pr-42"
    assert workspace.stat().st_mode & 0o077 == 0
    assert (workspace / "terraform.tfvars.json").stat().st_mode & 0o077 == 0


def test_nothing_is_written_but_working_files(up: Envctl) -> None:
    result = up("destroy", "--pr", "42", "--yes")
    assert result.code == 0, result.err
    files = [path.relative_to(up.directory) for path in up.directory.rglob("*") if path.is_file()]
    assert sorted(map(str, files)) == [".envctl/.gitignore", "envctl.toml", "terraform/env/main.tf"]


@pytest.mark.parametrize("command", ["show", "outputs", "list", "extend", "unlock"])
def test_what_needs_no_terraform_starts_none(up: Envctl, terraform: FakeTerraform, command: str) -> None:
    terraform.forget()
    assert up(command, *([] if command == "list" else ["--pr", "42"])).code == 0
    assert terraform.calls == []


# --- init ------------------------------------------------------------------------------------------


def test_init_gets_the_backend_from_a_file(up: Envctl, terraform: FakeTerraform) -> None:
    backend = up.directory / ".envctl" / "pr-42" / "backend.tfbackend"
    assert f"-backend-config={backend}" in terraform.the("init").argv
    lines = backend.read_text().splitlines()
    assert 'key = "environments/acme/shop/pr-42/terraform.tfstate"' in lines
    assert {"use_lockfile = true", "encrypt = true", "use_path_style = true"} <= set(lines)


def test_a_lock_file_is_not_rewritten(envctl: Envctl, terraform: FakeTerraform) -> None:
    (envctl.directory / "terraform" / "env" / ".terraform.lock.hcl").touch()
    envctl("up", "--pr", "42", "--yes")
    assert "-lockfile=readonly" in terraform.the("init").argv


def test_init_is_spared_when_nothing_changed(up: Envctl, terraform: FakeTerraform) -> None:
    terraform.forget()
    assert up("up", "--pr", "42", "--yes").code == 0
    assert terraform.commands == ["plan"]


@pytest.mark.parametrize("changed", ["source", "new source", "lock file", "backend", "binary", "module"])
def test_init_runs_again_when_something_it_depends_on_changed(
    envctl: Envctl, terraform: FakeTerraform, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = envctl.directory / "terraform" / "env"
    module = root.parent / "modules" / "web"
    module.mkdir(parents=True)
    (module / "main.tf").touch()
    terraform.set(modules=[{"Key": "web", "Source": "../modules/web", "Dir": "../modules/web"}])
    for _ in range(2):  # the modules are known only after an init
        envctl("plan", "--pr", "42")
    terraform.forget()
    if changed == "source":
        (root / "main.tf").write_text("# changed\n")
    elif changed == "new source":
        (root / "more.tf").touch()
    elif changed == "lock file":
        (root / ".terraform.lock.hcl").write_text("# other providers\n")
    elif changed == "backend":
        monkeypatch.setenv("ENVCTL_STATE__PREFIX", "previews")
    elif changed == "binary":
        with terraform.program.open("a") as stream:
            stream.write("# upgraded\n")
    elif changed == "module":
        (module / "main.tf").write_text("# changed\n")
    assert envctl("plan", "--pr", "42").code == 0
    assert terraform.commands == ["init", "plan"]


def test_init_runs_again_after_it_failed(envctl: Envctl, terraform: FakeTerraform) -> None:
    terraform.fail("init")
    assert envctl("plan", "--pr", "42").code == 4
    terraform.set(fail={})
    assert envctl("plan", "--pr", "42").code == 0


def test_a_root_of_ones_own_is_used(envctl: Envctl, terraform: FakeTerraform, tmp_path: Path) -> None:
    other = checkout_at(tmp_path / "team") / "terraform" / "env"
    config = envctl.directory / "envctl.toml"
    config.write_text(config.read_text() + f'\n[terraform]\nroot = "{other}"\nparallelism = 3\n')
    assert envctl("up", "--pr", "42", "--yes").code == 0
    call = terraform.the("apply")
    assert (call.cwd, "-parallelism=3" in call.argv) == (str(other), True)
