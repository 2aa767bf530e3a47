"""Not a correction: how the seed says what AWS decides by itself, states and ages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.responses import RDSResponse

from orchestrator.sandbox.corrections.tools import Original, around, tags_of

# How the seed says what AWS decides by itself (see `seeded_snapshots`).
STATUS_TAG = "sandbox:status"
TYPE_TAG = "sandbox:type"
CREATED_TAG = "sandbox:created-at"
SEED_TAGS = frozenset({STATUS_TAG, TYPE_TAG, CREATED_TAG})


def seeded_snapshots() -> None:
    """Lets the seed make the snapshots of a past that never was.

    In AWS time passes, backups run by themselves and sometimes fail; here CreateDBClusterSnapshot and
    CreateDBSnapshot obey three tags, which are not kept: the type (an automated snapshot is named
    `rds:...`), the creation time and the status. As in AWS, a DB snapshot that is still `creating` has no
    creation time yet.
    """

    @around(RDSResponse, "create_db_cluster_snapshot")
    def create_cluster_snapshot(original: Original, self: RDSResponse) -> ActionResult:
        seeded = _seeded(self.params, "DBClusterSnapshot", self.backend.create_db_cluster_snapshot)
        return seeded or original(self)

    @around(RDSResponse, "create_db_snapshot")
    def create_snapshot(original: Original, self: RDSResponse) -> ActionResult:
        return _seeded(self.params, "DBSnapshot", self.backend.create_db_snapshot) or original(self)


def _seeded(params: Any, kind: str, create: Callable[..., Any]) -> ActionResult | None:
    told = tags_of(params.get("Tags"))
    if told.keys().isdisjoint(SEED_TAGS):
        return None
    params["Tags"] = [tag for tag in params["Tags"] if tag["Key"] not in SEED_TAGS]
    if told.get(TYPE_TAG) == "automated":
        params["SnapshotType"] = "automated"
        params[f"{kind}Identifier"] = "rds:" + params[f"{kind}Identifier"]
    snapshot: Any = create(**params)
    if CREATED_TAG in told:
        created = datetime.fromisoformat(told[CREATED_TAG]).astimezone(UTC).replace(tzinfo=None)
        snapshot.created = snapshot.original_snapshot_create_time = created
    if STATUS_TAG in told:
        snapshot.status = told[STATUS_TAG]
        snapshot.percent_progress = 40
        if snapshot.status == "creating" and kind == "DBSnapshot":
            snapshot.created = snapshot.original_snapshot_create_time = None
    return ActionResult({kind: snapshot})
