"""Load balancers that answer.

A load balancer of moto is a record with a DNS name that leads nowhere. Here each application load
balancer gets a listener on a free port of 127.0.0.1, and that address is its DNS name (a laptop has
no DNS to add names to, and no port 80 to spare): `http://<dns_name>/` opens in a browser. HTTPS is
not spoken: behind a certificate only the redirect to it can be seen.

A request is answered as AWS would: by the HTTP listener's default action, and for `forward` by one of
the target group's healthy instances with what that instance's user data would make it serve (`site`).
A target is healthy when the instance runs and its health check path answers as the target group
wants; so DescribeTargetHealth tells the same story as the URL.
"""

from __future__ import annotations

import base64
import functools
import itertools
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance
from moto.elbv2.models import (
    ELBv2Backend,
    FakeAction,
    FakeHealthStatus,
    FakeListener,
    FakeLoadBalancer,
    FakeTargetGroup,
)
from moto.s3.models import FakeKey, s3_backends
from moto.utilities.utils import get_partition

from orchestrator.sandbox.corrections.tools import Original, around
from orchestrator.sandbox.names import HOST
from orchestrator.sandbox.site import TEXT, Answer, Site, read

HTTP_PORT = 80
SERVED_BY = "X-Served-By"
RUNNING = "running"

UNAVAILABLE = Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"<h1>503 Service Temporarily Unavailable</h1>\n")


@functools.cache
def install() -> None:
    """Give every load balancer that is made from now on a listener, for as long as it lives."""

    data_planes: dict[str, DataPlane] = {}

    @around(ELBv2Backend, "create_load_balancer")
    def create(original: Original, self: ELBv2Backend, *args: Any, **kwargs: Any) -> FakeLoadBalancer:
        balancer: FakeLoadBalancer = original(self, *args, **kwargs)
        if balancer.type == "application":
            data_planes[balancer.arn] = DataPlane(self, balancer)
            balancer.dns_name = data_planes[balancer.arn].address
        return balancer

    @around(ELBv2Backend, "delete_load_balancer")
    def delete(original: Original, self: ELBv2Backend, arn: str) -> None:
        original(self, arn)
        if data_plane := data_planes.pop(arn, None):
            data_plane.close()

    @around(FakeTargetGroup, "health_for")
    def health_for(
        original: Original, self: FakeTargetGroup, target: dict[str, Any], ec2: EC2Backend
    ) -> FakeHealthStatus:
        health: FakeHealthStatus = original(self, target, ec2)
        reason = _failing(self, target["Id"], ec2) if health.status == "healthy" else None
        if reason is not None:
            health.status = "unhealthy"
            health.reason, health.description = reason
        return health


class DataPlane:
    """The listener of one load balancer."""

    def __init__(self, backend: ELBv2Backend, balancer: FakeLoadBalancer) -> None:
        self._backend = backend
        self._balancer = balancer
        self._turn = itertools.count()
        self._server = ThreadingHTTPServer((HOST, 0), _handler(self.answer))
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"{HOST}:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, url: str) -> tuple[Answer, str] | None:
        """The answer and the instance it is from; None when nothing listens."""
        path = urlsplit(url).path
        listener = self._listener()
        if listener is None:
            return None
        for action in listener.default_actions:
            if action.type == "redirect":
                return _redirect(action.data["RedirectConfig"], url), ""
            if action.type == "fixed-response":
                return _fixed(action.data["FixedResponseConfig"]), ""
            if action.type == "forward":
                return self._forward(action, path)
        return UNAVAILABLE, ""

    def _listener(self) -> FakeListener | None:
        listeners = list(self._balancer.listeners.values())
        return next((each for each in listeners if int(each.port) == HTTP_PORT), None)

    def _forward(self, action: FakeAction, path: str) -> tuple[Answer, str]:
        ec2 = self._backend.ec2_backend
        healthy = [
            health.instance_id
            for arn in self._backend._get_target_group_arns_from(action.data)
            if arn in self._backend.target_groups
            for health in self._backend.describe_target_health(arn, [])
            if health.status == "healthy"
        ]
        if not healthy:
            return UNAVAILABLE, ""
        instance = healthy[next(self._turn) % len(healthy)]
        site = _site(ec2.get_instance_by_id(instance), ec2)
        return (site.get(path) if site else UNAVAILABLE), instance


def _failing(group: FakeTargetGroup, instance_id: str, ec2: EC2Backend) -> tuple[str, str] | None:
    """AWS's reason code and description when this target fails the group's health check."""
    instance = ec2.get_instance_by_id(instance_id)
    if instance is None or group.health_check_protocol not in ("HTTP", "HTTPS"):
        return None  # a target by address or a bare port: nothing to judge it by
    if instance.state != RUNNING:
        return "Target.InvalidState", f"Target is in the {instance.state} state"
    site = _site(instance, ec2)
    if site is None:
        return "Target.Timeout", "Request timed out"
    status = int(site.get(group.health_check_path or "/").status)
    if not _accepted(status, group.matcher["HttpCode"]):
        return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"
    return None


def _accepted(status: int, matcher: str) -> bool:
    """Whether `200`, `200,301` or `200-399` names this status."""
    ranges = (part.partition("-") for part in matcher.split(","))
    return any(int(low) <= status <= int(high or low) for low, _, high in ranges)


def _site(instance: Instance | None, ec2: EC2Backend) -> Site | None:
    if instance is None or instance.user_data is None:
        return None

    def fetch(bucket: str, key: str) -> bytes | None:
        buckets = s3_backends[ec2.account_id][get_partition(ec2.region_name)].buckets
        found = buckets[bucket].keys.get(key) if bucket in buckets else None
        return found.value if isinstance(found, FakeKey) else None  # not a delete marker

    return read(base64.b64decode(str(instance.user_data)), fetch)


def _redirect(config: dict[str, str], url: str) -> Answer:
    """What a redirect leaves alone stands in it as `#{protocol}`, `#{host}`, ..., and is so by default."""
    asked = urlsplit(url)
    protocol = config.get("Protocol", "#{protocol}").lower()
    host, port = config.get("Host", "#{host}"), config.get("Port", "#{port}")
    path, query = config.get("Path", "/#{path}"), config.get("Query", "#{query}")
    location = (
        f"{protocol}://{host}:{port}{path}?{query}".replace("#{protocol}", "http")
        .replace("#{host}", HOST)
        .replace("#{port}", str(HTTP_PORT))
        .replace("#{path}", asked.path.removeprefix("/"))
        .replace("#{query}", asked.query)
        .removesuffix("?")
    )
    return Answer(int(config["StatusCode"].removeprefix("HTTP_")), location=location)


def _fixed(config: dict[str, str]) -> Answer:
    body = config.get("MessageBody", "").encode()
    return Answer(int(config["StatusCode"]), body, config.get("ContentType", TEXT))


def _handler(answer: Callable[[str], tuple[Answer, str] | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "envctl-sandbox"

        def do_GET(self) -> None:
            answered = answer(self.path)
            if answered is None:  # as refused: no listener, no answer
                self.close_connection = True
                return
            content, instance = answered
            self.send_response(content.status)
            self.send_header("Content-Type", content.content_type)
            self.send_header("Content-Length", str(len(content.body)))
            if content.location:
                self.send_header("Location", content.location)
            if instance:
                self.send_header(SERVED_BY, instance)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content.body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads an access log here."""

    return Handler
