"""What was applied, to take along: root module, the local modules it uses, provider lock and variables in one archive.

A destroy must not depend on a checkout that has moved on, or on a branch that is gone. Equal content gives
equal bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import EnvctlError, ExitCode

TFVARS = "terraform.tfvars.json"
_CODE = "code"
# Terraform code is text; more than this is something that was left lying in the directory.
MAXIMUM_BYTES = 16 * 2**20
_SOURCE = re.compile(r'^\s*"?source"?\s*[=:]\s*"(?P<path>\.{1,2}/[^"]*)"', re.MULTILINE)
_NOT_PACKED = re.compile(r"\.tfstate|\.tfplan$|^errored")


@dataclass(frozen=True)
class Bundle:
    """An archive: `code` is the digest of the code alone, `root` where in it the root module lies."""

    data: bytes
    sha256: str
    code: str
    root: str


def code_files(root: Path) -> dict[str, bytes]:
    """Return the files of `root` and of every local module it uses, by their path relative to what they share.

    The one below `root` is found by `root_in`. Hidden files (but for the provider lock), states, plans and
    tests are left out.
    """
    directories = _directories(root.resolve())
    shared = Path(os.path.commonpath(directories))
    found: dict[str, bytes] = {}
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            inside = path.relative_to(directory)
            hidden = any(part.startswith(".") for part in inside.parts)
            if (hidden and inside.as_posix() != ".terraform.lock.hcl") or inside.parts[0] == "tests":
                continue
            if path.is_file() and not _NOT_PACKED.search(path.name):
                found[path.relative_to(shared).as_posix()] = path.read_bytes()
    return found


def root_in(root: Path) -> str:
    """Return where the root module lies among `code_files`."""
    directories = _directories(root.resolve())
    return root.resolve().relative_to(os.path.commonpath(directories)).as_posix()


def digest(files: dict[str, bytes]) -> str:
    """Return what identifies the code: names and contents."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\0{len(files[name])}\0".encode())
        whole.update(files[name])
    return whole.hexdigest()


def pack(root: Path, tfvars: str) -> Bundle:
    """Return the bundle of a root module and its variables. Raises EnvctlError (usage) when it is too large."""
    files = code_files(root)
    if sum(map(len, files.values())) > MAXIMUM_BYTES:
        raise EnvctlError(
            ExitCode.USAGE,
            f"The Terraform code below {root.name!r} is larger than {MAXIMUM_BYTES // 2**20} MiB.",
            "Something that is no code lies there: move it away.",
        )
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            _add(archive, f"{_CODE}/{name}", files[name])
        _add(archive, TFVARS, tfvars.encode())
    data = gzip.compress(raw.getvalue(), mtime=0)
    return Bundle(data, hashlib.sha256(data).hexdigest(), digest(files), root_in(root))


def unpack(data: bytes, sha256: str, root: str, into: Path) -> tuple[Path, str]:
    """Write a bundle's code below `into`; return the root module's directory and the variables.

    Raises EnvctlError (Terraform or AWS refused) when it is not the one that was stored.
    """
    try:
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError("its checksum is another")
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            variables = archive.extractfile(TFVARS)
            tfvars = variables.read().decode() if variables else ""
            archive.extractall(into, filter="data")
        place = (into / _CODE / root).resolve()
        if not place.is_relative_to(into.resolve()) or not place.is_dir():
            raise ValueError("there is no root module in it")
    except (OSError, ValueError, KeyError, EOFError, tarfile.TarError) as error:
        raise EnvctlError(
            ExitCode.TERRAFORM,
            f"The stored code of the environment cannot be used: {str(error)[:400]}.",
            "Run it in a checkout of the commit that was applied.",
        ) from None
    return place, tfvars


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o644
    archive.addfile(entry, io.BytesIO(content))


def _directories(root: Path) -> list[Path]:
    """Return `root` and the directories of the local modules that it uses, directly or not."""
    found, waiting = [root], [root]
    while waiting:
        directory = waiting.pop()
        for file in sorted((*directory.glob("*.tf"), *directory.glob("*.tf.json"))):
            for source in _SOURCE.finditer(file.read_text(encoding="utf-8", errors="replace")):
                module = (directory / source["path"]).resolve()
                if module.is_dir() and module not in found:
                    found.append(module)
                    waiting.append(module)
    return found
