"""What IAM asks of a call: which action, on which resources, with which condition keys. Pure.

One call can need several permissions: creating with tags is tagging too, and handing a role on is passing
it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.sandbox.resources import Call, resources_of

Tags = Mapping[str, str]


@dataclass(frozen=True)
class Need:
    """A permission; `made` says that the resource does not exist yet, so that it has no tags."""

    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    made: bool = False


def needs(call: Call) -> Iterator[Need]:
    """Yield every permission that the call needs."""
    action = f"{call.service}:{call.operation}"
    if call.operation.startswith(("Describe", "List", "Get")) and call.service in ("ec2", "elasticloadbalancing"):
        yield Need(action, "*")
        return
    resources = resources_of(call) or [("*", False)]
    for resource, made in resources:
        if made and call.operation == "CreateListener":  # asks about its load balancer; the listener is only tagged
            continue
        tags = _requested_tags(call, resource) if made or call.service != "ec2" or _is_tagging(call) else {}
        yield Need(action, resource, _tag_keys(tags, _removed_keys(call)) | _special_keys(call), made)
    for resource, made in resources:
        tags = _requested_tags(call, resource)
        if made and tags and not _is_tagging(call):
            context = _tag_keys(tags, ()) | {f"{call.service}:CreateAction": call.operation}
            yield Need(f"{call.service}:{_tagging_of(call.service, resource)}", resource, context, made)
    if call.operation in ("AddRoleToInstanceProfile", "RunInstances") and _passed_role(call):
        yield Need("iam:PassRole", _passed_role(call), {"iam:PassedToService": "ec2.amazonaws.com"})


# --- Tags ------------------------------------------------------------------------------------------

_TAGGING = {
    "ec2": "CreateTags",
    "rds": "AddTagsToResource",
    "elasticloadbalancing": "AddTags",
    "autoscaling": "CreateOrUpdateTags",
}
_TAG_KEY = re.compile(r"(Tags?(?:\.member|\.Tag)?\.\d+)\.(?:Key|key)")
_SPECIFICATION = re.compile(r"(TagSpecification\.\d+)\.ResourceType")
_REMOVED_KEY = re.compile(r"(?:TagKeys?(?:\.member)?|tagKeys|Tag)\.\d+(?:\.Key)?")


def _is_tagging(call: Call) -> bool:
    return call.operation in {*_TAGGING.values(), "DeleteTags", "TagResource", "TagRole", "TagInstanceProfile"}


def _tagging_of(service: str, resource: str) -> str:
    if service == "iam":
        return "TagRole" if ":role/" in resource else "TagInstanceProfile"
    return _TAGGING.get(service, "TagResource")


def _requested_tags(call: Call, resource: str) -> dict[str, str]:
    """Return the tags that the call puts on `resource`; EC2 says for each type which."""
    given, kind = call.parameters, resource.split(":")[-1].split("/")[0]
    for name, value in given.items():
        specification = _SPECIFICATION.fullmatch(name)
        if specification and value == kind:
            return _pairs(given, re.compile(re.escape(specification[1]) + r"(\.Tag\.\d+)\.Key"), specification[1])
    return _pairs(given, _TAG_KEY, "")


def _pairs(given: Mapping[str, str], pattern: re.Pattern[str], prefix: str) -> dict[str, str]:
    found = {}
    for name, key in given.items():
        match = pattern.fullmatch(name)
        if match:
            found[key] = given.get(f"{prefix}{match[1]}.Value", given.get(f"{prefix}{match[1]}.value", ""))
    return found


def _removed_keys(call: Call) -> tuple[str, ...]:
    if not re.match(r"(Delete|Remove|Un)[Tt]ag", call.operation) and call.operation != "RemoveTagsFromResource":
        return ()
    return tuple(value for name, value in call.parameters.items() if _REMOVED_KEY.fullmatch(name))


def _tag_keys(tags: Tags, removed: tuple[str, ...]) -> dict[str, str | tuple[str, ...]]:
    keys = tuple(dict.fromkeys((*tags, *removed)))
    return {f"aws:RequestTag/{key}": value for key, value in tags.items()} | ({"aws:TagKeys": keys} if keys else {})


def _special_keys(call: Call) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for parameter, key in (
        ("PermissionsBoundary", "iam:PermissionsBoundary"),
        ("PolicyArn", "iam:PolicyARN"),
        ("AWSServiceName", "iam:AWSServiceName"),
        ("prefix", "s3:prefix"),
    ):
        if parameter in call.parameters:
            found[key] = call.parameters[parameter]
    return found


def _passed_role(call: Call) -> str:
    name = call.parameters.get("RoleName") or call.parameters.get("IamInstanceProfile.Name")
    return call.arn("iam", f"role/{name}", region="") if name else ""


# --- S3, whose operations have no names on the wire ------------------------------------------------

_S3_OBJECT = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
_S3_BUCKET_PART = {
    "versioning": "BucketVersioning",
    "policy": "BucketPolicy",
    "location": "BucketLocation",
    "lifecycle": "LifecycleConfiguration",
    "encryption": "EncryptionConfiguration",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "ownershipControls": "BucketOwnershipControls",
    "tagging": "BucketTagging",
}


def s3_operation(method: str, key: str, query: Mapping[str, str]) -> str:
    """Return the action of an S3 request (S3 user guide, "Required permissions for S3 API operations")."""
    if key:
        return _S3_OBJECT[method] + ("Version" if "versionId" in query and method != "PUT" else "")
    if "versions" in query:
        return "ListBucketVersions"
    for part, name in _S3_BUCKET_PART.items():
        if part in query:
            return ("Get" if method in ("GET", "HEAD") else "Put") + name
    return "ListBucket" if method in ("GET", "HEAD") else {"PUT": "CreateBucket", "DELETE": "DeleteBucket"}[method]
