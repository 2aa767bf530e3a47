"""Which database engines the local AWS offers: an excerpt of RDS's release calendars, in RDS's shapes.

Dates are those of the calendars in the RDS and Aurora user guides; what is left out here is unknown to
the sandbox, as a version that was never made is to RDS.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

_FOREVER = timedelta(days=3 * 365)  # Extended Support lasts three years
# {engine: {major version: last day of standard support}}
_CALENDAR = {
    "aurora-mysql": {"5.7": date(2024, 10, 31), "8.0": date(2028, 4, 30)},
    "mysql": {"5.7": date(2024, 2, 29), "8.0": date(2026, 7, 31), "8.4": date(2029, 7, 31)},
    "postgres": {
        "11": date(2024, 2, 29),
        "12": date(2025, 2, 28),
        "13": date(2026, 2, 28),
        "14": date(2027, 2, 28),
        "15": date(2028, 2, 29),
        "16": date(2029, 2, 28),
        "17": date(2030, 2, 28),
    },
}
_CALENDAR["aurora-postgresql"] = _CALENDAR["postgres"]
# Minor versions that can no longer be made; of each engine, one is enough to meet the case.
_DEPRECATED = ("5.7.mysql_aurora.2.07.", "8.0.mysql_aurora.3.01.", "8.0.28", "16.1")
_CLASSES = {
    "aurora": (
        "t3.medium",
        "t3.large",
        "t4g.medium",
        "t4g.large",
        "r6g.large",
        "r6g.xlarge",
        "r7g.large",
        "serverless",
    ),
    "rds": ("t3.micro", "t3.small", "t4g.micro", "t4g.small", "t4g.medium", "t4g.large", "m6g.large", "r6g.large"),
}


def versions(engine: str, version: str, include_all: bool) -> list[dict[str, Any]]:
    """Return what DescribeDBEngineVersions lists of one version."""
    major = _major(engine, version)
    status = "deprecated" if _is_deprecated(version) else "available"
    if major is None or (status == "deprecated" and not include_all):
        return []
    return [{"Engine": engine, "EngineVersion": version, "MajorEngineVersion": major, "Status": status}]


def majors(engine: str, major: str) -> list[dict[str, Any]]:
    """Return what DescribeDBMajorEngineVersions lists of one major version."""
    last = _CALENDAR.get(engine, {}).get(major)
    if last is None:
        return []
    ends = datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=UTC)
    cycles = [
        ("open-source-rds-standard-support", ends - 2 * _FOREVER, ends),
        ("open-source-rds-extended-support", ends + timedelta(seconds=1), ends + _FOREVER),
    ]
    listed = [
        {"LifecycleSupportName": name, "LifecycleSupportStartDate": start, "LifecycleSupportEndDate": end}
        for name, start, end in cycles
    ]
    return [{"Engine": engine, "MajorEngineVersion": major, "SupportedEngineLifecycles": listed}]


def orderable(engine: str, version: str, instance_class: str | None) -> list[dict[str, Any]]:
    """Return what DescribeOrderableDBInstanceOptions lists of one version, or of one class for it."""
    if _major(engine, version) is None or _is_deprecated(version):
        return []
    names = [f"db.{name}" for name in _CLASSES["aurora" if engine.startswith("aurora") else "rds"]]
    wanted = [name for name in names if instance_class in (None, name)]
    return [{"Engine": engine, "EngineVersion": version, "DBInstanceClass": name, "Vpc": True} for name in wanted]


def _major(engine: str, version: str) -> str | None:
    parts = version.split(".")
    major = parts[0] if "postgres" in engine else ".".join(parts[:2])
    return major if major in _CALENDAR.get(engine, {}) else None


def _is_deprecated(version: str) -> bool:
    return any(version == known or (known.endswith(".") and version.startswith(known)) for known in _DEPRECATED)
