"""Starting, finding and ending the real sandbox, and the production account it starts with."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.sandbox import control
from orchestrator.sandbox.seed import seed


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One sandbox for the whole module; the last test stops it."""
    directory = tmp_path_factory.mktemp("work") / ".envctl"
    yield directory
    control.stop(directory)


@pytest.fixture(scope="module")
def sandbox(directory: Path) -> control.Sandbox:
    return control.start(directory)


@pytest.fixture(scope="module")
def clients(sandbox: control.Sandbox) -> Any:
    session = boto3.Session("sandbox", "sandbox", region_name="us-east-1")
    config = Config(s3={"addressing_style": "path"}, proxies={})
    return lambda service: session.client(service, endpoint_url=sandbox.endpoint, config=config)


def pages(rds: Any, **wanted: str) -> list[list[dict[str, Any]]]:
    listing = rds.get_paginator("describe_db_cluster_snapshots").paginate(**wanted)
    return [page["DBClusterSnapshots"] for page in listing]


# --- The account -----------------------------------------------------------------------------------


def test_production_has_130_snapshots_over_two_pages(clients: Any) -> None:
    rds = clients("rds")
    assert [len(page) for page in pages(rds, DBClusterIdentifier="shop-prod")] == [100, 30]
    assert len(pages(rds, DBClusterIdentifier="shop-prod", SnapshotType="automated")[0]) == 35
    assert len(pages(rds, DBClusterIdentifier="shop-prod", SnapshotType="manual")[0]) == 95
    (other,) = pages(rds, DBClusterIdentifier="billing-prod")
    assert {each["DBClusterIdentifier"] for each in other} == {"billing-prod"}


def test_the_newest_usable_snapshot_hides_behind_newer_ones(clients: Any, sandbox: control.Sandbox) -> None:
    listed = [each for page in pages(clients("rds"), DBClusterIdentifier="shop-prod") for each in page]
    newest = sorted(listed, key=lambda each: each["SnapshotCreateTime"], reverse=True)
    copy, creating, failed, usable, *older = newest
    assert copy["DBClusterSnapshotIdentifier"] == "shop-prod-copy-of-release-001"
    assert (creating["Status"], failed["Status"], usable["Status"]) == ("creating", "failed", "available")
    assert usable["SnapshotType"] == "automated"
    taken = usable["SnapshotCreateTime"]
    assert usable["DBClusterSnapshotIdentifier"] == f"rds:shop-prod-{taken.astimezone(UTC):%Y-%m-%d-%H-%M}"
    assert timedelta(hours=3) < sandbox.started_at - taken < timedelta(hours=4)
    assert {each["Status"] for each in older} == {"available"}


def test_a_copied_instance_snapshot_keeps_its_original_time(clients: Any) -> None:
    listed = clients("rds").describe_db_snapshots(DBInstanceIdentifier="legacy-prod")["DBSnapshots"]
    by_name = {each["DBSnapshotIdentifier"]: each for each in listed}
    source, copy = by_name["legacy-prod-month-6"], by_name["legacy-prod-copy-of-month-6"]
    assert copy["SnapshotCreateTime"] > source["SnapshotCreateTime"] + timedelta(days=100)
    assert copy["OriginalSnapshotCreateTime"] == source["OriginalSnapshotCreateTime"]
    assert "SnapshotCreateTime" not in by_name["legacy-prod-on-demand"]


def test_the_state_bucket_is_versioned_and_private(clients: Any) -> None:
    s3 = clients("s3")
    assert s3.get_bucket_versioning(Bucket="envctl-sandbox-state")["Status"] == "Enabled"
    access = s3.get_public_access_block(Bucket="envctl-sandbox-state")["PublicAccessBlockConfiguration"]
    assert set(access.values()) == {True}


def test_seeding_again_adds_one_newer_snapshot_each_time(clients: Any, sandbox: control.Sandbox) -> None:
    before = {each["DBClusterSnapshotIdentifier"] for page in pages(clients("rds")) for each in page}
    now = datetime.now(UTC)
    added = [seed(sandbox.endpoint, now), seed(sandbox.endpoint, now)]  # within the same minute
    listed = [each for page in pages(clients("rds")) for each in page]
    new = [each for each in listed if each["DBClusterSnapshotIdentifier"] not in before]
    assert [each["DBClusterSnapshotIdentifier"] for each in new] == added
    assert {(each["SnapshotType"], each["SnapshotCreateTime"]) for each in new} == {("automated", now)}


def test_iam_knows_the_policies_of_aws(clients: Any) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert clients("iam").get_policy(PolicyArn=arn)["Policy"]["PolicyName"] == "AmazonSSMManagedInstanceCore"


# --- The process -----------------------------------------------------------------------------------


def test_it_is_found_by_its_record_and_started_once(sandbox: control.Sandbox, directory: Path) -> None:
    said: list[str] = []
    assert control.start(directory, echo=said.append) == sandbox == control.find(directory)
    assert said == [f"The sandbox already runs at {sandbox.endpoint}."]


def test_it_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from orchestrator.sandbox import control;"
        "print(control.start(Path(sys.argv[1])).port)"
    )
    root = Path(control.__file__).parents[2]
    output = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    found = control.find(tmp_path)
    assert found is not None
    assert (str(found.port), output.stderr) == (output.stdout.strip(), "")
    assert os.getsid(found.pid) == found.pid
    assert control.stop(tmp_path) == found
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", found.port), timeout=5)
    assert control.find(tmp_path) is None


def test_stopping_none_is_success(tmp_path: Path) -> None:
    assert control.stop(tmp_path) is None
    assert control.stop(tmp_path / "missing") is None
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": "x"}', "\xff not json"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "sandbox.json").write_text(content)
    assert control.find(tmp_path) is None
    assert control.stop(tmp_path) is None
    assert not (tmp_path / "sandbox.json").exists()


def test_a_stranger_is_never_stopped(tmp_path: Path) -> None:
    """The recorded process is alive and somebody answers on the recorded port, but it is not the sandbox."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"another token")

        def log_message(self, format: str, *args: Any) -> None: ...

    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        record = {
            "pid": bystander.pid,
            "port": server.server_port,
            "token": "ours",
            "started_at": "2026-11-22T00:00:00Z",
        }
        (tmp_path / "sandbox.json").write_text(json.dumps(record))
        assert control.find(tmp_path) is None
        assert control.stop(tmp_path) is None
        server.shutdown()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "not a number")  # no Python starts with this
    with pytest.raises(EnvctlError) as caught:
        control.start(tmp_path)
    assert caught.value.code is ExitCode.UNEXPECTED
    assert "ended with code 1" in caught.value.message
    assert str(tmp_path / "sandbox.log") in caught.value.hint
    assert "PYTHONHASHSEED" in (tmp_path / "sandbox.log").read_text()
    assert not (tmp_path / "sandbox.json").exists()


def test_without_moto_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EnvctlError, match="envctl-aws\\[sandbox\\]") as caught:
        control.start(tmp_path)
    assert caught.value.code is ExitCode.USAGE


# --- What to export --------------------------------------------------------------------------------


def test_the_environment_leads_to_the_sandbox_only(sandbox: control.Sandbox) -> None:
    around = {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_S3": "https://example.test",
        "HTTPS_PROXY": "http://proxy.test:3128",
        "NO_PROXY": "intranet.test",
        "PATH": "/bin",
    }
    exported = control.environment(sandbox, around)
    assert exported["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{sandbox.port}"
    assert exported["NO_PROXY"] == "intranet.test,127.0.0.1,localhost"
    assert exported["no_proxy"] == "127.0.0.1,localhost"
    assert control.unwanted(around) == ["AWS_ENDPOINT_URL_S3", "AWS_PROFILE"]
    assert "NO_PROXY" not in control.environment(sandbox, {})
    assert "" not in exported.values()


def test_the_exports_can_be_evaluated_by_a_shell(sandbox: control.Sandbox) -> None:
    around = {"AWS_PROFILE": "production", "HTTP_PROXY": "http://proxy.test", "NO_PROXY": "a b'c"}
    script = f'{control.shell(sandbox, around)}\necho "${{AWS_PROFILE-unset}} $AWS_REGION $NO_PROXY"'
    output = subprocess.run(["sh", "-c", script], env=around, check=True, capture_output=True, text=True)
    assert output.stdout == "unset us-east-1 a b'c,127.0.0.1,localhost\n"


def test_stopping_ends_it(sandbox: control.Sandbox, directory: Path) -> None:
    assert control.stop(directory) == sandbox
    assert control.find(directory) is None
    with pytest.raises(ProcessLookupError):
        os.kill(sandbox.pid, 0)
    assert not (directory / "sandbox.json").exists()
    assert sandbox.log.read_text() == ""
