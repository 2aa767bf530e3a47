"""The hidden line by which the comment of an environment is found again, and what it said last.

    <!-- envctl:pr-42 shop-pr-42 v1 status=ready commit=4f1c2d9 generation=1 -->

It is the last line. How it begins never changes, whatever the version: two projects of one repository, and an
older and a newer envctl, find each their own comment.
Nothing that came from anywhere else can look like it: every `<` of others is escaped (see `markdown`), and
whoever looks for it also looks at who wrote the comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast, get_args

from orchestrator.announcement import Announcement, State
from orchestrator.identity import Environment

VERSION = 1
_LINE = re.compile(
    r"^<!-- envctl:pr-(?P<pr>[1-9][0-9]{0,9}) (?P<name>[a-z0-9-]{1,63}) v[1-9][0-9]{0,3}"
    r"(?P<fields>(?: [a-z]+=[A-Za-z0-9-]*)*) -->\s*$",
    re.MULTILINE | re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)


@dataclass(frozen=True)
class Marker:
    """What a comment of envctl says of itself; of a newer version's, what this one understands."""

    pr: int
    environment: str
    status: State | None = None
    commit: str | None = None
    generation: int | None = None


def marker_of(announcement: Announcement) -> Marker:
    """Return the marker of an announcement's comment; a commit that is none is left out."""
    record = announcement.manifest
    return Marker(
        announcement.environment.pr,
        _name(announcement.environment),
        announcement.state,
        _form(_COMMIT, announcement.commit or (record.commit if record else None)),
        record.generation if record else None,
    )


def beginning(environment: Environment) -> str:
    """Return how the marker of every comment about `environment` begins: what to look for."""
    return f"<!-- envctl:pr-{environment.pr} {_name(environment)} "


def render_marker(marker: Marker) -> str:
    """Return the line that `parse_marker` reads."""
    fields = {"status": marker.status, "commit": marker.commit, "generation": marker.generation}
    told = "".join(f" {key}={value}" for key, value in fields.items() if value is not None)
    return f"<!-- envctl:pr-{marker.pr} {marker.environment} v{VERSION}{told} -->"


def parse_marker(body: str) -> Marker | None:
    """Return the marker of a comment, None when it has none. The last one counts: ours is the last line."""
    matches = list(_LINE.finditer(body.replace("\r\n", "\n")))
    if not matches:
        return None
    found = matches[-1]
    fields = dict(field.split("=", 1) for field in found["fields"].split())
    status = fields.get("status")
    generation = _form(_NUMBER, fields.get("generation"))
    return Marker(
        int(found["pr"]),
        found["name"],
        cast(State, status) if status in get_args(State) else None,
        _form(_COMMIT, fields.get("commit")),
        int(generation) if generation else None,
    )


def _name(environment: Environment) -> str:
    # Names of environments are of this form; whoever made one that is not gets no further than its letters.
    return re.sub("[^a-z0-9-]", "", environment.name)[:63] or "-"


def _form(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value is not None and pattern.fullmatch(value) else None
