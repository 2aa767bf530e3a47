"""What EC2 holds for an environment: by its tag, and by lying in its VPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.aws.found import TAG, Found, pages, tags_in
from orchestrator.aws.session import Session
from orchestrator.identity import Environment


@dataclass(frozen=True)
class Kind:
    """How EC2 lists one type: `vpc` is the filter for what lies in a VPC, `gone` what counts as deleted."""

    operation: str
    items: str
    id: str
    type: str
    vpc: str | None = "vpc-id"
    gone: tuple[str, ...] = ()
    filters: str = "Filters"


KINDS = (
    Kind("describe_vpcs", "Vpcs", "VpcId", "vpc"),
    Kind("describe_subnets", "Subnets", "SubnetId", "subnet"),
    Kind("describe_route_tables", "RouteTables", "RouteTableId", "route-table"),
    Kind(
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        "internet-gateway",
        "attachment.vpc-id",
    ),
    Kind(
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        "natgateway",
        gone=("deleted",),
        filters="Filter",
    ),
    Kind("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "vpc-endpoint", gone=("deleted",)),
    Kind("describe_security_groups", "SecurityGroups", "GroupId", "security-group"),
    Kind("describe_network_acls", "NetworkAcls", "NetworkAclId", "network-acl"),
    Kind("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", "network-interface"),
    Kind("describe_addresses", "Addresses", "AllocationId", "elastic-ip", vpc=None),
    Kind("describe_volumes", "Volumes", "VolumeId", "volume", vpc=None),
    Kind("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId", "launch-template", vpc=None),
)


def _arn(session: Session, environment: Environment, resource: str) -> str:
    partition, account = session.owner
    return f"arn:{partition}:ec2:{environment.region}:{account}:{resource}"


def things(session: Session, environment: Environment, vpcs: tuple[str, ...], kind: Kind) -> Iterator[Found]:
    """Yield everything of one kind."""
    client = session.client("ec2")
    queries = [(f"tag:{TAG}", environment.name, "has the environment's tag")]
    if kind.vpc:
        queries += [(kind.vpc, vpc, f"is in {vpc}") for vpc in vpcs]
    seen = set()
    for name, value, why in queries:
        filters = {kind.filters: [{"Name": name, "Values": [value]}]}
        for item in _listed(client, kind.operation, kind.items, **filters):
            state = str(item.get("State", "")).lower()
            if state in kind.gone or item[kind.id] in seen:
                continue
            seen.add(item[kind.id])
            yield Found(
                _arn(session, environment, f"{kind.type}/{item[kind.id]}"),
                f"ec2:{kind.type}",
                item[kind.id],
                f"{why}, is attached to {host}" if (host := _host_of(item)) else why,
                vpc=value if name == kind.vpc else _vpc_of(item),
                tags=tags_in(item.get("Tags")),
                parent=_parent_of(item),
                moving=state == "deleting",
            )


def _listed(client: Any, operation: str, items: str, **filters: Any) -> Iterable[dict[str, Any]]:
    if client.can_paginate(operation):
        return pages(client, operation, items, **filters)
    answer: list[dict[str, Any]] = getattr(client, operation)(**filters)[items]
    return answer


def _vpc_of(item: dict[str, Any]) -> str | None:
    attached = [a.get("VpcId") for a in item.get("Attachments", ())]  # of an internet gateway
    return item.get("VpcId") or (attached[0] if attached else None)


def _parent_of(item: dict[str, Any]) -> str | None:
    """Return what made this and takes it along, if anything did."""
    if item.get("GroupName") == "default" or item.get("IsDefault") is True:
        return "the VPC"
    if any(association.get("Main") for association in item.get("Associations", ())):
        return "the VPC"
    if item.get("RequesterManaged") or item.get("InterfaceType") in ("nat_gateway", "gateway_load_balancer_endpoint"):
        return "the service that made it"
    # EC2 deletes no volume that is attached: it goes with its instance, or can be deleted after it.
    if any(a.get("DeleteOnTermination") for a in _attachments(item)) or _host_of(item):
        return "its instance"
    return None


def _host_of(item: dict[str, Any]) -> str | None:
    """Return the instance that a volume is attached to, if it is one and is."""
    attachments = item.get("Attachments", ()) if "VolumeId" in item else ()
    return next((a["InstanceId"] for a in attachments if a.get("InstanceId") and a.get("State") != "detached"), None)


def _attachments(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return how a volume or an interface is attached; an internet gateway's attachments delete nothing."""
    return [*([item["Attachment"]] if item.get("Attachment") else []), *item.get("Attachments", ())]


def instances(session: Session, environment: Environment, vpcs: tuple[str, ...]) -> Iterator[Found]:
    """Yield instances; a terminated one is listed for an hour and is gone."""
    queries = [(f"tag:{TAG}", environment.name), *(("vpc-id", vpc) for vpc in vpcs)]
    seen = set()
    for name, value in queries:
        filters = [{"Name": name, "Values": [value]}]
        for reservation in pages(session.client("ec2"), "describe_instances", "Reservations", Filters=filters):
            for instance in reservation["Instances"]:
                state = instance["State"]["Name"]
                if state != "terminated" and instance["InstanceId"] not in seen:
                    seen.add(instance["InstanceId"])
                    tags = tags_in(instance.get("Tags"))
                    yield Found(
                        _arn(session, environment, f"instance/{instance['InstanceId']}"),
                        "ec2:instance",
                        instance["InstanceId"],
                        f"is {state}",
                        vpc=instance.get("VpcId"),
                        tags=tags,
                        parent=tags.get("aws:autoscaling:groupName"),
                        moving=state == "shutting-down",
                    )


def lent_addresses(session: Session, environment: Environment, vpc: str) -> Iterator[Found]:
    """Yield the addresses that people brought into the VPC, for they lie in none: used there by what has no tag either.

    A NAT gateway is listed for an hour after its deletion, and says still which address was its own: that one counts
    as well, until something else uses it.
    """
    client = session.client("ec2")
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    listed = pages(client, "describe_network_interfaces", "NetworkInterfaces", Filters=inside)
    interfaces = {interface["NetworkInterfaceId"] for interface in listed}
    ours: set[str | None] = set()
    theirs: set[str | None] = set()
    for gateway in pages(client, "describe_nat_gateways", "NatGateways", Filter=inside):
        addresses = {address.get("AllocationId") for address in gateway.get("NatGatewayAddresses", ())}
        (ours if TAG in tags_in(gateway.get("Tags")) else theirs).update(addresses)
    tagged = [*inside, {"Name": f"tag:{TAG}", "Values": [environment.name]}]
    reservations = pages(client, "describe_instances", "Reservations", Filters=tagged)
    instances = {instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]}
    for address in _listed(client, "describe_addresses", "Addresses"):
        id, user, tags = address.get("AllocationId"), address.get("NetworkInterfaceId"), tags_in(address.get("Tags"))
        used = user in interfaces or (not user and id in theirs)
        if id and used and id not in ours and address.get("InstanceId") not in instances and TAG not in tags:
            arn = _arn(session, environment, f"elastic-ip/{id}")
            yield Found(arn, "ec2:elastic-ip", id, f"is used in {vpc}", vpc=vpc, tags=tags)
