"""What moto leaves out of IAM when it enforces it: resources, condition keys, boundaries; and a record of it.

`POST 0` to `/moto-api/reset-auth` makes moto check signatures and identity policies, but it asks nearly every
action about the resource `*`, so that a policy which names its resources permits nothing, and it ignores
conditions and permissions boundaries. Here each call is asked about what it really needs (`needs.py`), by
the rules of IAM (`policies.py`). With SANDBOX_CALLS in the environment, every question and its answer is
written to that file, one JSON object a line.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends
from moto.iam.access_control import AssumedRoleAccessKey, IAMPolicy, IAMRequestBase, PermissionResult
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.rds.models import rds_backends
from moto.s3.models import FakeBucket
from moto.secretsmanager.models import secretsmanager_backends

from orchestrator.sandbox import policies
from orchestrator.sandbox.needs import Need, needs, s3_operation
from orchestrator.sandbox.policies import Document, Request
from orchestrator.sandbox.resources import Call

RECORD_VARIABLE = "SANDBOX_CALLS"
ALWAYS_ALLOWED = "sts:GetCallerIdentity"  # whatever the policies say (STS API reference)
# Where a service signs under another name than IAM calls it by.
_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
_writing = threading.Lock()


def install() -> None:
    """Let moto ask here, in this process, whether an action is permitted."""
    setattr(IAMRequestBase, "check_action_permitted", _check)  # noqa: B010
    setattr(FakeBucket, "get_permission", _bucket_permission)  # noqa: B010


def _bucket_permission(self: Any, action: str, resource: str) -> PermissionResult:
    """A bucket's policy counts whether or not identity policies are enforced.

    moto ignores its conditions: one that denies what comes without TLS then denies everything. What is said
    to the emulator never leaves the machine, and is taken for as good as TLS.
    """
    document = policies.parse(self.policy.decode()) if self.policy else {"Statement": []}
    said = policies.decision([document], Request(action, resource, {"aws:SecureTransport": "true"}))
    return {"allow": PermissionResult.PERMITTED, "deny": PermissionResult.DENIED, "none": PermissionResult.NEUTRAL}[
        said
    ]


def _check(self: Any, resource: str) -> None:
    granted = [IAMPolicy(each)._policy_json for each in self._access_key.collect_policies()]
    boundary = _boundary(self)
    for need in _needs(self):
        context = {"aws:RequestedRegion": self._region, **need.context, **_resource_tags(self, need)}
        request = Request(need.action, need.resource, context)
        allowed = need.action == ALWAYS_ALLOWED or policies.permitted(granted, request, boundary)
        _record(self._access_key.arn, request, allowed)
        if not allowed:
            self._action = need.action  # what the error names
            self._raise_access_denied()


def _boundary(self: Any) -> Document | None:
    if not isinstance(self._access_key, AssumedRoleAccessKey):
        return None
    arn = self.backend.get_role(self._access_key._owner_role_name).permissions_boundary_arn
    if not arn:
        return None
    document: Document = IAMPolicy(self.backend.get_policy(arn))._policy_json
    return document


def _needs(self: Any) -> Iterator[Need]:
    if self._service == "s3":
        yield from _s3_needs(self)
        return
    operation = self._action.partition(":")[2]
    service = _PREFIXES.get(self._service, self._service)
    call = Call(service, operation, _parameters(self), self.account_id, self._region)
    named = list(_associated(self, call))
    yield from (Need(f"ec2:{operation}", call.arn("ec2", resource)) for resource in named)
    if not named:
        yield from needs(call)


def _s3_needs(self: Any) -> Iterator[Need]:
    place = urlsplit(self._path)
    bucket, _, key = unquote(place.path).lstrip("/").partition("/")
    query = dict(parse_qsl(place.query, keep_blank_values=True))
    if not bucket:
        yield Need("s3:ListAllMyBuckets", "*")
    elif "delete" in query:
        for each in ElementTree.fromstring(self._body).iter():  # noqa: S314 - our own clients' requests
            if each.tag.endswith("Object"):
                parts = {part.tag.rpartition("}")[2]: part.text or "" for part in each}
                version = "Version" if "VersionId" in parts else ""
                yield Need(f"s3:DeleteObject{version}", f"arn:aws:s3:::{bucket}/{parts['Key']}")
    else:
        context = {"s3:prefix": query["prefix"]} if "prefix" in query else {}
        resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
        yield Need(f"s3:{s3_operation(self._method, key, query)}", resource, context)


def _parameters(self: Any) -> dict[str, str]:
    """Return the parameters by name, whether they came as a query or as JSON."""
    found: dict[str, str] = {}
    body = self._body.decode() if isinstance(self._body, bytes) else self._body or ""
    if body.startswith("{"):
        for name, value in json.loads(body).items():
            if isinstance(value, str):
                found[name] = value
            elif name == "tags" and isinstance(value, dict):  # CloudWatch Logs
                found |= {
                    f"Tags.{n}.{part}": text
                    for n, pair in enumerate(value.items())
                    for part, text in zip(("Key", "Value"), pair, strict=True)
                }
            elif isinstance(value, list):
                found |= {f"{name}.{n}": each for n, each in enumerate(value) if isinstance(each, str)}
                found |= {
                    f"{name}.{n}.{part}": text
                    for n, each in enumerate(value)
                    if isinstance(each, dict)
                    for part, text in each.items()
                }
        return found
    for name, value in self._data.items():
        found[name] = str(value[0] if isinstance(value, list) else value)
    return found


def _associated(self: Any, call: Call) -> Iterator[str]:
    """Yield what an association joins: it has an id of its own, but what it joins is what is asked about."""
    backend: Any = ec2_backends[self.account_id][self._region]
    association = call.parameters.get("AssociationId")
    if call.operation == "DisassociateRouteTable":
        for table in backend.route_tables.values():
            if association in table._associations:
                yield f"route-table/{table.id}"
                yield f"subnet/{table._associations[association]}"
    elif call.operation == "DisassociateAddress":
        for address in backend.addresses:
            if address.association_id == association:
                yield f"elastic-ip/{address.allocation_id}"
    elif call.operation == "DetachNetworkInterface":
        for interface in backend.enis.values():
            if interface.attachment_id == call.parameters.get("AttachmentId"):
                yield f"network-interface/{interface.id}"
                yield f"instance/{interface.instance.id}"


# --- Tags of what is there -------------------------------------------------------------------------


def _resource_tags(self: Any, need: Need) -> dict[str, str]:
    if need.made or not need.resource.startswith("arn:"):
        return {}
    service, name = need.resource.split(":")[2], need.resource.split(":", 5)[5]
    find = _TAGS.get(service)
    found: Any = None
    if find:
        with suppress(Exception):  # what is not there has no tags: the call itself will say so
            found = find(self.account_id, self._region, need.resource, name)
    if isinstance(found, list):
        found = {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in found}
    if found and all(isinstance(value, dict) for value in found.values()):  # IAM keeps both parts as the value
        found = {value["Key"]: value["Value"] for value in found.values()}
    return {f"aws:ResourceTag/{key}": value for key, value in (found or {}).items()}


def _iam_tags(account: str, region: str, arn: str, name: str) -> Any:
    kind, _, short = name.partition("/")
    backend = iam_backends[account]["aws"]
    return (backend.get_role(short) if kind == "role" else backend.get_instance_profile(short)).tags


_TAGS: dict[str, Callable[[str, str, str, str], Any]] = {
    "ec2": lambda account, region, arn, name: dict(ec2_backends[account][region].tags[name.partition("/")[2]]),
    "rds": lambda account, region, arn, name: rds_backends[account][region].list_tags_for_resource(arn),
    "elasticloadbalancing": lambda account, region, arn, name: elbv2_backends[account][region].describe_tags([arn])[
        arn
    ],
    "autoscaling": lambda account, region, arn, name: (
        autoscaling_backends[account][region].autoscaling_groups[name.rpartition("/")[2]].tags
    ),
    "iam": _iam_tags,
    "logs": lambda account, region, arn, name: logs_backends[account][region].list_tags_for_resource(
        arn.removesuffix(":*")
    ),
    "secretsmanager": lambda account, region, arn, name: secretsmanager_backends[account][region].secrets[arn].tags,
}


def _record(who: str, request: Request, allowed: bool) -> None:
    path = os.environ.get(RECORD_VARIABLE)
    if not path:
        return
    line = json.dumps(
        {"who": who, "action": request.action, "resource": request.resource, "allowed": allowed}
        | {"context": dict(request.context)}
    )
    with _writing, open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")
