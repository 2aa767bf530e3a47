"""What the checkout says about itself, read from git's own files: no process is started for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_REMOTE = re.compile(r"(?:[/:])(?P<repository>[A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?$")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def repository(start: Path) -> str | None:
    """Return `owner/name` of the remote `origin` of the checkout that holds `start`, if it has one."""
    git = _git_directory(start)
    config = _text((_common_directory(git) if git else start) / "config")
    section = ""
    for line in (config or "").splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section == '[remote "origin"]' and line.replace(" ", "").startswith("url="):
            found = _REMOTE.search(line.split("=", 1)[1].strip())
            return found["repository"] if found else None
    return None


def head(start: Path) -> str | None:
    """Return the commit id that HEAD names in the checkout that holds `start`, if there is one."""
    git = _git_directory(start)
    if git is None:
        return None
    word = (_text(git / "HEAD") or "").strip()
    if not word.startswith("ref: "):
        return word if _COMMIT.fullmatch(word) else None
    name = word.removeprefix("ref: ")
    common = _common_directory(git)
    for candidate in (_text(git / name), _text(common / name), *_packed(common, name)):
        if candidate and _COMMIT.fullmatch(candidate.strip()):
            return candidate.strip()
    return None


def top(start: Path) -> Path | None:
    """Return the top directory of the checkout that holds `start`, if it is in one."""
    return next((directory for directory in (start, *start.parents) if (directory / ".git").exists()), None)


def _packed(common: Path, name: str) -> Iterator[str]:
    for line in (_text(common / "packed-refs") or "").splitlines():
        if line.endswith(f" {name}"):
            yield line.split(" ", 1)[0]


def _git_directory(start: Path) -> Path | None:
    for directory in (start, *start.parents):
        dot_git = directory / ".git"
        if dot_git.is_dir():
            return dot_git
        # A worktree or submodule: a file that points to the real directory.
        pointer = _text(dot_git) if dot_git.is_file() else None
        if pointer and pointer.startswith("gitdir: "):
            return directory / pointer.removeprefix("gitdir: ").strip()
    return None


def _common_directory(git: Path) -> Path:
    pointer = _text(git / "commondir")
    return git / pointer.strip() if pointer else git


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):  # ValueError: no text, or a NUL in the path that another file names
        return None
