"""The versioned record of an environment: what was meant, what came of it.

It lies beside the state, is written before Terraform runs (intent) and after (outcome), and is the one
place where the snapshot is pinned. The bytes are in here; reading and writing S3 is in `aws`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import Environment
from orchestrator.snapshots import Kind, SnapshotChoice

VERSION = 1
Status = Literal["creating", "updating", "ready", "unhealthy", "failed", "paused", "destroying", "destroyed"]


PausedBy = Literal["person", "schedule"]
OperationKind = Literal["up", "destroy", "refresh-data", "pause", "resume"]


@dataclass(frozen=True)
class PinnedSnapshot:
    """The snapshot that an environment's data came from, chosen once."""

    arn: str
    id: str
    kind: Kind
    engine: str
    engine_version: str
    created_at: datetime
    reason: str

    @classmethod
    def of(cls, choice: SnapshotChoice) -> PinnedSnapshot:
        chosen = choice.snapshot
        assert chosen.created_at is not None  # noqa: S101 - choose() passes over those without a time
        return cls(
            chosen.arn,
            chosen.id,
            chosen.kind,
            chosen.engine,
            chosen.engine_version,
            chosen.created_at,
            choice.reason,
        )


@dataclass(frozen=True)
class Operation:
    """What is, or was last, under way: the intent and, once it ended, its outcome in a sentence.

    `id` tells this run from every other and is the id of its lock; `beat_at` is its last sign of life.
    `generation` is that of the record when it was begun: in a later one its outcome does not count.
    """

    kind: OperationKind
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    id: str = ""
    beat_at: datetime | None = None
    generation: int = 1


@dataclass(frozen=True)
class StoredCode:
    """The code that was applied last, kept beside the state: the archive's checksum, the digest of the code in
    it, the root module's place there, and which version of the object it is."""

    sha256: str
    code: str
    root: str
    version: str = ""


@dataclass(frozen=True)
class Manifest:
    """An environment as its last writer left it. All times are UTC.

    `generation` counts the lives of its pull request: closing ends one (`closed_at`), and what was begun in
    an older one may not write any more. `data_at` is when the database was last restored, `paused_at` since
    when it is paused, and `paused_by` who did it.

    `replacing` is AWS's own id of a database that has to go, for its data is older than `snapshot`, or "gone"
    where there is none any more: it is set before anything is touched and stays until the new database stands,
    whoever finishes the work.
    """

    name: str
    pr: int
    project: str
    repository: str
    region: str
    status: Status
    snapshot: PinnedSnapshot
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    commit: str | None = None
    applied_at: datetime | None = None
    operation: Operation | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    generation: int = 1
    closed_at: datetime | None = None
    data_at: datetime | None = None
    paused_at: datetime | None = None
    paused_by: PausedBy | None = None
    code: StoredCode | None = None
    replacing: str | None = None
    version: int = VERSION

    @property
    def url(self) -> str | None:
        url = self.outputs.get("url")
        return url if isinstance(url, str) else None

    @property
    def restoring(self) -> bool:
        """Whether the next complete apply restores the database: the first one, that of a refresh, or of a lost one."""
        return self.applied_at is None or self.replacing is not None


def begin(environment: Environment, snapshot: PinnedSnapshot, now: datetime, ttl: timedelta) -> Manifest:
    """Return the record of an environment that is about to be created."""
    now = now.replace(microsecond=0)  # as it is written
    return Manifest(
        name=environment.name,
        pr=environment.pr,
        project=environment.project,
        repository=environment.repository,
        region=environment.region,
        status="creating",
        snapshot=snapshot,
        created_at=now,
        updated_at=now,
        expires_at=now + ttl,
    )


def intend(manifest: Manifest, kind: OperationKind, now: datetime, commit: str | None, run: str = "") -> Manifest:
    """Return `manifest` with what is about to be done; `run` tells this run from every other.

    A destroy ends the life that the record is of, if closing has not; whatever else is done after that
    begins a new one.
    """
    if kind == "destroy":
        manifest = close(manifest, now)
        status: Status = "destroying"
    else:
        manifest = _reopen(manifest)
        status = "updating" if manifest.applied_at else "creating"
    return replace(
        manifest,
        status=status,
        commit=commit or manifest.commit,
        updated_at=now,
        operation=Operation(kind, now, id=run, generation=manifest.generation),
    )


def close(manifest: Manifest, now: datetime) -> Manifest:
    """Return `manifest` as a tombstone: this life is over, and nothing that was begun in it counts any more."""
    if manifest.closed_at is not None:
        return manifest
    return replace(manifest, generation=manifest.generation + 1, closed_at=now, updated_at=now)


def _reopen(manifest: Manifest) -> Manifest:
    if manifest.closed_at is None:
        return manifest
    return replace(manifest, generation=manifest.generation + 1, closed_at=None)


def prolong(manifest: Manifest, until: datetime) -> Manifest:
    """Return `manifest` living until then at least."""
    return replace(manifest, expires_at=max(manifest.expires_at, until))


def rebase(intended: Manifest, seen: Manifest, newer: Manifest) -> Manifest | None:
    """Return `intended`, which was made of `seen`, on top of `newer`; None when more than its expiry has changed."""
    if replace(newer, expires_at=seen.expires_at) != seen:
        return None
    return prolong(intended, newer.expires_at)


def conclude(
    manifest: Manifest, status: Status, outcome: str, now: datetime, outputs: dict[str, Any] | None = None
) -> Manifest:
    """Return `manifest` with what came of it; `outputs` replace the old ones when given."""
    operation = replace(manifest.operation, ended_at=now, outcome=outcome) if manifest.operation else None
    ended = replace(
        manifest,
        status=status,
        updated_at=now,
        operation=operation,
        outputs=manifest.outputs if outputs is None else outputs,
    )
    return _applied(ended, now) if status in ("ready", "unhealthy") else ended


def _applied(manifest: Manifest, now: datetime) -> Manifest:
    """Return `manifest` after a complete apply, healthy or not: everything runs, on the data of its snapshot."""
    return replace(
        manifest,
        applied_at=manifest.applied_at or now,  # from the first one on there is data that can be lost
        data_at=now if manifest.restoring else manifest.data_at,
        replacing=None,
        paused_at=None,
        paused_by=None,
    )


def conclude_own(
    manifest: Manifest,
    run: str,
    status: Status,
    outcome: str,
    now: datetime,
    outputs: dict[str, Any] | None = None,
) -> Manifest:
    """Return `conclude`, but only of the operation that `run` began in this generation.

    Another's is for that run to end; and what was begun before the record was closed never wins against that.
    """
    operation = manifest.operation
    if operation is None or operation.id != run or operation.generation != manifest.generation:
        return manifest
    return conclude(manifest, status, outcome, now, outputs)


def beat(manifest: Manifest, run: str, now: datetime) -> Manifest:
    """Return `manifest` with a sign of life of `run`, if the last operation is its own.

    That may have ended already: its run still waits for health, say. A tombstone is about to be deleted: a version
    that is written then would outlive it.
    """
    operation = manifest.operation
    if operation is None or operation.id != run or manifest.status == "destroyed":
        return manifest
    return replace(manifest, operation=replace(operation, beat_at=now))


def render(manifest: Manifest) -> bytes:
    """Return the bytes that `parse` reads."""
    return json.dumps(asdict(manifest), default=_iso, indent=2, sort_keys=True).encode() + b"\n"


def parse(data: bytes, place: str) -> Manifest:
    """Read a manifest; `place` names it in errors. Raises EnvctlError (Terraform or AWS refused).

    Fields that are not known are ignored within one version: an older envctl may read what a newer
    one of the same version wrote.
    """
    try:
        raw = json.loads(data)
        if not isinstance(raw, dict):
            raise TypeError("not an object")
        version = raw["version"]
        if type(version) is not int:
            raise TypeError("version is not a number")
        if version > VERSION:
            raise EnvctlError(
                ExitCode.TERRAFORM,
                f"The manifest {place} has version {version}; this envctl knows up to {VERSION}.",
                "Update envctl.",
            )
        return _manifest(raw)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise EnvctlError(
            ExitCode.TERRAFORM,
            f"The manifest {place} cannot be read: {type(error).__name__}: {error}.",
            "An older version of the object may be intact: list its versions in the bucket and restore one.",
        ) from None


def _manifest(raw: dict[str, Any]) -> Manifest:
    values = {f.name: raw[f.name] for f in fields(Manifest) if f.name in raw}
    for name in ("created_at", "updated_at", "expires_at"):
        values[name] = _time(values[name])
    for name in ("applied_at", "closed_at", "data_at", "paused_at"):
        values[name] = _time(values.get(name), optional=True)
    if values.get("paused_by") not in (None, *get_args(PausedBy)):
        raise ValueError(f"paused_by {values['paused_by']!r}")
    _whole(values.get("generation", 1))
    if values["status"] not in get_args(Status):
        raise ValueError(f"status {values['status']!r}")
    _texts(values, "name", "project", "repository", "region")
    _texts(values, *(name for name in ("commit", "replacing") if values.get(name) is not None))
    if type(values["pr"]) is not int or not isinstance(values.get("outputs", {}), dict):
        raise TypeError("pr or outputs has the wrong type")
    values["snapshot"] = _snapshot(raw["snapshot"])
    if values.get("code") is not None:
        values["code"] = StoredCode(**{f.name: str(raw["code"].get(f.name, "")) for f in fields(StoredCode)})
    if values.get("operation") is not None:
        values["operation"] = _operation(values["operation"])
    return Manifest(**values)


def _snapshot(raw: dict[str, Any]) -> PinnedSnapshot:
    values = {f.name: raw[f.name] for f in fields(PinnedSnapshot)}
    _texts(values, "arn", "id", "engine", "engine_version", "reason")
    if values["kind"] not in get_args(Kind):
        raise ValueError(f"snapshot of kind {values['kind']!r}")
    return PinnedSnapshot(**{**values, "created_at": _time(values["created_at"])})


def _operation(raw: dict[str, Any]) -> Operation:
    return Operation(
        kind=raw["kind"],
        started_at=_time(raw["started_at"]),
        ended_at=_time(raw.get("ended_at"), optional=True),
        outcome=raw.get("outcome"),
        id=str(raw.get("id", "")),
        beat_at=_time(raw.get("beat_at"), optional=True),
        generation=_whole(raw.get("generation", 1)),
    )


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("generation is not a number")
    return value


def _texts(values: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(values[name], str):
            raise TypeError(f"{name} is not a string")


def _time(value: Any, optional: bool = False) -> Any:
    if value is None and optional:
        return None
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(type(value).__name__)


def iso(moment: datetime) -> str:
    """Return `moment` in UTC to the second, as GitHub and AWS write it: 2026-11-22T09:00:00Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
