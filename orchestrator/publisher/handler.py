"""What Lambda calls: its environment and an event in, one look at the account, a line of log out."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestrator.aws.session import Session
from orchestrator.publisher.publish import publish
from orchestrator.snapshots import Policy

_LONGEST = 200  # of what is quoted from an event
logger = logging.getLogger("envctl.publisher")
logger.setLevel(logging.INFO)  # Lambda's own default is WARNING


@dataclass(frozen=True)
class Settings:
    """What Terraform sets: which parameter, and by which rule. Age is for whoever reads it to judge."""

    parameter: str
    policy: Policy

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Return the function's settings. A KeyError or ValueError is Terraform's mistake: it must be seen."""
        kind = environ["KIND"]
        if kind not in ("auto", "cluster", "instance"):
            raise ValueError(f"KIND is {kind!r}")
        types = tuple(environ["SNAPSHOT_TYPES"].split(","))
        return cls(environ["PARAMETER"], Policy(environ["SOURCE"], types, kind))  # type: ignore[arg-type]


def handle(event: object, _context: object = None) -> dict[str, Any]:
    """Look, and return what the parameter names. Raises EnvctlError, upon which Lambda tries again."""
    settings = Settings.of(os.environ)
    return run(event, settings, Session(os.environ.get("AWS_REGION")), lambda: datetime.now(UTC))


def run(event: object, settings: Settings, session: Session, now: Callable[[], datetime]) -> dict[str, Any]:
    """Do what `handle` does, with everything handed in."""
    done = publish(session, settings.parameter, settings.policy, now)
    said = {
        "parameter": settings.parameter,
        "change": done.change,
        "snapshot": done.snapshot.arn if done.snapshot else None,
        "created_at": done.snapshot.created_at.isoformat() if done.snapshot and done.snapshot.created_at else None,
        "because": describe(event),
    }
    logger.log(logging.INFO if done.snapshot else logging.WARNING, json.dumps(said, sort_keys=True))
    return said


def describe(event: object) -> str:
    """Return what an event says happened, for the log alone: the same is done about every event.

    EventBridge delivers those of RDS late, doubled, out of order or not at all (RDS user guide, "Monitoring
    events"), and anyone who may invoke the function can send anything.
    """
    match event:
        case {"source": "aws.rds", "detail": {"EventID": str(id), "SourceIdentifier": str(source)}}:
            return f"{id[:_LONGEST]} {source[:_LONGEST]}"
        case {"source": "aws.events", "detail-type": "Scheduled Event"}:
            return "schedule"
        case _:
            return f"an event of no known form: {repr(event)[:_LONGEST]}"
