"""What an account holds in one region, as {type: sorted ids}, through the public AWS API.

    python tests/inventory.py save FILE     write it
    python tests/inventory.py diff FILE     print what came and went since; exit 1 if anything did

Takes endpoint, region and credentials from the environment, so that it works on the sandbox and on a
real account alike. What cannot be listed is an error: an inventory with holes proves nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

Inventory = dict[str, list[str]]
Item = dict[str, Any]
Clients = dict[str, Any]  # by service

CONFIG = Config(retries={"total_max_attempts": 3, "mode": "standard"}, s3={"addressing_style": "path"})


@dataclass(frozen=True)
class Listing:
    """One kind of thing: `operation` of `service` answers a list `result` of items, each with an `id`."""

    service: str
    operation: str
    result: str
    id: str = ""  # empty: the item is its own id
    parameters: tuple[tuple[str, Any], ...] = ()
    keep: Callable[[Item], bool] = lambda item: True

    def ids(self, clients: Clients) -> Iterator[str]:
        for item in every(clients[self.service], self.operation, self.result, **dict(self.parameters)):
            if not self.id:
                yield str(item)
            elif self.keep(item):
                yield str(item[self.id])


def every(client: Any, operation: str, result: str, **parameters: Any) -> Iterator[Any]:
    """The items of all pages."""
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**parameters):
            yield from page.get(result) or []
    else:
        yield from getattr(client, operation)(**parameters).get(result) or []


def in_state(*gone: str) -> Callable[[Item], bool]:
    """Things that AWS goes on listing for a while after they are gone."""
    return lambda item: item["State"].lower() not in gone


def not_named(key: str, *prefixes: str) -> Callable[[Item], bool]:
    """Things that AWS itself has put into every account."""
    return lambda item: not item[key].startswith(prefixes)


LISTINGS = (
    Listing("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    Listing("ec2", "describe_subnets", "Subnets", "SubnetId"),
    Listing("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    Listing("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", keep=in_state("deleted")),
    Listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    Listing("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    Listing("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    Listing("ec2", "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"),
    Listing("ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    Listing("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", keep=in_state("deleted")),
    Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    Listing("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    Listing("ec2", "describe_key_pairs", "KeyPairs", "KeyPairId"),
    Listing("ec2", "describe_volumes", "Volumes", "VolumeId"),
    Listing("ec2", "describe_snapshots", "Snapshots", "SnapshotId", (("OwnerIds", ["self"]),)),
    Listing("ec2", "describe_images", "Images", "ImageId", (("Owners", ["self"]),)),
    Listing("rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    Listing("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    Listing("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots", "DBClusterSnapshotIdentifier"),
    Listing("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    Listing("rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups", "DBInstanceIdentifier"),
    Listing("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    Listing(
        "rds",
        "describe_db_parameter_groups",
        "DBParameterGroups",
        "DBParameterGroupName",
        keep=not_named("DBParameterGroupName", "default."),
    ),
    Listing(
        "rds",
        "describe_db_cluster_parameter_groups",
        "DBClusterParameterGroups",
        "DBClusterParameterGroupName",
        keep=not_named("DBClusterParameterGroupName", "default."),
    ),
    Listing("rds", "describe_event_subscriptions", "EventSubscriptionsList", "CustSubscriptionId"),
    Listing("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    Listing("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    Listing("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    Listing("autoscaling", "describe_policies", "ScalingPolicies", "PolicyARN"),
    Listing("autoscaling", "describe_scheduled_actions", "ScheduledUpdateGroupActions", "ScheduledActionARN"),
    Listing("iam", "list_roles", "Roles", "RoleName"),
    Listing("iam", "list_policies", "Policies", "Arn", (("Scope", "Local"),)),
    Listing("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    Listing("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    Listing("iam", "list_users", "Users", "UserName"),
    Listing("secretsmanager", "list_secrets", "SecretList", "ARN", (("IncludePlannedDeletion", True),)),
    Listing("ssm", "describe_parameters", "Parameters", "Name", keep=not_named("Name", "/aws/")),
    Listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    Listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmArn"),
    Listing("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    Listing("lambda", "list_functions", "Functions", "FunctionName"),
    Listing("events", "list_rules", "Rules", "Arn"),
    Listing("scheduler", "list_schedules", "Schedules", "Arn"),
    Listing("sns", "list_topics", "Topics", "TopicArn"),
    Listing("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    Listing("sqs", "list_queues", "QueueUrls"),
    Listing("dynamodb", "list_tables", "TableNames"),
    Listing("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    Listing("route53", "list_hosted_zones", "HostedZones", "Id"),
    Listing("kms", "list_aliases", "Aliases", "AliasName", keep=not_named("AliasName", "alias/aws/")),
    Listing("s3", "list_buckets", "Buckets", "Name"),
)


def instances(clients: Clients) -> Iterator[str]:
    client = clients["ec2"]
    for reservation in every(client, "describe_instances", "Reservations"):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated":
                yield instance["InstanceId"]


def customer_keys(clients: Clients) -> Iterator[str]:
    """Keys of the account's own; AWS-managed ones appear by themselves when a service first needs them."""
    client = clients["kms"]
    managed = {
        alias.get("TargetKeyId")
        for alias in every(client, "list_aliases", "Aliases")
        if alias["AliasName"].startswith("alias/aws/")
    }
    for key in every(client, "list_keys", "Keys"):
        metadata = client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        ours = metadata["KeyManager"] == "CUSTOMER" and key["KeyId"] not in managed
        if ours and metadata["KeyState"] != "PendingDeletion":
            yield key["KeyId"]


def objects(clients: Clients) -> Iterator[str]:
    """Every version and every delete marker of every object in every bucket."""
    client = clients["s3"]
    for bucket in every(client, "list_buckets", "Buckets"):
        name = bucket["Name"]
        for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            for version in page.get("Versions", []):
                yield f"{name}/{version['Key']}@{version['VersionId']}"
            for marker in page.get("DeleteMarkers", []):
                yield f"{name}/{marker['Key']}@{marker['VersionId']} (delete marker)"


def tagged(clients: Clients) -> Iterator[str]:
    """Whatever carries tags, so that a kind of thing forgotten above shows up nevertheless.

    The service also lists things for a while after they are gone; those of the kinds that others here
    list precisely are left to them.
    """
    client = clients["resourcegroupstaggingapi"]
    for resource in every(client, "get_resources", "ResourceTagMappingList"):
        arn = resource["ResourceARN"]
        if ":ec2:" not in arn:
            yield arn


SPECIAL: dict[str, Callable[[Clients], Iterable[str]]] = {
    "ec2:Instances": instances,
    "kms:Keys": customer_keys,
    "s3:Objects": objects,
    "tagging:Resources": tagged,
}


def inventory(session: Any = None) -> Inventory:
    """All that the account holds now."""
    session = session or boto3.Session()
    # Made beforehand: a client may be used by many threads, but a session makes only one at a time.
    services = {each.service for each in LISTINGS} | {"resourcegroupstaggingapi"}
    clients = {service: session.client(service, config=CONFIG) for service in sorted(services)}
    kinds = {f"{each.service}:{each.result}": each.ids for each in LISTINGS} | SPECIAL
    with ThreadPoolExecutor(8) as pool:
        listed = {kind: pool.submit(lambda ids: sorted(ids(clients)), ids) for kind, ids in kinds.items()}
        return {kind: future.result() for kind, future in sorted(listed.items())}


@dataclass(frozen=True)
class Difference:
    came: Inventory
    went: Inventory

    def __bool__(self) -> bool:
        return bool(self.came or self.went)

    def __str__(self) -> str:
        signed = (("+", self.came), ("-", self.went))
        return "\n".join(f"{sign} {kind} {each}" for sign, side in signed for kind in side for each in side[kind])


def difference(before: Inventory, after: Inventory) -> Difference:
    """What is in one and not in the other; an item that is there twice counts twice."""
    kinds = sorted(before.keys() | after.keys())
    return Difference(
        came={kind: more for kind in kinds if (more := _without(after.get(kind, []), before.get(kind, [])))},
        went={kind: less for kind in kinds if (less := _without(before.get(kind, []), after.get(kind, [])))},
    )


def _without(items: list[str], others: list[str]) -> list[str]:
    left = list(items)
    for each in others:
        if each in left:
            left.remove(each)
    return left


def main(arguments: list[str]) -> int:
    match arguments:
        case ["save", file]:
            Path(file).write_text(json.dumps(inventory(), indent=1) + "\n")
            return 0
        case ["diff", file]:
            found = difference(json.loads(Path(file).read_text()), inventory())
            print(found or "The account is as it was.")
            return 1 if found else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
