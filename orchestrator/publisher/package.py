"""Source files -> the zip that Lambda runs: the same bytes for the same source, on every machine."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

# What the handler imports, and nothing else: no configuration, no command line, no third party.
FILES = (
    "__init__.py",
    "aws/__init__.py",
    "aws/databases.py",
    "aws/parameters.py",
    "aws/session.py",
    "durations.py",
    "errors.py",
    "published.py",
    "publisher/__init__.py",
    "publisher/handler.py",
    "publisher/publish.py",
    "snapshots.py",
)
HANDLER = "orchestrator.publisher.handler.handle"
_PACKAGE = Path(__file__).resolve().parents[1]
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip knows
_UNIX = 3


def build(package: Path = _PACKAGE) -> bytes:
    """Return the archive. Files are stored, not packed: what a compressor makes of them changes with its version."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(FILES):
            entry = zipfile.ZipInfo(f"orchestrator/{name}", _TIME)
            entry.create_system = _UNIX
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, (package / name).read_bytes().replace(b"\r\n", b"\n"))
    return buffer.getvalue()
