"""The sweep: what people made by hand inside the environment's VPC goes with it, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from world import LB, PREFIX, SOURCE, VPC, Account, Clock, Envctl, FakeTerraform, context_with

from orchestrator.aws import inventory
from orchestrator.events import Step
from orchestrator.lifecycle.destroy import destroy
from orchestrator.lifecycle.recovery import clear_strangers, until_gone
from orchestrator.outcome import Outcome

TAGS = [{"Key": "envctl:environment", "Value": "shop-pr-42"}, {"Key": "envctl:repository", "Value": "acme/shop"}]
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
LOGIN = {"MasterUsername": "admin", "MasterUserPassword": "only-in-a-test"}


pytestmark = pytest.mark.usefixtures("same_signals")


def destroyed(envctl: Envctl, sweep: bool = True) -> Outcome:
    """Destroy on a clock that passes only while somebody waits."""
    return destroy(context_with(Clock()), sweep)


def vpc_with(account: Account, *tags: dict[str, str]) -> str:
    made = account.client("ec2").create_vpc(
        CidrBlock="10.42.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": list(tags)}] if tags else []
    )
    return str(made["Vpc"]["VpcId"])


def furnished(account: Account, vpc: str) -> None:
    """One of everything, hanging on one another, as people leave it behind; nothing has a tag, some is protected."""
    ec2, elb, rds = (account.client(service) for service in ("ec2", "elbv2", "rds"))
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.42.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    one, other = (
        ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"] for name in ("one", "other")
    )
    for group, named in ((one, other), (other, one)):
        pair = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": named}]}]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])
    ec2.create_vpc_endpoint(
        VpcEndpointType="Gateway", VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table]
    )
    one_of = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1}
    (made,) = ec2.run_instances(SubnetId=subnets[0], SecurityGroupIds=[one], **one_of)["Instances"]
    ec2.modify_instance_attribute(InstanceId=made["InstanceId"], DisableApiTermination={"Value": True})
    second = ec2.create_network_interface(SubnetId=subnets[1], Groups=[other])["NetworkInterface"]
    (elsewhere,) = ec2.run_instances(**one_of)["Instances"]  # may have an interface in another VPC, and stays
    place = {"NetworkInterfaceId": second["NetworkInterfaceId"], "DeviceIndex": 1}
    ec2.attach_network_interface(InstanceId=elsewhere["InstanceId"], **place)
    ec2.create_network_acl(VpcId=vpc)
    balancer = elb.create_load_balancer(Name="by-hand", Subnets=subnets, SecurityGroups=[one])["LoadBalancers"][0]
    protected = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=protected)
    elb.create_target_group(Name="by-hand", Protocol="HTTP", Port=80, VpcId=vpc)
    rds.create_db_subnet_group(DBSubnetGroupName="by-hand", DBSubnetGroupDescription="x", SubnetIds=subnets)
    rds.create_db_instance(
        DBInstanceIdentifier="by-hand",
        Engine="mysql",
        DBInstanceClass="db.t3.micro",
        DBSubnetGroupName="by-hand",
        DeletionProtection=True,
        **LOGIN,
    )


def everything(account: Account, vpc: str) -> dict[str, Any]:
    """What of it is still there, by type."""
    ec2, elb, rds = (account.client(service) for service in ("ec2", "elbv2", "rds"))
    by_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    reservations = ec2.describe_instances(Filters=by_vpc)["Reservations"]
    found = {
        "vpc": ec2.describe_vpcs(Filters=by_vpc)["Vpcs"],
        "subnets": ec2.describe_subnets(Filters=by_vpc)["Subnets"],
        "groups": ec2.describe_security_groups(Filters=by_vpc)["SecurityGroups"],
        "tables": ec2.describe_route_tables(Filters=by_vpc)["RouteTables"],
        "gateways": ec2.describe_internet_gateways(Filters=[{**by_vpc[0], "Name": "attachment.vpc-id"}])[
            "InternetGateways"
        ],
        "interfaces": ec2.describe_network_interfaces(Filters=by_vpc)["NetworkInterfaces"],
        "endpoints": [e for e in ec2.describe_vpc_endpoints(Filters=by_vpc)["VpcEndpoints"] if e["State"] != "deleted"],
        "instances": [i for r in reservations for i in r["Instances"] if i["State"]["Name"] != "terminated"],
        "balancers": elb.describe_load_balancers()["LoadBalancers"],
        "targets": elb.describe_target_groups()["TargetGroups"],
        "databases": [d for d in rds.describe_db_instances()["DBInstances"] if d["DBInstanceIdentifier"] == "by-hand"],
        "subnet groups": rds.describe_db_subnet_groups()["DBSubnetGroups"],
    }
    return {kind: items for kind, items in found.items() if items}


def test_everything_in_the_vpc_goes(envctl: Envctl, account: Account) -> None:
    vpc = vpc_with(account, *TAGS)
    furnished(account, vpc)
    result = destroyed(envctl)
    assert (result.exit_code, everything(account, vpc)) == (0, {}), result.error


@pytest.mark.parametrize("named", [False, True])
def test_an_address_by_hand_goes_unless_terraform_names_it(
    envctl: Envctl, account: Account, terraform: FakeTerraform, named: bool
) -> None:
    ec2 = account.client("ec2")
    gateway, lent_gateway, server, elsewhere = (ec2.allocate_address(Domain="vpc")["AllocationId"] for _ in range(4))
    values = {"id": "eipassoc-1", "allocation_id": server}
    lent = {"module.web.aws_eip_association.this": {"type": "aws_eip_association", "values": values}} if named else {}
    terraform.set(resources={**terraform.resources, **lent})
    envctl("up", "--pr", "42", "--yes")
    vpc = vpc_with(account, *TAGS)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.42.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=gateway)
    made = [{"ResourceType": "natgateway", "Tags": TAGS}]  # by a Terraform that was killed before it noted it down
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=lent_gateway, TagSpecifications=made)
    run = ec2.run_instances(SubnetId=subnet, ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    ec2.associate_address(InstanceId=run["Instances"][0]["InstanceId"], AllocationId=server)
    result = destroyed(envctl)
    assert (result.exit_code, everything(account, vpc)) == (0, {}), result.error
    left = {address["AllocationId"] for address in ec2.describe_addresses()["Addresses"]}
    assert left == {elsewhere, lent_gateway, *([server] if named else [])}


def test_what_makes_things_again_goes_too(envctl: Envctl, account: Account) -> None:
    """A group's instances and a cluster's members lie in the VPC; the group and the cluster say so by their subnets."""
    ec2, scaling, rds = (account.client(service) for service in ("ec2", "autoscaling", "rds"))
    vpc = vpc_with(account, *TAGS)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.42.0.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    scaling.create_launch_configuration(LaunchConfigurationName="x", ImageId="ami-12c6146b", InstanceType="t3.micro")
    size = {"MinSize": 1, "MaxSize": 1, "VPCZoneIdentifier": subnet}
    scaling.create_auto_scaling_group(AutoScalingGroupName="by-hand", LaunchConfigurationName="x", **size)
    rds.create_db_subnet_group(DBSubnetGroupName="by-hand", DBSubnetGroupDescription="x", SubnetIds=[subnet])
    both = {"DBClusterIdentifier": "by-hand", "Engine": "aurora-mysql", "DBSubnetGroupName": "by-hand"}
    rds.create_db_cluster(DeletionProtection=True, **both, **LOGIN)
    rds.create_db_instance(DBInstanceIdentifier="by-hand", DBInstanceClass="db.t4g.medium", **both)
    result = destroyed(envctl)
    assert (result.exit_code, everything(account, vpc)) == (0, {}), result.error
    assert scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert [c["DBClusterIdentifier"] for c in rds.describe_db_clusters()["DBClusters"]] == [SOURCE]


def test_before_terraform_so_that_it_waits_for_nothing(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("up", "--pr", "42", "--yes")
    vpc = vpc_with(account, *TAGS)
    account.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.42.0.0/24")
    steps: list[str] = []
    context = context_with(Clock(), lambda event: steps.append(event.name) if isinstance(event, Step) else None)
    assert destroy(context).ok
    assert steps.index("sweep") < steps.index("destroy")


def test_what_stops_terraform_is_swept_and_terraform_then_ends_its_work(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    envctl("up", "--pr", "42", "--yes")
    terraform.fail("destroy", VPC, "deleting EC2 VPC", "DependencyViolation")
    made: list[str] = []

    def meanwhile(event: object) -> None:
        if not isinstance(event, Step):
            return
        if event.name == "destroy" and not made:
            made.append(vpc_with(account, *TAGS))
            furnished(account, made[0])
        if event.name == "verify" and event.seconds is not None:
            terraform.set(fail={})  # nothing holds it up any more

    result = destroy(context_with(Clock(), meanwhile))
    assert (result.exit_code, everything(account, made[0])) == (0, {}), result.error
    assert account.versions() == []


@pytest.mark.parametrize("tags", [(), TAGS[:1], ({"Key": "envctl:environment", "Value": "shop-pr-4"}, TAGS[1])])
def test_a_vpc_without_both_tags_is_never_touched(
    envctl: Envctl, account: Account, tags: tuple[dict[str, str], ...]
) -> None:
    vpc = vpc_with(account, *tags)
    furnished(account, vpc)
    before = {kind: len(items) for kind, items in everything(account, vpc).items()}
    record = account.record()
    account.record(outputs={**record.outputs, "vpc_id": vpc})  # a record that somebody has written wrongly
    result = destroyed(envctl)
    assert {kind: len(items) for kind, items in everything(account, vpc).items()} == before
    assert result.exit_code == 8  # and it is said that it is there


def test_a_vpc_that_terraform_only_uses_is_no_part_of_the_environment(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    """A team's root lies in the VPC that production lies in as well, and has its id among its outputs."""
    vpc = vpc_with(account)
    furnished(account, vpc)
    before = {kind: len(items) for kind, items in everything(account, vpc).items()}
    terraform.set(resources={LB: {"type": "aws_lb"}}, outputs={"vpc_id": {"value": vpc}})
    assert envctl("up", "--pr", "42", "--yes").code == 0
    terraform.fail("destroy", LB)  # the first time it stops half-way
    assert destroyed(envctl).exit_code == 4
    terraform.set(fail={})
    result = destroyed(envctl)
    assert (result.exit_code, account.versions()) == (0, []), result.left
    assert {kind: len(items) for kind, items in everything(account, vpc).items()} == before


def test_one_that_terraform_made_is_looked_through_even_without_tags(
    envctl: Envctl, account: Account, terraform: FakeTerraform
) -> None:
    vpc = vpc_with(account)
    terraform.set(resources={VPC: {"type": "aws_vpc", "id": vpc}}, outputs={"vpc_id": {"value": vpc}})
    assert envctl("up", "--pr", "42", "--yes").code == 0
    result = destroyed(envctl)
    assert (result.exit_code, bool(result.left)) == (8, True)


def test_no_sweep_only_names_it(envctl: Envctl, account: Account) -> None:
    vpc = vpc_with(account, *TAGS)
    result = envctl("destroy", "--pr", "42", "--yes", "--no-sweep", "--json")
    assert (result.code, [item["type"] for item in result.json["left"]]) == (
        8,
        ["ec2:network-acl", "ec2:route-table", "ec2:security-group", "ec2:vpc"],
    )
    assert everything(account, vpc)["vpc"]


def test_no_sweep_holds_before_terraform_as_well(envctl: Envctl, account: Account) -> None:
    envctl("up", "--pr", "42", "--yes")
    vpc = vpc_with(account, *TAGS)
    account.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.42.0.0/24")
    assert destroyed(envctl, sweep=False).exit_code == 8
    assert everything(account, vpc)["subnets"]


def test_roles_profiles_groups_and_logs_of_its_own_go(envctl: Envctl, account: Account) -> None:
    iam, logs = account.client("iam"), account.client("logs")
    iam.create_role(RoleName="shop-pr-42-web", AssumeRolePolicyDocument="{}", Tags=TAGS)
    iam.put_role_policy(RoleName="shop-pr-42-web", PolicyName="x", PolicyDocument=POLICY)
    iam.create_instance_profile(InstanceProfileName="shop-pr-42-web", Tags=TAGS)
    iam.add_role_to_instance_profile(InstanceProfileName="shop-pr-42-web", RoleName="shop-pr-42-web")
    iam.create_role(RoleName="shop-pr-421-web", AssumeRolePolicyDocument="{}", Tags=TAGS)
    # Written again by RDS after Terraform had deleted it: without tags and retention.
    logs.create_log_group(logGroupName="/aws/rds/cluster/shop-pr-42/error")
    assert destroyed(envctl).ok
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["shop-pr-421-web"]
    assert (iam.list_instance_profiles()["InstanceProfiles"], logs.describe_log_groups()["logGroups"]) == ([], [])


def test_what_blocks_is_told_with_what_aws_says(envctl: Envctl, account: Account) -> None:
    iam = account.client("iam")
    iam.create_role(RoleName="shop-pr-42-web", AssumeRolePolicyDocument="{}", Tags=TAGS)
    iam.create_instance_profile(InstanceProfileName="kept-by-hand")
    iam.add_role_to_instance_profile(InstanceProfileName="kept-by-hand", RoleName="shop-pr-42-web")
    result = destroyed(envctl)
    assert result.exit_code == 8
    (left,) = result.left or ()
    assert (left.arn.endswith(":role/shop-pr-42-web"), "DeleteConflict" in left.why) == (True, True)


def instance_with_a_volume(account: Account) -> tuple[str, str]:
    """One that Terraform's state knows, with a volume of its own, which nothing says to delete with it."""
    ec2, tags = account.client("ec2"), [{"ResourceType": kind, "Tags": TAGS} for kind in ("instance", "volume")]
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=tags[:1])
    instance = str(made["Instances"][0]["InstanceId"])
    zone = made["Instances"][0]["Placement"]["AvailabilityZone"]
    volume = str(ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=tags[1:])["VolumeId"])
    ec2.attach_volume(InstanceId=instance, VolumeId=volume, Device="/dev/sdf")
    known = {"mode": "managed", "type": "aws_instance", "name": "x", "instances": [{"attributes": {"id": instance}}]}
    account.put(f"{PREFIX}pr-42/terraform.tfstate", json.dumps({"version": 4, "resources": [known]}).encode())
    return instance, volume


def volumes(account: Account) -> set[str]:
    return {volume["VolumeId"] for volume in account.client("ec2").describe_volumes()["Volumes"]}


def test_an_attached_volume_waits_for_its_instance(envctl: Envctl, account: Account) -> None:
    instance, volume = instance_with_a_volume(account)
    clock = Clock()
    context = context_with(clock)
    clear_strangers(context, None)
    assert clock.now == 0  # nobody waited for what EC2 refuses as long as the instance is there
    left = {item.id: item.why for item in inventory.find(context.session, context.environment)}
    assert left[volume] == f"has the environment's tag, is attached to {instance}"


def test_a_volume_that_its_instance_leaves_behind_goes(envctl: Envctl, account: Account) -> None:
    instance, volume = instance_with_a_volume(account)
    account.client("ec2").terminate_instances(InstanceIds=[instance])
    assert volume in volumes(account)
    context = context_with(Clock())
    assert until_gone(context, lambda: inventory.find(context.session, context.environment)) == ()
    assert volume not in volumes(account)
