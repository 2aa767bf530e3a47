"""Whatever lies where a manifest, a lock, a state or an event is expected: a valid value, or one clear error."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from builders import NOW, attempt, environment, record
from hypothesis import given
from hypothesis import strategies as st
from material import DEEP, JSON, damaged, encoded, examples

from orchestrator import comment_command, github_event, manifest, report
from orchestrator.aws.session import Session
from orchestrator.aws.store import Lock, Store
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.manifest import Manifest
from orchestrator.outcome import Outcome

VALID = json.loads(manifest.render(record()))
EVENT = {
    "action": "created",
    "number": 42,
    "pull_request": {"number": 42, "head": {"sha": "a" * 40, "ref": "x"}, "draft": False, "labels": [{"name": "p"}]},
    "issue": {"number": 42, "pull_request": {"url": "https://example.invalid"}},
    "comment": {"id": 7, "body": "/envctl up", "user": {"login": "mona"}, "author_association": "MEMBER"},
    "label": {"name": "preview"},
    "sender": {"login": "mona"},
    "repository": {"full_name": "acme/shop"},
}
LOCK = {"ID": "5d1f", "Operation": "OperationTypeApply", "Who": "a@b", "Created": "2026-11-22T09:00:00Z"}
STATE = {"version": 4, "serial": 1, "lineage": "5d1f", "resources": [{"mode": "managed", "type": "aws_vpc"}]}


# Manifests


def read(data: bytes) -> None:
    found = attempt(manifest.parse, data, "s3://bucket/manifest.json")
    if isinstance(found, EnvctlError):
        assert found.code is ExitCode.TERRAFORM
        assert found.hint
        return
    assert isinstance(found, Manifest)
    # What is accepted can be written again, and shown.
    assert manifest.parse(manifest.render(found), "again") == found
    outcome = Outcome("show", environment=environment(), manifest=found, status=found.status, snapshot=found.snapshot)
    json.dumps(report.envelope(outcome, NOW))
    assert isinstance(report.text(outcome, NOW), str)


@examples()
@given(st.binary(max_size=300))
def test_any_bytes_as_a_manifest(data: bytes) -> None:
    read(data)


@examples()
@given(st.one_of(JSON.map(encoded), DEEP.map(str.encode)))
def test_any_json_as_a_manifest(data: bytes) -> None:
    read(data)


@examples(2)
@given(damaged(VALID))
def test_a_manifest_with_something_wrong(value: Any) -> None:
    read(encoded(value))


@examples()
@given(st.sampled_from(sorted(VALID)), JSON)
def test_anything_in_a_field_of_a_manifest(name: str, value: Any) -> None:
    read(encoded({**VALID, name: value}))


# Locks and states


class Bucket:
    """An S3 client that answers every GetObject with the same bytes."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.body), "ETag": '"1"', "VersionId": "1"}


def store(body: bytes) -> Store:
    return Store(Session("us-east-1", lambda service: Bucket(body)), "acme-preview-state")


@examples()
@given(st.one_of(st.binary(max_size=200), JSON.map(encoded), DEEP.map(str.encode), damaged(LOCK).map(encoded)))
def test_anything_as_a_lock(body: bytes) -> None:
    found = store(body).lock(environment())
    assert isinstance(found, Lock)
    assert found.describe()


@examples()
@given(st.one_of(st.binary(max_size=200), JSON.map(encoded), DEEP.map(str.encode), damaged(STATE).map(encoded)))
def test_anything_as_a_state(body: bytes) -> None:
    assert store(body).has_state(environment()) in (True, False)


@examples(0.3)
@given(st.one_of(st.none(), JSON), st.one_of(st.none(), JSON))
def test_any_refusal_of_s3(code: Any, message: Any) -> None:
    def refuse(service: str) -> Any:
        class Client:
            def get_object(self, **_: Any) -> None:
                raise ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")

        return Client()

    found = attempt(Store(Session("us-east-1", refuse), "b").read, environment())
    assert found is None or (isinstance(found, EnvctlError) and found.message)


# Events of GitHub


def event(body: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        for read_event in readers():
            read_event({"GITHUB_EVENT_PATH": file.name})


def readers() -> list[Callable[[dict[str, str]], Any]]:
    def number(environ: dict[str, str]) -> None:
        found = github_event.read(environ)
        assert found.pr is None or 1 <= found.pr < 2**31
        assert found.commit is None or set(found.commit) <= set("0123456789abcdef")

    def comment(environ: dict[str, str]) -> None:
        found = github_event.read_comment(environ)
        if found is not None:
            assert 1 <= found.pr < 2**31
            assert found.id > 0
            assert found.author
            comment_command.parse(found.body)

    def label(environ: dict[str, str]) -> None:
        found = github_event.read_label(environ)
        assert found is None or (1 <= found.pr < 2**31 and found.sender)

    return [number, comment, label]


@examples()
@given(st.one_of(st.binary(max_size=300), DEEP.map(str.encode), JSON.map(encoded)))
def test_anything_as_an_event(body: bytes) -> None:
    event(body)


@examples(2)
@given(damaged(EVENT))
def test_an_event_with_something_wrong(value: Any) -> None:
    event(encoded(value))
    event(encoded({**value, "action": "labeled"} if isinstance(value, dict) else value))


@examples(0.1)
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_any_path_of_an_event(name: str) -> None:
    github_event.read({"GITHUB_EVENT_PATH": str(Path("/nowhere") / name.lstrip("/"))})
