"""What IAM asks of a call: which action, on which resources, with which condition keys. Pure.

One call can need several permissions: creating with tags is tagging too, and handing a role on is passing
it. Which resources belong to an action is what the Service Authorization Reference says of it, for what
Terraform and envctl call; anything else is asked about as `*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Tags = Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """One request to AWS; `parameters` by their names on the wire (`TagSpecification.1.Tag.2.Key`)."""

    service: str
    operation: str
    parameters: Mapping[str, str]
    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str, region: str | None = None, account: str | None = None) -> str:
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.account if account is None else account}:{resource}"


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
    resources = list(_RESOURCES.get(call.service, _unknown)(call)) or [("*", False)]
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
    keys = (*tags, *removed)
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


# --- Resources -------------------------------------------------------------------------------------

_Found = Iterator[tuple[str, bool]]

_EC2_IDS = {
    "vpc": "vpc",
    "subnet": "subnet",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "eipalloc": "elastic-ip",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "lt": "launch-template",
    "i": "instance",
    "vol": "volume",
    "eni": "network-interface",
    "vpce": "vpc-endpoint",
    "acl": "network-acl",
    "ami": "image",
}
_EC2_ID = re.compile(rf"({'|'.join(_EC2_IDS)})-[0-9a-f]{{8,17}}")
_EC2_MADE = {
    "AllocateAddress": ("elastic-ip",),
    "AuthorizeSecurityGroupEgress": ("security-group-rule",),
    "AuthorizeSecurityGroupIngress": ("security-group-rule",),
    "CreateInternetGateway": ("internet-gateway",),
    "CreateLaunchTemplate": ("launch-template",),
    "CreateNatGateway": ("natgateway",),
    "CreateRouteTable": ("route-table",),
    "CreateSecurityGroup": ("security-group",),
    "CreateSubnet": ("subnet",),
    "CreateVpc": ("vpc",),
    "CreateVpcEndpoint": ("vpc-endpoint",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
# Parameters that name things which are not asked about.
_EC2_PASSED_OVER = ("LaunchTemplateData.", "Filter.", "IpPermissions.")
_EC2_ONLY = {"CreateRoute": ("rtb",), "ReplaceRoute": ("rtb",), "DeleteRoute": ("rtb",)}


def _ec2(call: Call) -> _Found:
    for name, value in call.parameters.items():
        found = _EC2_ID.fullmatch(value)
        if not found or name.startswith(_EC2_PASSED_OVER) or found[1] not in _EC2_ONLY.get(call.operation, _EC2_IDS):
            continue
        # Images are nobody's own: their ARN has no account.
        yield call.arn("ec2", f"{_EC2_IDS[found[1]]}/{value}", account="" if found[1] == "ami" else None), False
    for kind in _EC2_MADE.get(call.operation, ()):
        yield call.arn("ec2", f"{kind}/*"), True


def _named(
    service: str, kinds: Mapping[str, str], makers: Mapping[str, str], regional: bool = True
) -> Callable[[Call], _Found]:
    """Return who finds resources by the parameters that name them; `makers` says which one an operation makes."""

    def find(call: Call) -> _Found:
        for name, value in call.parameters.items():
            kind = kinds.get(re.sub(r"(\.member)?\.\d+$", "", name))
            if kind is None:
                continue
            arn = value if value.startswith("arn:") else call.arn(service, kind + value, None if regional else "")
            yield arn, makers.get(call.operation) == name

    return find


_rds = _named(
    "rds",
    {
        "DBClusterIdentifier": "cluster:",
        "DBInstanceIdentifier": "db:",
        "SourceDBInstanceIdentifier": "db:",
        "SnapshotIdentifier": "cluster-snapshot:",
        "DBClusterSnapshotIdentifier": "cluster-snapshot:",
        "DBSnapshotIdentifier": "snapshot:",
        "DBSubnetGroupName": "subgrp:",
        "ResourceName": "",
    },
    {
        "CreateDBInstance": "DBInstanceIdentifier",
        "CreateDBInstanceReadReplica": "DBInstanceIdentifier",
        "CreateDBSubnetGroup": "DBSubnetGroupName",
        "RestoreDBClusterFromSnapshot": "DBClusterIdentifier",
        "RestoreDBInstanceFromDBSnapshot": "DBInstanceIdentifier",
    },
)
_iam = _named(
    "iam",
    {"RoleName": "role/", "InstanceProfileName": "instance-profile/"},
    {"CreateRole": "RoleName", "CreateInstanceProfile": "InstanceProfileName"},
    regional=False,
)
_secrets = _named("secretsmanager", {"SecretId": "secret:", "Name": "secret:"}, {"CreateSecret": "Name"})


def _load_balancing(call: Call) -> _Found:
    kinds = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}
    if call.operation in kinds:
        yield call.arn("elasticloadbalancing", f"{kinds[call.operation]}/{call.parameters['Name']}/*"), True
    elif call.operation == "CreateListener":
        balancer = call.parameters["LoadBalancerArn"]
        yield balancer, False
        if _requested_tags(call, ""):
            yield balancer.replace(":loadbalancer/", ":listener/") + "/*", True
    else:
        for name, value in call.parameters.items():
            if re.fullmatch(r"(LoadBalancer|TargetGroup|Listener)Arn|ResourceArns\.member\.\d+", name):
                yield value, False


def _scaling(call: Call) -> _Found:
    if call.operation.startswith("Describe"):
        return
    names = {
        value
        for name, value in call.parameters.items()
        if name == "AutoScalingGroupName" or re.fullmatch(r"Tags\.member\.\d+\.ResourceId", name)
    }
    for group in sorted(names):
        made = call.operation == "CreateAutoScalingGroup"
        yield call.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{group}"), made


def _logs(call: Call) -> _Found:
    if call.operation == "DescribeLogGroups":
        return
    named = call.parameters.get("logGroupName")
    arn = call.parameters.get("resourceArn") or (call.arn("logs", f"log-group:{named}") if named else "")
    if arn:
        yield arn, call.operation == "CreateLogGroup"


def _parameters(call: Call) -> _Found:
    name = call.parameters.get("Name", "")
    if name:
        # AWS's own public parameters are no account's.
        yield call.arn("ssm", f"parameter/{name.lstrip('/')}", account="" if name.startswith("/aws/") else None), False


def _unknown(call: Call) -> _Found:
    yield from ()


def _bucket(call: Call) -> _Found:
    yield f"arn:{call.partition}:s3:::{call.parameters['bucket']}", False


_RESOURCES: dict[str, Callable[[Call], _Found]] = {
    "autoscaling": _scaling,
    "ec2": _ec2,
    "elasticloadbalancing": _load_balancing,
    "iam": _iam,
    "logs": _logs,
    "rds": _rds,
    "s3": _bucket,
    "secretsmanager": _secrets,
    "ssm": _parameters,
}


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
