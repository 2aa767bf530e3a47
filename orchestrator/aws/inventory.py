"""What an account still holds for an environment, asked of each service by itself.

The tagging API is not asked: it answers "tagged or previously tagged" and leaves many types out
(Resource Groups Tagging API reference, GetResources). Things are known by the environment's tag, by
lying in its VPC, and by their names, which all are the environment's name or begin with it and a hyphen.
A listing that fails raises: no proof is given on half an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from orchestrator.aws import inventory_ec2
from orchestrator.aws.found import REPOSITORY_TAG, TAG, Found, pages, tags_in
from orchestrator.aws.session import Session, translated
from orchestrator.identity import Environment
from orchestrator.outcome import Leftover

Look = Callable[[], Iterator[Found]]


def remaining(session: Session, environment: Environment, vpc: str | None = None) -> tuple[Leftover, ...]:
    """Return everything left of `environment`, sorted. `vpc` is its VPC's id, if that is known."""
    return tuple(found.leftover for found in find(session, environment, vpc))


def find(session: Session, environment: Environment, vpc: str | None = None) -> tuple[Found, ...]:
    """Return everything left of `environment`, sorted, with what it takes to delete it."""
    vpcs = vpcs_of(session, environment)
    if vpc and vpc not in vpcs:
        vpcs = (*vpcs, vpc)
    looks: list[Look] = [
        *(partial(inventory_ec2.things, session, environment, vpcs, kind) for kind in inventory_ec2.KINDS),
        lambda: inventory_ec2.instances(session, environment, vpcs),
        lambda: _load_balancers(session, environment, vpcs),
        lambda: _scaling_groups(session, environment, vpcs),
        lambda: _databases(session, environment, vpcs),
        lambda: _database_snapshots(session, environment),
        lambda: _log_groups(session, environment),
        lambda: _roles(session, environment),
        lambda: _secrets(session, environment),
        lambda: _alarms(session, environment),
    ]
    services = ("ec2", "elbv2", "autoscaling", "rds", "logs", "iam", "secretsmanager", "cloudwatch", "sts")
    return _gather(session, environment, services, looks)


def lent_addresses(session: Session, environment: Environment) -> tuple[Found, ...]:
    """Return the Elastic IPs that people brought into the environment's VPC."""
    vpcs = vpcs_of(session, environment)
    looks: list[Look] = [partial(inventory_ec2.lent_addresses, session, environment, vpc) for vpc in vpcs]
    return _gather(session, environment, ("ec2", "sts"), looks)


def tagged_in_ec2(session: Session, environment: Environment) -> tuple[Found, ...]:
    """Return what EC2 holds with the environment's tag, sorted: EC2 alone makes a thing twice when asked twice.

    Everything else of envctl's modules has a name that its service refuses the second time. Instances are left out,
    for the provider's requests for them carry a token that EC2 knows again; and so are volumes and interfaces: those
    of an instance that is just starting are listed before they are attached to it.
    """
    kinds = [kind for kind in inventory_ec2.KINDS if kind.type not in ("volume", "network-interface")]
    looks: list[Look] = [partial(inventory_ec2.things, session, environment, (), kind) for kind in kinds]
    return _gather(session, environment, ("ec2", "sts"), looks)


def _gather(
    session: Session, environment: Environment, services: tuple[str, ...], looks: list[Look]
) -> tuple[Found, ...]:
    for service in services:  # clients are not made by several threads at once
        session.client(service)
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda look: _complete(look, environment), looks)
        return tuple(sorted({item for items in found for item in items}, key=lambda item: (item.type, item.arn)))


def vpcs_of(session: Session, environment: Environment) -> tuple[str, ...]:
    """Return the ids of the VPCs that carry the environment's tags: the only ones whose content is its own."""
    filters = [
        {"Name": f"tag:{TAG}", "Values": [environment.name]},
        {"Name": f"tag:{REPOSITORY_TAG}", "Values": [environment.repository]},
    ]
    with translated(f"looking for what is left of {environment.name}"):
        return tuple(v["VpcId"] for v in pages(session.client("ec2"), "describe_vpcs", "Vpcs", Filters=filters))


def _complete(look: Callable[[], Iterator[Found]], environment: Environment) -> list[Found]:
    with translated(f"looking for what is left of {environment.name}"):
        return list(look())


def belongs(name: str, environment: Environment) -> bool:
    """Return whether `name` is of the environment: shop-pr-4 and shop-pr-4-web are, shop-pr-42 is not."""
    return name == environment.name or name.startswith(f"{environment.name}-")


def _load_balancers(session: Session, environment: Environment, vpcs: tuple[str, ...]) -> Iterator[Found]:
    client = session.client("elbv2")
    for operation, items, prefix in (
        ("describe_load_balancers", "LoadBalancers", "LoadBalancer"),
        ("describe_target_groups", "TargetGroups", "TargetGroup"),
    ):
        for item in pages(client, operation, items):
            arn = item[f"{prefix}Arn"]
            if belongs(item[f"{prefix}Name"], environment):
                why = "has the environment's name"
            elif item.get("VpcId") in vpcs:
                why = f"is in {item['VpcId']}"
            else:
                continue
            yield Found(arn, f"elasticloadbalancing:{prefix}", arn, why, vpc=item.get("VpcId"))


def _scaling_groups(session: Session, environment: Environment, vpcs: tuple[str, ...]) -> Iterator[Found]:
    """Yield groups by name, by tag, and those whose subnets lie in one of `vpcs`: they alone say so."""
    within = [{"Name": "vpc-id", "Values": list(vpcs)}]
    subnets = pages(session.client("ec2"), "describe_subnets", "Subnets", Filters=within) if vpcs else ()
    vpc_of = {subnet["SubnetId"]: subnet.get("VpcId", "") for subnet in subnets}
    for group in pages(session.client("autoscaling"), "describe_auto_scaling_groups", "AutoScalingGroups"):
        name, tags = group["AutoScalingGroupName"], tags_in(group.get("Tags"))
        vpc = next((vpc_of[s] for s in group.get("VPCZoneIdentifier", "").split(",") if s in vpc_of), None)
        if belongs(name, environment) or tags.get(TAG) == environment.name:
            why = "has the environment's name"
        elif vpc:
            why = f"is in {vpc}"
        else:
            continue
        moving = group.get("Status") == "Delete in progress"
        yield Found(group["AutoScalingGroupARN"], "autoscaling:group", name, why, vpc=vpc, tags=tags, moving=moving)


def _databases(session: Session, environment: Environment, vpcs: tuple[str, ...]) -> Iterator[Found]:
    client = session.client("rds")
    vpc_of: dict[str, str] = {}  # by subnet group, of which a cluster says no more than the name
    for operation, items, name, arn in (
        ("describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName", "DBSubnetGroupArn"),
        ("describe_db_clusters", "DBClusters", "DBClusterIdentifier", "DBClusterArn"),
        ("describe_db_instances", "DBInstances", "DBInstanceIdentifier", "DBInstanceArn"),
        ("describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName", "DBParameterGroupArn"),
        (
            "describe_db_cluster_parameter_groups",
            "DBClusterParameterGroups",
            "DBClusterParameterGroupName",
            "DBClusterParameterGroupArn",
        ),
    ):
        for item in pages(client, operation, items):
            if items == "DBSubnetGroups":
                vpc_of[item[name]] = item.get("VpcId", "")
            vpc = vpc_of.get(_subnet_group(item))
            if belongs(item[name], environment) or (vpc and vpc in vpcs):
                status = item.get("Status") or item.get("DBInstanceStatus")
                yield Found(
                    item[arn],
                    f"rds:{items[:-1]}",
                    item[name],
                    status or "has the environment's name",
                    vpc=vpc,
                    tags=tags_in(item["TagList"]) if "TagList" in item else None,
                    moving=status == "deleting",
                )


def _subnet_group(item: dict[str, Any]) -> str:
    """Return the name of the subnet group that something of RDS lies in, or is: each listing has another form."""
    group = item.get("DBSubnetGroup") or item
    return group if isinstance(group, str) else str(group.get("DBSubnetGroupName", ""))


def _database_snapshots(session: Session, environment: Environment) -> Iterator[Found]:
    """Yield snapshots whose source was the environment's database, automated ones included."""
    client = session.client("rds")
    for operation, items, source, name, arn in (
        (
            "describe_db_cluster_snapshots",
            "DBClusterSnapshots",
            "DBClusterIdentifier",
            "DBClusterSnapshotIdentifier",
            "DBClusterSnapshotArn",
        ),
        ("describe_db_snapshots", "DBSnapshots", "DBInstanceIdentifier", "DBSnapshotIdentifier", "DBSnapshotArn"),
    ):
        # By source and not by listing all: production may have thousands in the same account.
        for item in pages(client, operation, items, **{source: environment.name}):
            why = f"was taken of {item[source]}"
            yield Found(item[arn], f"rds:{items[:-1]}", item[name], why, moving=item.get("Status") == "deleting")


def _log_groups(session: Session, environment: Environment) -> Iterator[Found]:
    for place in ("/aws/rds/cluster/", "/aws/rds/instance/", "/envctl/"):
        prefix = place + environment.name
        for group in pages(session.client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
            if belongs(group["logGroupName"].removeprefix(place).split("/")[0], environment):
                arn = group["arn"].removesuffix(":*")
                yield Found(arn, "logs:group", group["logGroupName"], "has the environment's name")


def _roles(session: Session, environment: Environment) -> Iterator[Found]:
    client = session.client("iam")
    for operation, items, prefix, arguments in (
        ("list_roles", "Roles", "Role", {}),
        ("list_instance_profiles", "InstanceProfiles", "InstanceProfile", {}),
        ("list_policies", "Policies", "Policy", {"Scope": "Local"}),
    ):
        for item in pages(client, operation, items, **arguments):
            if belongs(item[f"{prefix}Name"], environment):
                yield Found(item["Arn"], f"iam:{prefix}", item[f"{prefix}Name"], "has the environment's name")


def _secrets(session: Session, environment: Environment) -> Iterator[Found]:
    """Yield secrets by name, by tag, and those that RDS keeps for the environment's database."""
    for secret in pages(session.client("secretsmanager"), "list_secrets", "SecretList", IncludePlannedDeletion=True):
        tags = tags_in(secret.get("Tags"))
        owners = [value for key, value in tags.items() if key.startswith("aws:rds:primaryDB")]
        if (
            belongs(secret["Name"], environment)
            or tags.get(TAG) == environment.name
            or any(belongs(owner.rsplit(":", 1)[-1], environment) for owner in owners)
        ):
            why = "is scheduled for deletion" if secret.get("DeletedDate") else "has the environment's name or tag"
            arn, parent = secret["ARN"], owners[0] if owners else None
            yield Found(arn, "secretsmanager:secret", arn, why, tags=tags, parent=parent)


def _alarms(session: Session, environment: Environment) -> Iterator[Found]:
    # TargetTracking-<group>-... are made by a target-tracking policy itself, and go with its group.
    described = pages(session.client("autoscaling"), "describe_auto_scaling_groups", "AutoScalingGroups")
    names = (group["AutoScalingGroupName"] for group in described)
    groups = tuple(name for name in names if belongs(name, environment))
    for prefix in (f"{environment.name}-", f"TargetTracking-{environment.name}-"):
        for alarm in pages(session.client("cloudwatch"), "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix):
            name, why = alarm["AlarmName"], "has the environment's name"
            group = next((group for group in groups if name.startswith(f"TargetTracking-{group}-")), None)
            yield Found(alarm["AlarmArn"], "cloudwatch:alarm", name, why, parent=group)
