"""Valid values to change one thing of: each test says only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator import identity, manifest
from orchestrator.config import Config
from orchestrator.errors import EnvctlError
from orchestrator.events import Resource
from orchestrator.identity import Environment
from orchestrator.manifest import Manifest, PinnedSnapshot
from orchestrator.snapshots import Snapshot


def attempt(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `work` returns, or the EnvctlError that it raises. Anything else is a bug, and goes through."""
    try:
        return work(*arguments)
    except EnvctlError as error:
        return error


NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ARN = "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:"


def config(**sections: Mapping[str, object]) -> Config:
    """The smallest valid configuration with `sections` laid over it."""
    values: dict[str, dict[str, object]] = {
        "project": {"name": "shop", "repository": "acme/shop"},
        "state": {"bucket": "acme-preview-state"},
        "database": {"source": "shop-prod"},
    }
    for section, keys in sections.items():
        values[section] = {**values.get(section, {}), **keys}
    return Config.model_validate(values)


def environment(pr: int = 42, **sections: Mapping[str, object]) -> Environment:
    return identity.identify(pr, config(**sections), "us-east-1")


def candidate(id: str = "rds:shop-prod-2026-11-22-03-07", age_h: float = 6, **changes: Any) -> Snapshot:
    """A usable snapshot, taken `age_h` hours before NOW."""
    made = Snapshot(
        arn=ARN + id,
        id=id,
        kind="cluster",
        source="shop-prod",
        type="automated",
        status="available",
        engine="aurora-mysql",
        engine_version="8.0.mysql_aurora.3.08.0",
        created_at=NOW - timedelta(hours=age_h),
    )
    return replace(made, **changes)


def pinned(**changes: Any) -> PinnedSnapshot:
    made = PinnedSnapshot(
        arn=ARN + "rds:shop-prod-2026-11-22-03-07",
        id="rds:shop-prod-2026-11-22-03-07",
        kind="cluster",
        engine="aurora-mysql",
        engine_version="8.0.mysql_aurora.3.08.0",
        created_at=NOW - timedelta(hours=6),
        reason="the newest by original creation time, of 130 seen",
    )
    return replace(made, **changes)


def record(**changes: Any) -> Manifest:
    """The record of an environment that is ready and lives three more days."""
    begun = manifest.begin(environment(), pinned(), NOW, timedelta(hours=72))
    ready = manifest.conclude(manifest.intend(begun, "up", NOW, "a" * 40), "ready", "applied", NOW, OUTPUTS)
    return replace(ready, **changes)


OUTPUTS = {
    "url": "http://shop-pr-42.elb.example",
    "database_endpoint": "shop-pr-42.cluster.example",
    "database_port": 3306,
    "bastion_instance_id": "i-0123456789abcdef0",
    "vpc_id": "vpc-1",
}


def resource(address: str, action: str = "create", phase: Any = "planned", elapsed_s: float = 0.0) -> Resource:
    kind = next(part for part in reversed(address.split(".")[:-1]) if part != "module")
    return Resource(phase, address, kind, action, elapsed_s)
