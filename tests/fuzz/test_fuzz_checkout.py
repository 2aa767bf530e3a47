"""Whatever lies in the checkout and its working files, and stands in the environment: a value, or one clear error."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from builders import NOW, attempt, config, environment, record
from hypothesis import example, given
from hypothesis import strategies as st
from material import DEEP, JSON, TEXT, damaged, encoded, examples

from orchestrator import expiry, git, manifest
from orchestrator.aws.session import Session
from orchestrator.aws.store import Store
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.interrupts import Interrupts
from orchestrator.lifecycle import lasting, prepare, unsaved
from orchestrator.lifecycle.context import Context, Stopwatch
from orchestrator.terraform import Engine
from orchestrator.toolchain import Providers, Tool
from orchestrator.workspace import Workspace

STATE = {
    "version": 4,
    "serial": 3,
    "lineage": "5d1f",
    "resources": [{"mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{"attributes": {"id": "vpc-1"}}]}],
}
WIDE = st.sampled_from(["utf-16", "utf-32", "utf-8-sig"])
BYTES = st.one_of(
    st.binary(max_size=200),
    JSON.map(encoded),
    DEEP.map(str.encode),
    damaged(STATE).map(encoded),
    st.tuples(damaged(STATE), WIDE).map(lambda each: encoded(each[0]).decode().encode(each[1])),
)


class Kept:
    """An S3 client of a bucket in which the states are, and nothing else."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": '"1"'}

    def put_object(self, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:
        self.objects[Key] = Body
        return {"ETag": '"2"'}

    def get_paginator(self, _: str) -> Kept:
        return self

    def paginate(self, Prefix: str, **_: Any) -> Iterator[dict[str, Any]]:
        return iter([{"Versions": [{"Key": Prefix, "VersionId": "1"}] if Prefix in self.objects else []}])

    def delete_objects(self, Delete: dict[str, Any], **_: Any) -> dict[str, Any]:
        for each in Delete["Objects"]:
            self.objects.pop(each["Key"], None)
        return {}


class Pushed(Engine):
    """Pushes nothing and remembers what it should have pushed."""

    def push_state(self, file: Path) -> None:
        self.pushed = file.read_bytes()


def work(directory: Path, objects: dict[str, bytes] | None = None, **more: Any) -> Context:
    session = Session("us-east-1", lambda service: Kept({} if objects is None else objects))
    workspace = Workspace(directory, 42)
    workspace.data.mkdir(parents=True)
    tool, emit = Tool(("/nowhere/terraform",), "a test"), lambda event: None
    return Context(
        config=config(),
        environment=environment(),
        workspace=workspace,
        session=session,
        store=Store(session, "acme-preview-state"),
        engine=Pushed(tool, directory, workspace, {}, emit, Interrupts(emit), lambda: Providers("default"), 10),
        watch=Stopwatch(lambda: 0.0, emit),
        now=lambda: NOW,
        sleep=lambda seconds: None,
        emit=emit,
        **more,
    )


@contextmanager
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


# A state that could not be saved


@examples()
@example(encoded(STATE).decode().encode("utf-16"), None, False)
@given(BYTES, st.one_of(st.none(), BYTES), st.booleans())
def test_anything_as_a_state_that_could_not_be_saved(left: bytes, current: bytes | None, here: bool) -> None:
    """It is pushed as it is, or refused; and until it is pushed, or known to the state that is there, it is kept."""
    keys = environment()
    objects = {} if current is None else {keys.state_key: current}
    with place() as directory:
        context = work(directory, objects)
        if here:
            context.workspace.errored.write_bytes(left)
        else:
            objects[keys.errored_key] = left
        assert isinstance(attempt(unsaved.refuse, context), EnvctlError)
        found = attempt(unsaved.save, context)
        if isinstance(found, EnvctlError):
            assert found.code is ExitCode.TERRAFORM
            assert found.hint
            # One that does not follow what is there stays where it is: in the bucket it would keep everybody out.
            stored = objects.get(keys.errored_key)
            assert (context.workspace.errored.read_bytes() if stored is None else stored) == left
        else:
            assert keys.errored_key not in objects
            assert getattr(context.engine, "pushed", left) == left


# Working files


@examples()
@given(st.one_of(BYTES, damaged(manifest.render(record()).decode()).map(str).map(lambda t: t.encode(errors="replace"))))
def test_anything_in_the_working_files(data: bytes) -> None:
    """They are hints: whatever is in them, the run begins."""
    with place() as directory:
        context = work(directory)
        files = context.workspace
        for path in (files.record, files.tfvars, files.lock_note, files.stamp, files.backend):
            path.write_bytes(data)
        prepare.write_backend(context)
        seen = prepare._last_seen(context)
        assert seen is None or seen.applied_at
        assert prepare.write_tfvars(context, record().snapshot, None) in (True, False)
        assert isinstance((files.read(files.lock_note) or "").split(), list)


@examples(0.3)
@given(st.sampled_from(["record", "tfvars", "lock_note", "stamp"]))
def test_a_directory_in_the_place_of_a_working_file(name: str) -> None:
    with place() as directory:
        files = work(directory).workspace
        path = getattr(files, name)
        path.mkdir()
        assert files.read(path) is None


MODULES = {"Modules": [{"Key": "", "Source": "", "Dir": "."}, {"Key": "web", "Source": "../web", "Dir": "../web"}]}


@examples()
@example(encoded({"Modules": [{"Dir": "\0"}]}))
@given(st.one_of(BYTES, damaged(MODULES).map(encoded)))
def test_anything_in_terraforms_list_of_modules(data: bytes) -> None:
    with place() as directory:
        context = work(directory)
        noted = context.workspace.data / "modules" / "modules.json"
        noted.parent.mkdir()
        noted.write_bytes(data)
        assert context.engine._stamp()


# git's files

WORDS = st.one_of(
    TEXT, st.sampled_from(["ref: refs/heads/x", "gitdir: ..", "gitdir: \0", "ref: \0", "a" * 40, "/", "../.."])
)


@examples()
@example("ref: \0", "", "", "")
@example("", "", "", "\0")
@given(WORDS, WORDS, st.one_of(TEXT, st.sampled_from(['[remote "origin"]\nurl = git@x:a/b.git'])), WORDS)
def test_anything_in_gits_files(head: str, packed: str, remote: str, common: str) -> None:
    with place() as directory:
        (directory / ".git").mkdir()
        files = {"HEAD": head, "packed-refs": packed, "config": remote, "commondir": common}
        for name, text in files.items():
            (directory / ".git" / name).write_bytes(text.encode(errors="surrogatepass"))
        found = git.head(directory)
        assert found is None or len(found) in (40, 64)
        git.repository(directory)


@examples(0.3)
@given(st.one_of(WORDS, st.binary(max_size=40).map(lambda data: data.decode("latin-1"))))
def test_anything_as_the_pointer_of_a_worktree(text: str) -> None:
    with place() as directory:
        (directory / ".git").write_bytes(text.encode(errors="surrogatepass"))
        git.head(directory)
        git.repository(directory)


# When credentials end


@examples()
@given(
    st.one_of(
        TEXT, st.datetimes().map(datetime.isoformat), st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31"])
    ),
    st.sampled_from(["AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION"]),
)
def test_any_end_of_credentials(text: str, name: str) -> None:
    end = expiry.ends_at({"AWS_ACCESS_KEY_ID": "ASIA", name: text})
    with place() as directory:
        found = attempt(lasting.refuse_short_credentials, work(directory, credentials_end=end), None, "up")
        assert found is None or (found.code is ExitCode.CREDENTIALS and found.hint)
