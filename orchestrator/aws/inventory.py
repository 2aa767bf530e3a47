"""What an account still holds for an environment, asked of each service by itself.

The tagging API is not asked: it answers "tagged or previously tagged" and leaves many types out
(Resource Groups Tagging API reference, GetResources). Things are known by the environment's tag, by
lying in its VPC, and by their names, which all are the environment's name or begin with it and a hyphen.
A listing that fails raises: no proof is given on half an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from orchestrator.aws.session import Session, translated
from orchestrator.identity import Environment
from orchestrator.outcome import Leftover

TAG = "envctl:environment"


@dataclass(frozen=True)
class _Ec2Kind:
    """How EC2 lists one type: `vpc` is the filter for what lies in a VPC, `gone` what counts as deleted."""

    operation: str
    items: str
    id: str
    type: str
    vpc: str | None = "vpc-id"
    gone: tuple[str, ...] = ()
    filters: str = "Filters"


_EC2_KINDS = (
    _Ec2Kind("describe_vpcs", "Vpcs", "VpcId", "vpc"),
    _Ec2Kind("describe_subnets", "Subnets", "SubnetId", "subnet"),
    _Ec2Kind("describe_route_tables", "RouteTables", "RouteTableId", "route-table"),
    _Ec2Kind(
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        "internet-gateway",
        "attachment.vpc-id",
    ),
    _Ec2Kind(
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        "natgateway",
        gone=("deleted",),
        filters="Filter",
    ),
    _Ec2Kind("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "vpc-endpoint", gone=("deleted",)),
    _Ec2Kind("describe_security_groups", "SecurityGroups", "GroupId", "security-group"),
    _Ec2Kind("describe_network_acls", "NetworkAcls", "NetworkAclId", "network-acl"),
    _Ec2Kind("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", "network-interface"),
    _Ec2Kind("describe_addresses", "Addresses", "AllocationId", "elastic-ip", vpc=None),
    _Ec2Kind("describe_volumes", "Volumes", "VolumeId", "volume", vpc=None),
    _Ec2Kind("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId", "launch-template", vpc=None),
)


def remaining(session: Session, environment: Environment, vpc: str | None = None) -> tuple[Leftover, ...]:
    """Return everything left of `environment`, sorted. `vpc` is its VPC's id, if that is known."""
    looks: list[Callable[[], Iterator[Leftover]]] = [
        partial(_ec2, session, environment, vpc, kind) for kind in _EC2_KINDS
    ]
    looks += [
        lambda: _instances(session, environment, vpc),
        lambda: _load_balancers(session, environment, vpc),
        lambda: _scaling_groups(session, environment),
        lambda: _databases(session, environment),
        lambda: _database_snapshots(session, environment),
        lambda: _log_groups(session, environment),
        lambda: _roles(session, environment),
        lambda: _secrets(session, environment),
        lambda: _alarms(session, environment),
    ]
    for service in (
        "ec2",
        "elbv2",
        "autoscaling",
        "rds",
        "logs",
        "iam",
        "secretsmanager",
        "cloudwatch",
        "sts",
    ):
        session.client(service)
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda look: _complete(look, environment), looks)
        return tuple(sorted({item for items in found for item in items}, key=lambda item: (item.type, item.arn)))


def _complete(look: Callable[[], Iterator[Leftover]], environment: Environment) -> list[Leftover]:
    with translated(f"looking for what is left of {environment.name}"):
        return list(look())


def belongs(name: str, environment: Environment) -> bool:
    """Return whether `name` is of the environment: shop-pr-4 and shop-pr-4-web are, shop-pr-42 is not."""
    return name == environment.name or name.startswith(f"{environment.name}-")


def _tagged(tags: list[dict[str, Any]] | None, environment: Environment) -> bool:
    return any(tag["Key"] == TAG and tag["Value"] == environment.name for tag in tags or ())


def _pages(client: Any, operation: str, items: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(items) or ()


def _arn(session: Session, environment: Environment, resource: str) -> str:
    partition, account = session.owner
    return f"arn:{partition}:ec2:{environment.region}:{account}:{resource}"


def _ec2(session: Session, environment: Environment, vpc: str | None, kind: _Ec2Kind) -> Iterator[Leftover]:
    client = session.client("ec2")
    queries = [(f"tag:{TAG}", environment.name, "has the environment's tag")]
    if vpc and kind.vpc:
        queries.append((kind.vpc, vpc, f"is in {vpc}"))
    seen = set()
    for name, value, why in queries:
        filters = {kind.filters: [{"Name": name, "Values": [value]}]}
        listed: Any
        if client.can_paginate(kind.operation):
            listed = _pages(client, kind.operation, kind.items, **filters)
        else:
            listed = getattr(client, kind.operation)(**filters)[kind.items]
        for item in listed:
            if str(item.get("State", "")).lower() in kind.gone or item[kind.id] in seen:
                continue
            seen.add(item[kind.id])
            yield Leftover(_arn(session, environment, f"{kind.type}/{item[kind.id]}"), f"ec2:{kind.type}", why)


def _instances(session: Session, environment: Environment, vpc: str | None) -> Iterator[Leftover]:
    queries = [(f"tag:{TAG}", environment.name)] + ([("vpc-id", vpc)] if vpc else [])
    seen = set()
    for name, value in queries:
        filters = [{"Name": name, "Values": [value]}]
        for reservation in _pages(session.client("ec2"), "describe_instances", "Reservations", Filters=filters):
            for instance in reservation["Instances"]:
                state = instance["State"]["Name"]
                if state != "terminated" and instance["InstanceId"] not in seen:
                    seen.add(instance["InstanceId"])
                    arn = _arn(session, environment, f"instance/{instance['InstanceId']}")
                    yield Leftover(arn, "ec2:instance", f"is {state}")


def _load_balancers(session: Session, environment: Environment, vpc: str | None) -> Iterator[Leftover]:
    client = session.client("elbv2")
    for operation, items, prefix in (
        ("describe_load_balancers", "LoadBalancers", "LoadBalancer"),
        ("describe_target_groups", "TargetGroups", "TargetGroup"),
    ):
        for item in _pages(client, operation, items):
            if belongs(item[f"{prefix}Name"], environment) or (vpc and item.get("VpcId") == vpc):
                yield Leftover(item[f"{prefix}Arn"], f"elasticloadbalancing:{prefix}", "has the environment's name")


def _scaling_groups(session: Session, environment: Environment) -> Iterator[Leftover]:
    for group in _pages(session.client("autoscaling"), "describe_auto_scaling_groups", "AutoScalingGroups"):
        if belongs(group["AutoScalingGroupName"], environment) or _tagged(group.get("Tags"), environment):
            yield Leftover(group["AutoScalingGroupARN"], "autoscaling:group", "has the environment's name")


def _databases(session: Session, environment: Environment) -> Iterator[Leftover]:
    client = session.client("rds")
    for operation, items, name, arn in (
        ("describe_db_clusters", "DBClusters", "DBClusterIdentifier", "DBClusterArn"),
        ("describe_db_instances", "DBInstances", "DBInstanceIdentifier", "DBInstanceArn"),
        ("describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName", "DBSubnetGroupArn"),
        ("describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName", "DBParameterGroupArn"),
        (
            "describe_db_cluster_parameter_groups",
            "DBClusterParameterGroups",
            "DBClusterParameterGroupName",
            "DBClusterParameterGroupArn",
        ),
    ):
        for item in _pages(client, operation, items):
            if belongs(item[name], environment):
                yield Leftover(item[arn], f"rds:{items[:-1]}", item.get("Status") or "has the environment's name")


def _database_snapshots(session: Session, environment: Environment) -> Iterator[Leftover]:
    """Yield snapshots whose source was the environment's database, automated ones included."""
    client = session.client("rds")
    for operation, items, source, arn in (
        (
            "describe_db_cluster_snapshots",
            "DBClusterSnapshots",
            "DBClusterIdentifier",
            "DBClusterSnapshotArn",
        ),
        ("describe_db_snapshots", "DBSnapshots", "DBInstanceIdentifier", "DBSnapshotArn"),
    ):
        # By source and not by listing all: production may have thousands in the same account.
        for item in _pages(client, operation, items, **{source: environment.name}):
            yield Leftover(item[arn], f"rds:{items[:-1]}", f"was taken of {item[source]}")


def _log_groups(session: Session, environment: Environment) -> Iterator[Leftover]:
    for place in ("/aws/rds/cluster/", "/aws/rds/instance/", "/envctl/"):
        prefix = place + environment.name
        for group in _pages(session.client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
            if belongs(group["logGroupName"].removeprefix(place).split("/")[0], environment):
                yield Leftover(group["arn"].removesuffix(":*"), "logs:group", "has the environment's name")


def _roles(session: Session, environment: Environment) -> Iterator[Leftover]:
    client = session.client("iam")
    for operation, items, prefix, arguments in (
        ("list_roles", "Roles", "Role", {}),
        ("list_instance_profiles", "InstanceProfiles", "InstanceProfile", {}),
        ("list_policies", "Policies", "Policy", {"Scope": "Local"}),
    ):
        for item in _pages(client, operation, items, **arguments):
            if belongs(item[f"{prefix}Name"], environment):
                yield Leftover(item["Arn"], f"iam:{prefix}", "has the environment's name")


def _secrets(session: Session, environment: Environment) -> Iterator[Leftover]:
    """Yield secrets by name, by tag, and those that RDS keeps for the environment's database."""
    for secret in _pages(session.client("secretsmanager"), "list_secrets", "SecretList", IncludePlannedDeletion=True):
        owners = [t["Value"] for t in secret.get("Tags", ()) if t["Key"].startswith("aws:rds:primaryDB")]
        if (
            belongs(secret["Name"], environment)
            or _tagged(secret.get("Tags"), environment)
            or any(belongs(owner.rsplit(":", 1)[-1], environment) for owner in owners)
        ):
            why = "is scheduled for deletion" if secret.get("DeletedDate") else "has the environment's name or tag"
            yield Leftover(secret["ARN"], "secretsmanager:secret", why)


def _alarms(session: Session, environment: Environment) -> Iterator[Leftover]:
    # TargetTracking-<group>-... are made by a target-tracking policy itself.
    for prefix in (f"{environment.name}-", f"TargetTracking-{environment.name}-"):
        for alarm in _pages(session.client("cloudwatch"), "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix):
            yield Leftover(alarm["AlarmArn"], "cloudwatch:alarm", "has the environment's name")
