"""The proxy before a server that only counts: what arrives there, and what AWS's own client makes of each fault."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from chaos.proxy import Moment, Proxy
from chaos.rules import Call, Rule, Rules

VPC = b'<CreateVpcResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpc><vpcId>vpc-1</vpcId><state>available</state></vpc></CreateVpcResponse>'


class Upstream(ThreadingHTTPServer):
    """Stands for the emulator: answers everything with 200, notes what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), Answering)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        content = VPC if b"CreateVpc" in body else b"{}" if "X-Amz-Target" in self.headers else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amz-version-id", "v1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[Proxy]:
    with Proxy(f"http://127.0.0.1:{upstream.server_port}") as started:
        yield started


def client(service: str, proxy: Proxy, attempts: int = 1) -> Any:
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"}, s3={"addressing_style": "path"})
    return boto3.client(service, region_name="us-east-1", endpoint_url=proxy.endpoint, config=config)


def create(proxy: Proxy, attempts: int = 1) -> Any:
    return client("ec2", proxy, attempts).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]


def test_without_rules_everything_goes_through_as_it_is(proxy: Proxy, upstream: Upstream) -> None:
    assert create(proxy)["VpcId"] == "vpc-1"
    put = client("s3", proxy).put_object(Bucket="b", Key="p/terraform.tfstate", Body=b"12345", IfNoneMatch="*")
    assert put["VersionId"] == "v1"
    method, path, headers, body = upstream.requests[1]
    assert (method, path, headers["If-None-Match"]) == ("PUT", "/b/p/terraform.tfstate", "*")
    assert headers["Host"] == urllib.parse.urlsplit(proxy.endpoint).netloc  # which the signature covers
    assert "AWS4-HMAC-SHA256" in headers["Authorization"]
    assert b"12345" in body
    assert proxy.counts()["done"] == {"ec2:CreateVpc": 1, "s3:PutObject": 1}


def test_one_connection_serves_many_requests(proxy: Proxy, upstream: Upstream) -> None:
    connection = http.client.HTTPConnection(*urllib.parse.urlsplit(proxy.endpoint).netloc.split(":"))
    for _ in range(3):
        connection.request("PUT", "/b/k", iter([b"in ", b"pieces"]), encode_chunked=True)
        assert connection.getresponse().read() == b""
    assert [body for *_, body in upstream.requests] == [b"in pieces"] * 3


def test_half_a_request_is_not_handed_on(proxy: Proxy, upstream: Upstream) -> None:
    """A client that is killed while it sends: no service does half of what was asked."""
    host, port = urllib.parse.urlsplit(proxy.endpoint).netloc.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert upstream.requests == []


CALLS: dict[str, Callable[[Proxy], Any]] = {
    "ec2": create,
    "rds": lambda proxy: client("rds", proxy).describe_db_clusters(),
    "elbv2": lambda proxy: client("elbv2", proxy).describe_load_balancers(),
    "autoscaling": lambda proxy: client("autoscaling", proxy).describe_auto_scaling_groups(),
    "iam": lambda proxy: client("iam", proxy).list_roles(),
    "sts": lambda proxy: client("sts", proxy).get_caller_identity(),
    "s3": lambda proxy: client("s3", proxy).put_object(Bucket="b", Key="k", Body=b""),
    "logs": lambda proxy: client("logs", proxy).describe_log_groups(),
    "secretsmanager": lambda proxy: client("secretsmanager", proxy).list_secrets(),
    "ssm": lambda proxy: client("ssm", proxy).describe_parameters(),
    "cloudwatch": lambda proxy: client("cloudwatch", proxy).describe_alarms(),
}


@pytest.mark.parametrize("service", CALLS)
def test_each_protocol_reads_a_refusal(proxy: Proxy, upstream: Upstream, service: str) -> None:
    proxy.rules = Rules((Rule("refuse", error="NotToday", status=400, message="Tomorrow <perhaps>."),))
    with pytest.raises(ClientError) as caught:
        CALLS[service](proxy)
    assert caught.value.response["Error"]["Code"] == "NotToday"
    assert caught.value.response["Error"]["Message"] == "Tomorrow <perhaps>."
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("service", "word", "status", "code"),
    [
        ("ec2", "throttled", 503, "RequestLimitExceeded"),
        ("s3", "throttled", 503, "SlowDown"),
        ("rds", "throttled", 400, "Throttling"),
        ("logs", "throttled", 400, "ThrottlingException"),
        ("s3", "conflict", 409, "ConditionalRequestConflict"),
        ("s3", "precondition", 412, "PreconditionFailed"),
        ("ec2", "expired", 400, "RequestExpired"),
        ("s3", "expired", 400, "ExpiredToken"),
        ("sts", "expired", 403, "ExpiredToken"),
        ("cloudwatch", "expired", 400, "ExpiredTokenException"),
        ("ec2", "vpc-limit", 400, "VpcLimitExceeded"),
        ("ec2", "dependency", 400, "DependencyViolation"),
        ("rds", "capacity", 400, "InsufficientDBInstanceCapacity"),
        ("ec2", "busy", 429, "TooManyRequestsException"),
    ],
)
def test_each_word_is_said_as_the_service_says_it(
    proxy: Proxy, service: str, word: str, status: int, code: str
) -> None:
    proxy.rules = Rules((Rule("refuse", error=word),))
    with pytest.raises(ClientError) as caught:
        CALLS[service](proxy)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == code


def test_done_but_refused(proxy: Proxy, upstream: Upstream) -> None:
    """A client that tries again makes it twice: what the bench is there to show."""
    proxy.rules = Rules((Rule("refuse-after", service="ec2", action="CreateVpc"),))
    assert create(proxy, attempts=3)["VpcId"] == "vpc-1"
    assert proxy.counts() == {
        "seen": {"ec2:CreateVpc": 2},
        "done": {"ec2:CreateVpc": 2},
        "faults": {"refuse-after ec2:CreateVpc": 1},
    }
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(("fault", "done"), [("reset", 0), ("reset-after", 1)])
def test_a_connection_is_reset(proxy: Proxy, upstream: Upstream, fault: Any, done: int) -> None:
    proxy.rules = Rules((Rule(fault),))
    with pytest.raises(ConnectionClosedError):
        create(proxy)
    assert len(upstream.requests) == done
    assert create(proxy)["VpcId"] == "vpc-1"


def test_a_resource_stays_in_creation_for_so_many_answers(proxy: Proxy) -> None:
    proxy.rules = Rules((Rule("rewrite", times=2, rewrite=(("<state>available<", "<state>pending<"),)),))
    assert [create(proxy)["State"] for _ in range(3)] == ["pending", "pending", "available"]


def test_a_late_answer_is_the_same_answer(proxy: Proxy) -> None:
    proxy.rules = Rules((Rule("delay", seconds=0.01),))
    assert create(proxy)["VpcId"] == "vpc-1"


def test_calls_are_watched_before_and_after(upstream: Upstream) -> None:
    seen: list[tuple[str, Moment, int]] = []

    def watch(call: Call, moment: Moment) -> None:
        seen.append((str(call), moment, len(upstream.requests)))

    with Proxy(f"http://127.0.0.1:{upstream.server_port}", watch=watch) as proxy:
        create(proxy)
        client("s3", proxy).delete_object(Bucket="b", Key="p/x.tflock")
    lock = "s3:DeleteObject /b/p/x.tflock"
    assert seen == [
        ("ec2:CreateVpc", "before", 0),
        ("ec2:CreateVpc", "after", 1),
        (lock, "before", 1),
        (lock, "after", 2),
    ]


@pytest.mark.parametrize(
    ("ask", "action"),
    [
        (lambda s3: s3.get_object(Bucket="b", Key="k"), "GetObject"),
        (lambda s3: s3.head_object(Bucket="b", Key="k"), "HeadObject"),
        (lambda s3: s3.list_objects_v2(Bucket="b"), "ListObjectsV2"),
        (lambda s3: s3.list_object_versions(Bucket="b"), "ListObjectVersions"),
        (lambda s3: s3.delete_objects(Bucket="b", Delete={"Objects": [{"Key": "k"}]}), "DeleteObjects"),
        (lambda s3: s3.get_bucket_versioning(Bucket="b"), "GetBucketVersioning"),
    ],
)
def test_what_is_asked_of_a_bucket_has_a_name(proxy: Proxy, ask: Callable[[Any], Any], action: str) -> None:
    ask(client("s3", proxy))
    assert [(call.service, call.action) for call in proxy.calls] == [("s3", action)]


def test_it_is_a_program_too(upstream: Upstream, tmp_path: Path, checkout: Path) -> None:
    rules = tmp_path / "faults.toml"
    rules.write_text('[[rule]]\nfault = "refuse"\nerror = "denied"\n')
    address = f"http://127.0.0.1:{upstream.server_port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos.proxy", "--upstream", address, "--rules", str(rules)],
        env={"PYTHONPATH": str(checkout / "tests"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        host, port = urllib.parse.urlsplit(process.stdout.readline().strip()).netloc.split(":")
        connection = http.client.HTTPConnection(host, int(port))
        connection.request("GET", "/b/k")
        assert connection.getresponse().status == 403
    finally:
        process.kill()
        process.communicate()
