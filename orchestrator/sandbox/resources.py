"""Which resources a call to AWS is about, as ARNs. Pure.

It is what the Service Authorization Reference says of each action, for what Terraform and envctl call. EC2
has an id for everything, which tells its type; elsewhere parameters name what is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


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


_Found = Iterator[tuple[str, bool]]


def resources_of(call: Call) -> list[tuple[str, bool]]:
    """Return the ARNs that the call is about, each with whether it is made by it; none if that is not known."""
    find = _RESOURCES.get(call.service)
    return list(find(call)) if find else []


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


_RESOURCES: dict[str, Callable[[Call], _Found]] = {
    "autoscaling": _scaling,
    "ec2": _ec2,
    "elasticloadbalancing": _load_balancing,
    "iam": _iam,
    "logs": _logs,
    "rds": _rds,
    "secretsmanager": _secrets,
    "ssm": _parameters,
}
