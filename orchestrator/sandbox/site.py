"""What a web server would serve, read from the user data that sets it up. Pure: no moto, no I/O.

The emulated instances run nothing. But what their nginx would answer stands in their cloud-config:
the files it writes, the `return` locations of its configuration, and the archive it unpacks.
"""

from __future__ import annotations

import base64
import gzip
import io
import mimetypes
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import yaml

DOCUMENT_ROOT = "/usr/share/nginx/html"
HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"

GZIP = b"\x1f\x8b"
LOCATION = re.compile(r"location\s+(?:(=|\^~)\s+)?(/\S*)\s*\{([^{}]*)\}")
RETURN = re.compile(r"""\breturn\s+(\d{3})(?:\s+(?:"([^"]*)"|'([^']*)'|([^\s;]+)))?\s*;""")
DEFAULT_TYPE = re.compile(r"\bdefault_type\s+([^\s;]+)\s*;")
ROOT = re.compile(r"^\s*root\s+([^\s;]+)\s*;", re.MULTILINE)
ARCHIVE = re.compile(r"\bs3://([a-z0-9][a-z0-9.-]+)/([^\s'\"]+?\.(?:tar\.gz|tgz))")
STRIP = re.compile(r"--strip-components[= ](\d+)")

FetchArchive = Callable[[str, str], bytes | None]
"""Bucket and key to content, or None when it cannot be had."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = HTML
    location: str = ""


@dataclass(frozen=True)
class Location:
    """An nginx location that returns something by itself."""

    path: str
    exact: bool
    answer: Answer

    def matches(self, path: str) -> bool:
        return path == self.path if self.exact else path.startswith(self.path)


@dataclass(frozen=True)
class Site:
    """Files by their path in the URL, and locations that come before them."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    locations: tuple[Location, ...] = ()
    fallback: Answer = Answer(HTTPStatus.NOT_FOUND, b"<h1>404 Not Found</h1>\n")

    def get(self, path: str) -> Answer:
        """Exact locations first, then files, then the longest other location: as nginx would."""
        matching = sorted(
            (each for each in self.locations if each.matches(path)),
            key=lambda each: (each.exact, len(each.path)),
        )
        if matching and matching[-1].exact:
            return matching[-1].answer
        name = f"{path}index.html" if path.endswith("/") else path
        if name in self.files:
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            return Answer(HTTPStatus.OK, self.files[name], HTML if kind == "text/html" else kind)
        return matching[-1].answer if matching else self.fallback


def read(user_data: bytes, fetch: FetchArchive) -> Site | None:
    """The site that an instance with this user data serves; None when it serves none."""
    try:
        return _read(gzip.decompress(user_data) if user_data.startswith(GZIP) else user_data, fetch)
    except (yaml.YAMLError, KeyError, ValueError, OSError, EOFError, zlib.error):
        return None  # cannot be decoded: cloud-init would stumble too


def _read(user_data: bytes, fetch: FetchArchive) -> Site | None:
    if user_data.startswith(b"#!"):
        note = b"The sandbox does not run scripts: it serves what a #cloud-config would write.\n"
        return Site(fallback=Answer(HTTPStatus.OK, note, TEXT))
    if not user_data.lstrip().startswith(b"#"):
        return None
    config = yaml.safe_load(user_data)
    return _site(config, fetch) if isinstance(config, dict) else None


def _site(config: dict[str, Any], fetch: FetchArchive) -> Site | None:
    written = dict(_written(config.get("write_files") or []))
    settings = "\n".join(body.decode(errors="replace") for path, body in written.items() if ".conf" in path)
    root = found[1].rstrip("/") if (found := ROOT.search(settings)) else DOCUMENT_ROOT
    files = {path.removeprefix(root): body for path, body in written.items() if path.startswith(f"{root}/")}
    for command in (*map(_command, config.get("runcmd") or []), *_scripts(written)):
        for bucket, key in ARCHIVE.findall(command):
            archive = fetch(bucket, key)
            strip = STRIP.search(command)
            unpacked = _unpacked(archive, int(strip[1]) if strip else 0) if archive is not None else None
            if unpacked is None:
                return None  # the command failed, and with it the setting up
            files |= unpacked
    return Site(files, tuple(_locations(settings)))


def _written(entries: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        content = entry.get("content") or ""
        body = content if isinstance(content, bytes) else str(content).encode()
        encoding = str(entry.get("encoding", ""))
        if "b64" in encoding or "base64" in encoding:
            body = base64.b64decode(body)
        if "gz" in encoding:
            body = gzip.decompress(body)
        yield str(entry["path"]), body


def _scripts(written: Mapping[str, bytes]) -> Iterator[str]:
    """Scripts that the cloud-config writes in order to run them."""
    return (body.decode(errors="replace") for body in written.values() if body.startswith(b"#!"))


def _command(entry: object) -> str:
    return " ".join(map(str, entry)) if isinstance(entry, list) else str(entry)


def _locations(settings: str) -> Iterator[Location]:
    for modifier, path, block in LOCATION.findall(settings):
        if returned := RETURN.search(block):
            status = int(returned[1])
            text = returned[2] or returned[3] or returned[4] or ""
            kind = DEFAULT_TYPE.search(block)
            if 300 <= status < 400:
                answer = Answer(status, location=text)
            else:
                body = text.replace(r"\n", "\n").encode()
                answer = Answer(status, body, kind[1] if kind else TEXT)
            yield Location(path, modifier == "=", answer)


def _unpacked(archive: bytes, strip: int) -> dict[str, bytes] | None:
    """The regular files of a .tar.gz by URL path; None when it is not one."""
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                parts = [part for part in member.name.split("/") if part != "."][strip:]
                if content is not None and parts:
                    files["/" + "/".join(parts)] = content.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return None
    return files
