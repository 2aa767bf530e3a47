"""What production announces as its newest snapshot: the text of one parameter. Pure.

The publisher writes it and envctl reads it, so both know it from here alone. It is flat on purpose: SSM
takes no value with `{{` or `}}` in it, which nested JSON would end with.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.snapshots import Kind, Snapshot

VERSION = 1
_ARN = re.compile(r"arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:(?P<word>cluster-snapshot|snapshot):[A-Za-z0-9:.-]{1,255}")
_KINDS: dict[str, Kind] = {"cluster-snapshot": "cluster", "snapshot": "instance"}
_TEXTS = ("id", "source", "type", "engine", "engine_version")
_LONGEST = 4096  # of a parameter's standard tier; ours has about 500


def render(snapshot: Snapshot | None) -> str:
    """Return the text that `parse` reads; equal snapshots give equal text. None: there is no usable one."""
    said: dict[str, Any] = {"version": VERSION, "arn": None}
    if snapshot is not None:
        assert snapshot.created_at is not None  # noqa: S101 - choose() passes over those without a time
        said |= {name: getattr(snapshot, name) for name in _TEXTS}
        said |= {
            "arn": snapshot.arn,
            "kind": snapshot.kind,
            "created_at": snapshot.created_at.astimezone(UTC).isoformat(),
            "exact": snapshot.exact,
            "kms_key": snapshot.kms_key,
        }
    return json.dumps(said, sort_keys=True)


def parse(text: str, place: str) -> Snapshot | None:
    """Return the announced snapshot, or None where production says that it has none.

    `place` names the parameter in errors. Fields that are not known are ignored within one version.
    Raises EnvctlError (policy): what cannot be read is no snapshot, and nothing is guessed in its place.
    """
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"{len(text)} characters are too many")
        raw = json.loads(text)
        if not isinstance(raw, dict):
            raise TypeError("not an object")
        if type(raw["version"]) is not int:
            raise TypeError("version is not a number")
        if raw["version"] > VERSION:
            raise EnvctlError(
                ExitCode.POLICY,
                f"{place} has version {raw['version']}; this envctl knows up to {VERSION}.",
                "Update envctl.",
            )
        return None if raw["arn"] is None else _snapshot(raw)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise EnvctlError(
            ExitCode.POLICY,
            f"{place} does not name a snapshot: {type(error).__name__}: {error}.",
            "Only the snapshot publisher should write it: its next run mends it. Until then name one with --snapshot.",
        ) from None


def _snapshot(raw: dict[str, Any]) -> Snapshot:
    for name in ("arn", "created_at", *_TEXTS):
        if not isinstance(raw[name], str):
            raise TypeError(f"{name} is not a string")
    found = _ARN.fullmatch(raw["arn"])
    if not found or raw["kind"] != _KINDS[found["word"]]:
        raise ValueError(f"{raw['arn'][:100]!r} is not the ARN of a snapshot of that kind")
    if raw.get("kms_key") is not None and not isinstance(raw["kms_key"], str):
        raise TypeError("kms_key is not a string")
    created_at = datetime.fromisoformat(raw["created_at"])
    if created_at.tzinfo is None:
        raise ValueError("created_at has no time zone")
    return Snapshot(
        arn=raw["arn"],
        kind=_KINDS[found["word"]],
        status="available",
        created_at=created_at.astimezone(UTC),
        exact=raw.get("exact", True) is True,
        encrypted=raw.get("kms_key") is not None,
        kms_key=raw.get("kms_key"),
        **{name: raw[name] for name in _TEXTS},
    )
