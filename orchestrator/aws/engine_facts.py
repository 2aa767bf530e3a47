"""RDS: what it says of an engine's version and of the instance classes that can be ordered for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from orchestrator.aws.session import Session, client_error, code_of, translated
from orchestrator.engines import Facts

_EXTENDED = "open-source-rds-extended-support"
_Answer = TypeVar("_Answer")


def read(session: Session, engine: str, version: str, instance_class: str) -> Facts:
    """Return the facts; three calls. What AWS refuses to tell is in `untold`: not knowing hinders nothing."""
    rds = session.client("rds")
    untold: list[str] = []

    def ask(what: str, question: Callable[[], _Answer]) -> _Answer | None:
        with translated(f"asking {what}"):
            try:
                return question()
            except client_error() as error:
                untold.append(f"Going on without knowing {what}: AWS refused to tell ({code_of(error)}).")
                return None

    found = ask(f"whether {engine} {version} can be restored", lambda: _version(rds, engine, version))
    status, major = found or (None, None)
    if status not in (None, "available"):  # that settles it
        return Facts(status)
    since = None
    if major is not None:
        since = ask(f"how long {engine} {major} is supported", lambda: _extended_since(rds, engine, major))
    classes = ask(f"whether {instance_class} can be ordered", lambda: _classes(rds, engine, version, instance_class))
    return Facts(status, major, since, classes, tuple(untold))


def _version(rds: Any, engine: str, version: str) -> tuple[str, str | None]:
    # IncludeAll: without it a deprecated version is not listed, and would look like a mistake.
    listed = rds.describe_db_engine_versions(Engine=engine, EngineVersion=version, IncludeAll=True)["DBEngineVersions"]
    if not listed:
        return "unknown", None
    return listed[0].get("Status") or "available", listed[0].get("MajorEngineVersion")


def _extended_since(rds: Any, engine: str, major: str) -> datetime | None:
    """Return from when on the major version is under Extended Support; not every engine ever is."""
    listed = rds.describe_db_major_engine_versions(Engine=engine, MajorEngineVersion=major)["DBMajorEngineVersions"]
    return max(
        (
            cycle["LifecycleSupportStartDate"]
            for each in listed
            for cycle in each.get("SupportedEngineLifecycles", ())
            if cycle.get("LifecycleSupportName") == _EXTENDED and cycle.get("LifecycleSupportStartDate")
        ),
        default=None,
    )


def _classes(rds: Any, engine: str, version: str, wanted: str) -> tuple[str, ...]:
    """Return `wanted` alone if it can be ordered; only otherwise go through all that can, for a hint."""
    named = {"Engine": engine, "EngineVersion": version, "Vpc": True}
    if rds.describe_orderable_db_instance_options(**named, DBInstanceClass=wanted)["OrderableDBInstanceOptions"]:
        return (wanted,)
    pages = rds.get_paginator("describe_orderable_db_instance_options").paginate(**named)
    return tuple(sorted({option["DBInstanceClass"] for page in pages for option in page["OrderableDBInstanceOptions"]}))
