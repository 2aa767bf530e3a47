"""Whether the credentials last as long as what is about to begin. Pure.

Only credentials in the environment end for good. Those of a profile, of single sign-on, of a role behind
them and of an instance or a container are renewed by boto3 and by Terraform alike, each for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from orchestrator.manifest import Manifest, OperationKind

# Set beside the keys by `aws configure export-credentials`, by aws-vault, and by older tools.
_VARIABLES = ("AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION")

# How long each takes when nothing is known: restoring an Aurora cluster and its instances, about 15 to 20
# minutes, is the longest part of the first three.
CREATE = timedelta(minutes=20)
_USUAL: dict[OperationKind, timedelta] = {
    "up": timedelta(minutes=5),
    "destroy": timedelta(minutes=15),
    "refresh-data": CREATE,
    "pause": timedelta(minutes=5),
    "resume": timedelta(minutes=10),
}


def ends_at(environ: Mapping[str, str]) -> datetime | None:
    """Return when the credentials in the environment end; None: they do not, or nothing says when."""
    if not environ.get("AWS_ACCESS_KEY_ID"):
        return None
    for name in _VARIABLES:
        try:
            end = datetime.fromisoformat(environ.get(name, ""))
        except ValueError:
            continue
        return end if end.tzinfo else end.replace(tzinfo=UTC)
    return None


def usual(record: Manifest | None, kind: OperationKind) -> timedelta:
    """Return how long an operation on this environment usually takes: as the last time, if that is on record,
    but never less than what one of its kind may take."""
    if kind == "up" and (record is None or record.restoring):
        return CREATE
    last = record.operation if record else None
    measured = last.ended_at - last.started_at if last and last.kind == kind and last.ended_at else timedelta(0)
    return max(measured, _USUAL[kind])
