"""Engine, version and instance class + what RDS says of them -> whether a database can be made so. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.errors import EnvctlError, ExitCode

_CLASS = re.compile(r"db\.(?P<letters>[a-z]+)(?P<generation>[0-9]+)(?P<variant>[a-z]*)\.(?P<size>[a-z0-9-]+)")
_SMALL = ("nano", "micro", "small", "medium", "large", "xlarge")
_NEAREST = 3


@dataclass(frozen=True)
class Facts:
    """What RDS says. A fact that it would not tell is None, and `untold` says which and why.

    `status` is the version's: `available`, `deprecated`, or `unknown` where RDS lists no such version.
    `extended_since` is from when on running its `major` version is enrolled in Extended Support (not every
    engine has one). `classes` are those that can be ordered: the wanted one alone if it can, else all that can.
    """

    status: str | None = None
    major: str | None = None
    extended_since: datetime | None = None
    classes: tuple[str, ...] | None = None
    untold: tuple[str, ...] = ()


def judge(
    engine: str, version: str, instance_class: str, facts: Facts, extended_support: bool, now: datetime
) -> list[str]:
    """Return what to know about a database of this engine before it is made.

    Raises EnvctlError (policy) when it cannot be made so, or would be billed for Extended Support and
    `extended_support` does not allow that.
    """
    if facts.status in ("unknown", "deprecated"):
        raise EnvctlError(
            ExitCode.POLICY,
            f"RDS does not restore {engine} {version}, which the snapshot is of: that version is {facts.status}.",
            "Upgrade production's engine, and take a snapshot afterwards.",
        )
    notes = []
    if facts.extended_since is not None and facts.extended_since <= now:
        ended = f"{engine} {facts.major} is under RDS Extended Support since {facts.extended_since:%Y-%m-%d}"
        if not extended_support:
            raise EnvctlError(
                ExitCode.POLICY,
                f"{ended}, and a database of it would be billed for that by the vCPU hour.",
                "Upgrade production's engine, or set extended_support = true under [database] to pay for it.",
            )
        notes.append(f"{ended}: the environment is billed for that.")
    if facts.classes is not None and instance_class not in facts.classes:
        near = nearest(instance_class, facts.classes)
        raise EnvctlError(
            ExitCode.POLICY,
            f"{instance_class} cannot be ordered for {engine} {version} in this region.",
            f"Set instance_class under [database] to {_either(near)}." if near else "Try another region.",
        )
    return [*notes, *facts.untold]


def nearest(wanted: str, classes: Iterable[str]) -> list[str]:
    """Return the classes most like `wanted`, best first: of the same kind, then size, then generation."""
    return sorted(set(classes), key=lambda name: (_distance(wanted, name), name))[:_NEAREST]


def _distance(wanted: str, name: str) -> tuple[int, float, int, int]:
    one, other = _CLASS.fullmatch(wanted), _CLASS.fullmatch(name)
    if other is None:  # db.serverless is like nothing else
        return 2, 0, 0, 0
    if one is None:  # nothing to go by: the smallest is the cheapest mistake
        return 1, _size(other["size"]), 0, 0
    return (
        0 if one["letters"] == other["letters"] else 1,
        abs(_size(one["size"]) - _size(other["size"])),
        0 if one["variant"] == other["variant"] else 1,
        abs(int(one["generation"]) - int(other["generation"])),
    )


def _size(name: str) -> float:
    """Return a size as a number: medium 3, large 4, xlarge 5, 2xlarge 6, 24xlarge 28."""
    if name in _SMALL:
        return float(_SMALL.index(name))
    times = re.match(r"([0-9]+)xlarge", name)
    return len(_SMALL) - 2 + float(times[1]) if times else 99.0


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
