"""AWS's requests recognised, and its errors in the shape of each protocol. Pure.

Shapes are those of the "Errors" pages of the EC2, RDS (query), S3 and CloudWatch Logs (JSON) API references and of
Smithy's rpc-v2-cbor protocol.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

from chaos.rules import Call, Rule

Protocol = Literal["ec2", "query", "s3", "json", "cbor"]
REQUEST_ID = "00000000-0000-4000-8000-00000000c405"
DEFAULT_MESSAGE = "Refused by the bench of faults."

# A word for what happens, and how each protocol says it: status and code.
ERRORS: dict[str, dict[str, tuple[int, str]]] = {
    "throttled": {
        "ec2": (503, "RequestLimitExceeded"),
        "s3": (503, "SlowDown"),
        "query": (400, "Throttling"),
        "json": (400, "ThrottlingException"),
    },
    "busy": {"ec2": (429, "TooManyRequestsException"), "*": (429, "TooManyRequestsException")},
    "unavailable": {"ec2": (503, "Unavailable"), "*": (503, "ServiceUnavailable")},
    "internal": {
        "ec2": (500, "InternalError"),
        "s3": (500, "InternalError"),
        "*": (500, "InternalFailure"),
    },
    "expired": {
        "ec2": (400, "RequestExpired"),
        "s3": (400, "ExpiredToken"),
        "query": (403, "ExpiredToken"),
        "json": (400, "ExpiredTokenException"),
    },
    "denied": {"ec2": (403, "UnauthorizedOperation"), "s3": (403, "AccessDenied"), "*": (403, "AccessDenied")},
    "conflict": {"s3": (409, "ConditionalRequestConflict")},
    "precondition": {"s3": (412, "PreconditionFailed")},
    "vpc-limit": {"ec2": (400, "VpcLimitExceeded")},
    "dependency": {"ec2": (400, "DependencyViolation")},
    "capacity": {"query": (400, "InsufficientDBInstanceCapacity")},
}
_MESSAGES = {
    "expired": "The security token included in the request is expired",
    "throttled": "Rate exceeded",
    "vpc-limit": "The maximum number of VPCs has been reached.",
    "dependency": "The resource has dependencies and cannot be deleted.",
    "capacity": "Cannot create a database instance because no availability zone has enough capacity.",
    "conflict": "A conflicting operation occurred. If using PutObject you can retry the request.",
    "precondition": "At least one of the pre-conditions you specified did not hold",
}
_XMLNS = {
    "rds": "http://rds.amazonaws.com/doc/2014-10-31/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "autoscaling": "http://autoscaling.amazonaws.com/doc/2011-01-01/",
    "elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
}
_SUBRESOURCES = {
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "list-type"): "ListObjectsV2",
    ("POST", "delete"): "DeleteObjects",
}


def recognise(method: str, target: str, headers: Mapping[str, str], body: bytes, number: int = 0) -> Call:
    """Return what a request asks for, from its signature's scope and its protocol's way to name an action."""
    path, _, query = target.partition("?")
    scope = re.search(r"Credential=[^/,]*/[^/]*/[^/]*/([^/,]+)/", headers.get("Authorization", ""))
    service = scope[1] if scope else ""
    return Call(service, _action(service, method, path, query, headers, body), method, path, _agent(headers), number)


def _agent(headers: Mapping[str, str]) -> str:
    return headers.get("User-Agent", "")


def _action(service: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> str:
    if service == "s3":
        return _s3_action(method, path, query)
    if "X-Amz-Target" in headers:
        return headers["X-Amz-Target"].rpartition(".")[2]
    if "/operation/" in path:  # rpc-v2-cbor
        return path.rpartition("/")[2]
    if "x-www-form-urlencoded" in headers.get("Content-Type", ""):
        return parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]
    return parse_qs(query).get("Action", [f"{method} {path}"])[0]


def _s3_action(method: str, path: str, query: str) -> str:
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if (method, name) in _SUBRESOURCES:
            return _SUBRESOURCES[method, name]
    kind = "Object" if path.strip("/").count("/") else "Bucket"
    return method.capitalize() + kind


def protocol(call: Call, headers: Mapping[str, str]) -> Protocol:
    """Return in which shape this caller expects an error."""
    if call.service in ("ec2", "s3"):
        return "ec2" if call.service == "ec2" else "s3"
    if "cbor" in headers.get("Content-Type", "") or "/operation/" in call.path:
        return "cbor"
    if "X-Amz-Target" in headers or "json" in headers.get("Content-Type", ""):
        return "json"
    return "query" if "x-www-form-urlencoded" in headers.get("Content-Type", "") else "json"


def refusal(rule: Rule, call: Call, shape: Protocol) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an error answer."""
    meant = ERRORS.get(rule.error, {})
    status, code = meant.get(shape) or meant.get("json" if shape == "cbor" else "*") or meant.get("*") or (0, "")
    if not code:  # a code of AWS's own, or a word that this protocol has no code for
        code, status = rule.error, 400
    return error(
        shape,
        rule.status or status,
        code,
        rule.message or _MESSAGES.get(rule.error, DEFAULT_MESSAGE),
        call,
    )


def error(shape: Protocol, status: int, code: str, message: str, call: Call) -> tuple[int, dict[str, str], bytes]:
    """Return one error in the given protocol."""
    text, xml = escape(message), '<?xml version="1.0" encoding="UTF-8"?>\n'
    if shape == "ec2":
        errors = f"<Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
        body = f"{xml}<Response>{errors}<RequestID>{REQUEST_ID}</RequestID></Response>"
        return status, {"Content-Type": "text/xml;charset=UTF-8"}, body.encode()
    if shape == "query":
        who = "Receiver" if status >= 500 else "Sender"
        space = f' xmlns="{_XMLNS[call.service]}"' if call.service in _XMLNS else ""
        inner = f"<Error><Type>{who}</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        body = f"{xml}<ErrorResponse{space}>{inner}<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        return status, {"Content-Type": "text/xml"}, body.encode()
    if shape == "s3":
        inner = f"<Code>{code}</Code><Message>{text}</Message><Resource>{escape(call.path)}</Resource>"
        body = f"{xml}<Error>{inner}<RequestId>{REQUEST_ID}</RequestId><HostId>bench</HostId></Error>"
        return status, {"Content-Type": "application/xml"}, b"" if call.method == "HEAD" else body.encode()
    if shape == "cbor":
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return status, headers, b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", message)))
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    return status, headers, json.dumps({"__type": code, "message": message}).encode()


def _cbor_text(text: str) -> bytes:
    """Return a text string in CBOR (RFC 8949, major type 3)."""
    data = text.encode()
    head = bytes([0x60 | len(data)]) if len(data) < 24 else b"\x79" + len(data).to_bytes(2, "big")
    return head + data
