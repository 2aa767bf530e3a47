"""The state bucket: manifests (conditional writes), Terraform's lock, and their removal, version by version."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from orchestrator import absence as absences
from orchestrator import locks
from orchestrator import manifest as manifests
from orchestrator import state as states
from orchestrator.absence import Absence
from orchestrator.aws.session import Session, client_error, code_of, translated
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import MAXIMUM_PR, Environment
from orchestrator.locks import Lock
from orchestrator.manifest import Manifest
from orchestrator.state import State

_CONFLICT_ATTEMPTS = 5
_OWN_FILE = re.compile(r"pr-(?P<pr>[1-9][0-9]{0,9})/[^/]+")


@dataclass(frozen=True)
class Stored:
    """A manifest as it lies in the bucket; `etag` is what the next write must match."""

    manifest: Manifest
    etag: str


class Store:
    """The part of the state bucket that belongs to envctl."""

    def __init__(self, session: Session, bucket: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session = session
        self._bucket = bucket
        self._sleep = sleep

    @property
    def _s3(self) -> Any:
        return self._session.client("s3")

    def read(self, environment: Environment) -> Stored | None:
        """Return the manifest, or None when there is none."""
        found = self._get(environment.manifest_key)
        if found is None:
            return None
        body, etag, _ = found
        return Stored(manifests.parse(body, self._place(environment.manifest_key)), etag)

    def write(self, environment: Environment, manifest: Manifest, seen: Stored | None) -> Stored:
        """Write the manifest if it is still what was `seen` (None: not there). Raises EnvctlError (locked)."""
        body, key = manifests.render(manifest), environment.manifest_key
        condition = {"IfMatch": seen.etag} if seen else {"IfNoneMatch": "*"}
        with translated(f"writing {self._place(key)}"):
            for attempt in range(_CONFLICT_ATTEMPTS):
                try:
                    answer = self._s3.put_object(
                        Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", **condition
                    )
                    return Stored(manifest, answer["ETag"])
                except client_error() as error:
                    # S3 answers 409 when two conditional writes meet: neither has lost yet.
                    if code_of(error) == "ConditionalRequestConflict":
                        self._pause(attempt)
                    elif code_of(error) in ("PreconditionFailed", "412"):
                        break
                    elif seen and code_of(error) in ("NoSuchKey", "404"):
                        break  # it was removed meanwhile
                    else:
                        raise
        # A write that was stored but answered with an error is retried by botocore and meets itself.
        now = self._get(key)
        if now and now[0] == body:
            return Stored(manifest, now[1])
        raise EnvctlError(
            ExitCode.LOCKED,
            f"Another run changed {environment.name} at the same moment.",
            "Run it again: it will start from what is there now.",
        )

    def intend(self, environment: Environment, intended: Manifest, seen: Stored | None) -> Stored:
        """Write what is about to be done, as `write` does; only an `extend` meanwhile is no other run, and is kept."""
        for _ in range(_CONFLICT_ATTEMPTS):
            try:
                return self.write(environment, intended, seen)
            except EnvctlError as error:
                newer = self.read(environment) if seen and error.code is ExitCode.LOCKED else None
                rebased = manifests.rebase(intended, seen.manifest, newer.manifest) if seen and newer else None
                if rebased is None:
                    raise
                intended, seen = rebased, newer
        raise self._restless(environment)

    def update(self, environment: Environment, seen: Stored, change: Callable[[Manifest], Manifest]) -> Stored:
        """Write `change` of what is there now: another writer's word is read again and kept.

        Raises EnvctlError (locked) when the manifest was removed meanwhile or never rests.
        """
        for _ in range(_CONFLICT_ATTEMPTS):
            try:
                return self.write(environment, change(seen.manifest), seen)
            except EnvctlError as error:
                newer = self.read(environment) if error.code is ExitCode.LOCKED else None
                if newer is None:
                    raise
                seen = newer
        raise self._restless(environment)

    @staticmethod
    def _restless(environment: Environment) -> EnvctlError:
        return EnvctlError(
            ExitCode.LOCKED, f"The manifest of {environment.name} keeps changing.", "Run it again in a while."
        )

    def count(self, prefix: str) -> int:
        """Return how many manifests there are below `prefix`, whether or not they can be read."""
        return len(self._manifest_keys(prefix))

    def all(self, prefix: str) -> tuple[list[Manifest], list[EnvctlError]]:
        """Return every manifest below `prefix`, by pull request number, and why some cannot be read."""
        wanted = self._manifest_keys(prefix)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(self._get, wanted))
        read, broken = [], []
        for key, one in zip(wanted, found, strict=True):
            if one is None:  # removed since the listing: no environment any more
                continue
            try:
                read.append(manifests.parse(one[0], self._place(key)))
            except EnvctlError as error:
                broken.append(error)
        return sorted(read, key=lambda manifest: manifest.pr), broken

    def numbers(self, prefix: str) -> set[int]:
        """Return the pull requests below `prefix` that anything is kept of: a manifest, a state, a lock, a note."""
        found = (_OWN_FILE.fullmatch(key.removeprefix(prefix)) for key in self._keys(prefix))
        return {int(match["pr"]) for match in found if match and int(match["pr"]) <= MAXIMUM_PR}

    def keeps(self, environment: Environment) -> bool:
        """Return whether anything is kept of an environment but the note that it is absent on purpose."""
        return bool({*self._keys(environment.prefix)} & {*environment.keys})

    def _manifest_keys(self, prefix: str) -> list[str]:
        keys = self._keys(prefix)
        return [key for key in keys if key.endswith("/manifest.json") and key.count("/") == prefix.count("/") + 1]

    def _keys(self, prefix: str) -> list[str]:
        with translated(f"listing s3://{self._bucket}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [o["Key"] for page in pages for o in page.get("Contents", ())]

    def absence(self, environment: Environment) -> Absence | None:
        """Return the note that there is no environment on purpose, or None."""
        found = self._get(environment.absence_key)
        return absences.parse(found[0]) if found else None

    def note_absence(self, environment: Environment, absence: Absence) -> None:
        """Note that there is no environment on purpose; the last word counts."""
        key = environment.absence_key
        with translated(f"writing {self._place(key)}"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=absences.render(absence))

    def state(self, environment: Environment) -> State | None:
        """Return what Terraform's state knows, or None when there is none."""
        found = self._get(environment.state_key)
        return states.parse(found[0]) if found else None

    def has_state(self, environment: Environment) -> bool:
        """Return whether there is a state with any resource in it: a destroy leaves an empty one behind."""
        found = self.state(environment)
        return found is not None and found.holds_something

    def errored(self, environment: Environment) -> bytes | None:
        """Return a state that could not be saved, if one is kept."""
        found = self._get(environment.errored_key)
        return found[0] if found else None

    def keep_errored(self, environment: Environment, body: bytes) -> None:
        """Keep a state that could not be saved, encrypted as the bucket does by default."""
        self._put(environment.errored_key, body)

    def bundle(self, environment: Environment, version: str) -> bytes | None:
        """Return stored code, if it is there; `version` as `keep_bundle` returned it."""
        found = self._get(environment.bundle_key, version)
        return found[0] if found else None

    def keep_bundle(self, environment: Environment, body: bytes) -> str:
        """Store code; return the object's version: until a record names it, the one before is in force."""
        return self._put(environment.bundle_key, body)

    def _put(self, key: str, body: bytes) -> str:
        with translated(f"writing {self._place(key)}"):
            return str(self._s3.put_object(Bucket=self._bucket, Key=key, Body=body).get("VersionId") or "")

    def lock(self, environment: Environment) -> Lock | None:
        """Return who holds the lock, or None."""
        found = self._get(environment.lock_key)
        return locks.parse(found[0], found[2]) if found else None

    def take_lock(self, environment: Environment, lock: Lock) -> Lock:
        """Write `lock` unless there is one; return the one that is there then, ours or another's."""
        key = environment.lock_key
        body = locks.render(lock, f"{self._bucket}/{key}")
        with translated(f"writing {self._place(key)}"):
            for attempt in range(_CONFLICT_ATTEMPTS):
                try:
                    answer = self._s3.put_object(
                        Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*"
                    )
                    return replace(lock, version=answer.get("VersionId"))
                except client_error() as error:
                    if code_of(error) == "ConditionalRequestConflict":
                        self._pause(attempt)
                    elif code_of(error) in ("PreconditionFailed", "412"):
                        # It may be ours: a write that was stored but answered with an error is retried by botocore.
                        found = self._get(key)
                        if found:
                            return locks.parse(found[0], found[2])
                    else:
                        raise
        raise EnvctlError(
            ExitCode.LOCKED, f"The lock of {environment.name} keeps changing.", "Run it again in a while."
        )

    def _pause(self, attempt: int) -> None:
        """Wait after a conflict, each time longer and never as long as whoever it was with."""
        self._sleep(0.2 * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret hangs on it

    def unlock(self, environment: Environment, lock: Lock) -> None:
        """Remove exactly this lock: one that another run takes meanwhile is another version, and stays."""
        key = environment.lock_key
        versioned = {"VersionId": lock.version} if lock.version else {}
        with translated(f"deleting {self._place(key)}"):
            self._s3.delete_object(Bucket=self._bucket, Key=key, **versioned)

    def purge(self, keys: Iterable[str], sure: Callable[[], None] = lambda: None) -> int:
        """Delete every version and delete marker of exactly `keys`, in that order; return how many.

        All are listed first, then `sure` is called, which may raise: what is written after it stays.
        """
        listed = [(key, self._versions(key)) for key in keys]
        sure()
        for key, versions in listed:
            with translated(f"deleting {self._place(key)}"):
                for start in range(0, len(versions), 1000):  # the limit of one DeleteObjects call
                    answer = self._s3.delete_objects(
                        Bucket=self._bucket, Delete={"Objects": versions[start : start + 1000], "Quiet": True}
                    )
                    for error in answer.get("Errors", ()):
                        raise client_error()({"Error": error}, "DeleteObjects")
        return sum(len(versions) for _, versions in listed)

    def _versions(self, key: str) -> list[dict[str, str]]:
        with translated(f"listing {self._place(key)}"):
            pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
            return [
                {"Key": key, "VersionId": v["VersionId"]}
                for page in pages
                for v in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                if v["Key"] == key  # a prefix also finds longer keys
            ]

    def check(self) -> bool:
        """Return whether the bucket keeps versions. Raises EnvctlError when it cannot be reached."""
        with translated(f"looking at the bucket {self._bucket}"):
            answer = self._s3.get_bucket_versioning(Bucket=self._bucket)
        return bool(answer.get("Status") == "Enabled")

    def _get(self, key: str, version: str = "") -> tuple[bytes, str, str | None] | None:
        """Return an object's bytes, ETag and version, or None when it is not there."""
        with translated(f"reading {self._place(key)}"):
            try:
                named = {"VersionId": version} if version else {}
                answer = self._s3.get_object(Bucket=self._bucket, Key=key, **named)
                return answer["Body"].read(), answer["ETag"], answer.get("VersionId")
            except client_error() as error:
                if code_of(error) in ("NoSuchKey", "NoSuchVersion", "404"):
                    return None
                raise

    def _place(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
