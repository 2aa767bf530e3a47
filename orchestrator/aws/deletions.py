"""How one thing of each type is deleted, with what would hold it back. Nothing is waited for here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from orchestrator.aws.found import Found
from orchestrator.aws.session import Session, client_error, code_of


def _simply(service: str, operation: str, argument: str, session: Session, item: Found, **more: Any) -> None:
    getattr(session.client(service), operation)(**{argument: item.id}, **more)


def _scaling_group(session: Session, item: Found) -> None:
    session.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=item.id, ForceDelete=True)


def _instance(session: Session, item: Found) -> None:
    ec2 = session.client("ec2")
    try:
        ec2.terminate_instances(InstanceIds=[item.id])
    except client_error() as error:
        if code_of(error) != "OperationNotPermitted":  # somebody protected it
            raise
        ec2.modify_instance_attribute(InstanceId=item.id, DisableApiTermination={"Value": False})
        ec2.terminate_instances(InstanceIds=[item.id])


def _load_balancer(session: Session, item: Found) -> None:
    elb = session.client("elbv2")
    try:
        elb.delete_load_balancer(LoadBalancerArn=item.arn)
    except client_error() as error:
        if code_of(error) != "OperationNotPermitted":  # deletion protection
            raise
        off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=item.arn, Attributes=off)
        elb.delete_load_balancer(LoadBalancerArn=item.arn)


def _db_instance(session: Session, item: Found) -> None:
    rds = session.client("rds")
    member = rds.describe_db_instances(DBInstanceIdentifier=item.id)["DBInstances"][0]
    if member.get("DeletionProtection"):
        rds.modify_db_instance(DBInstanceIdentifier=item.id, DeletionProtection=False, ApplyImmediately=True)
    # The backups of a cluster's member are the cluster's.
    own = {} if member.get("DBClusterIdentifier") else {"DeleteAutomatedBackups": True}
    rds.delete_db_instance(DBInstanceIdentifier=item.id, SkipFinalSnapshot=True, **own)


def _db_cluster(session: Session, item: Found) -> None:
    rds = session.client("rds")
    if rds.describe_db_clusters(DBClusterIdentifier=item.id)["DBClusters"][0].get("DeletionProtection"):
        rds.modify_db_cluster(DBClusterIdentifier=item.id, DeletionProtection=False, ApplyImmediately=True)
    rds.delete_db_cluster(DBClusterIdentifier=item.id, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)


def _address(session: Session, item: Found) -> None:
    ec2 = session.client("ec2")
    for address in ec2.describe_addresses(AllocationIds=[item.id])["Addresses"]:
        if address.get("AssociationId"):
            ec2.disassociate_address(AssociationId=address["AssociationId"])
    ec2.release_address(AllocationId=item.id)


def _interface(session: Session, item: Found) -> None:
    ec2 = session.client("ec2")
    for interface in ec2.describe_network_interfaces(NetworkInterfaceIds=[item.id])["NetworkInterfaces"]:
        attachment = interface.get("Attachment") or {}
        if attachment.get("AttachmentId") and attachment.get("Status") == "attached":
            ec2.detach_network_interface(AttachmentId=attachment["AttachmentId"], Force=True)
    ec2.delete_network_interface(NetworkInterfaceId=item.id)


def _security_group(session: Session, item: Found) -> None:
    """Delete a group after the rules that name it: groups that name one another would keep each other for ever."""
    ec2 = session.client("ec2")
    for kind in ("ip-permission", "egress.ip-permission"):
        naming = [{"Name": f"{kind}.group-id", "Values": [item.id]}]
        for other in ec2.describe_security_groups(Filters=naming)["SecurityGroups"]:
            if other["VpcId"] == item.vpc and other["GroupId"] != item.id:
                _revoke_naming(ec2, other["GroupId"], item.id)
    ec2.delete_security_group(GroupId=item.id)


def _revoke_naming(ec2: Any, group: str, named: str) -> None:
    by_group = [{"Name": "group-id", "Values": [group]}]
    for rule in ec2.describe_security_group_rules(Filters=by_group)["SecurityGroupRules"]:
        if rule.get("ReferencedGroupInfo", {}).get("GroupId") == named:
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


def _route_table(session: Session, item: Found) -> None:
    ec2 = session.client("ec2")
    for table in ec2.describe_route_tables(RouteTableIds=[item.id])["RouteTables"]:
        for association in table["Associations"]:
            ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=item.id)


def _internet_gateway(session: Session, item: Found) -> None:
    ec2 = session.client("ec2")
    for gateway in ec2.describe_internet_gateways(InternetGatewayIds=[item.id])["InternetGateways"]:
        for attachment in gateway["Attachments"]:
            ec2.detach_internet_gateway(InternetGatewayId=item.id, VpcId=attachment["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=item.id)


def _endpoint(session: Session, item: Found) -> None:
    session.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[item.id])


def _profile(session: Session, item: Found) -> None:
    iam = session.client("iam")
    for role in iam.get_instance_profile(InstanceProfileName=item.id)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=item.id, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=item.id)


def _role(session: Session, item: Found) -> None:
    iam = session.client("iam")
    for policy in iam.list_attached_role_policies(RoleName=item.id)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=item.id, PolicyArn=policy["PolicyArn"])
    for name in iam.list_role_policies(RoleName=item.id)["PolicyNames"]:
        iam.delete_role_policy(RoleName=item.id, PolicyName=name)
    iam.delete_role(RoleName=item.id)


def _policy(session: Session, item: Found) -> None:
    session.client("iam").delete_policy(PolicyArn=item.arn)


def _secret(session: Session, item: Found) -> None:
    session.client("secretsmanager").delete_secret(SecretId=item.arn, ForceDeleteWithoutRecovery=True)


def _alarm(session: Session, item: Found) -> None:
    session.client("cloudwatch").delete_alarms(AlarmNames=[item.id])


# What makes others goes before what it makes, and what hangs on something before that.
DELETE: dict[str, Callable[[Session, Found], None]] = {
    "autoscaling:group": _scaling_group,
    "ec2:instance": _instance,
    "elasticloadbalancing:LoadBalancer": _load_balancer,
    "elasticloadbalancing:TargetGroup": partial(_simply, "elbv2", "delete_target_group", "TargetGroupArn"),
    "rds:DBInstance": _db_instance,
    "rds:DBCluster": _db_cluster,
    "ec2:natgateway": partial(_simply, "ec2", "delete_nat_gateway", "NatGatewayId"),
    "ec2:vpc-endpoint": _endpoint,
    "ec2:network-interface": _interface,
    "ec2:elastic-ip": _address,
    "ec2:volume": partial(_simply, "ec2", "delete_volume", "VolumeId"),
    "ec2:launch-template": partial(_simply, "ec2", "delete_launch_template", "LaunchTemplateId"),
    "rds:DBSubnetGroup": partial(_simply, "rds", "delete_db_subnet_group", "DBSubnetGroupName"),
    "rds:DBParameterGroup": partial(_simply, "rds", "delete_db_parameter_group", "DBParameterGroupName"),
    "rds:DBClusterParameterGroup": partial(
        _simply, "rds", "delete_db_cluster_parameter_group", "DBClusterParameterGroupName"
    ),
    "ec2:security-group": _security_group,
    "ec2:subnet": partial(_simply, "ec2", "delete_subnet", "SubnetId"),
    "ec2:route-table": _route_table,
    "ec2:network-acl": partial(_simply, "ec2", "delete_network_acl", "NetworkAclId"),
    "ec2:internet-gateway": _internet_gateway,
    "ec2:vpc": partial(_simply, "ec2", "delete_vpc", "VpcId"),
    "logs:group": partial(_simply, "logs", "delete_log_group", "logGroupName"),
    "iam:InstanceProfile": _profile,
    "iam:Role": _role,
    "iam:Policy": _policy,
    "secretsmanager:secret": _secret,
    "cloudwatch:alarm": _alarm,
}
