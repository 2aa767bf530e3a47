"""The emulator behaves as AWS documents where moto alone does not: each test fails without its correction."""

from __future__ import annotations

import base64
import tarfile
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from orchestrator.sandbox import control

CLOUD_CONFIG = """#cloud-config
write_files:
  - path: /etc/nginx/conf.d/site.conf
    content: "server { location = /healthz { return 200; } }"
  - path: /usr/share/nginx/html/index.html
    content: "<h1>hello</h1>"
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Sandbox]:
    directory = tmp_path_factory.mktemp("emulation")
    yield control.start(directory)
    control.stop(directory)


def test_a_call_that_is_made_again_is_logged(sandbox: control.Sandbox) -> None:
    for attempt in (1, 2):
        connection = HTTPConnection("127.0.0.1", sandbox.port)
        connection.request("GET", "/again", headers={"amz-sdk-request": f"attempt={attempt}; max=3"})
        connection.getresponse().read()
        connection.close()
    logged = [line for line in sandbox.log.read_text().splitlines() if "/again" in line]
    assert [line.rpartition(" ")[2] for line in logged] == ["attempt=2"]


class Aws:
    """Clients of the sandbox by service: `aws.rds`, `aws.ec2`."""

    def __init__(self, endpoint: str) -> None:
        self._session = boto3.Session("sandbox", "sandbox", region_name="us-east-1")
        self._endpoint = endpoint

    def __getattr__(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
        client = self._session.client(service, endpoint_url=self._endpoint, config=config)
        setattr(self, service, client)
        return client


@pytest.fixture(scope="module")
def aws(sandbox: control.Sandbox) -> Aws:
    return Aws(sandbox.endpoint)


@pytest.fixture
def name() -> str:
    return "t" + uuid.uuid4().hex[:12]


@pytest.fixture
def network(aws: Aws, name: str) -> tuple[str, list[str]]:
    vpc = aws.ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    return vpc, [
        aws.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.42.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]


@pytest.fixture
def cluster(aws: Aws, name: str) -> str:
    aws.rds.create_db_cluster(
        DBClusterIdentifier=name, Engine="aurora-mysql", MasterUsername="admin", MasterUserPassword="password"
    )
    return name


def template(aws: Aws, name: str, user_data: str = CLOUD_CONFIG, **more: Any) -> str:
    data = {
        "ImageId": "ami-12c6146b",
        "InstanceType": "t3.micro",
        "UserData": base64.b64encode(user_data.encode()).decode(),
    }
    made = aws.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data | more)
    return made["LaunchTemplate"]["LaunchTemplateId"]


def group(aws: Aws, name: str, subnets: list[str], size: int = 2, **more: Any) -> None:
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=size,
        VPCZoneIdentifier=",".join(subnets),
        **({"LaunchTemplate": {"LaunchTemplateName": name, "Version": "$Latest"}} | more),
    )


# --- RDS -------------------------------------------------------------------------------------------


def test_each_instance_has_a_resource_id_of_its_own(aws: Aws) -> None:
    ids = [each["DbiResourceId"] for each in aws.rds.describe_db_instances()["DBInstances"]]
    assert len(ids) == len(set(ids)) == 4


def test_an_instance_that_is_made_again_is_another_one(aws: Aws, name: str) -> None:
    login = {"MasterUsername": "root", "MasterUserPassword": "only-in-a-test", "AllocatedStorage": 20}
    ids = set()
    for _ in range(2):
        made = aws.rds.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t4g.small", Engine="mysql", **login
        )
        ids.add(made["DBInstance"]["DbiResourceId"])
        aws.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    assert len(ids) == 2


def test_a_stopped_cluster_is_left_alone_until_it_is_started(aws: Aws, cluster: str) -> None:
    member = {"DBInstanceIdentifier": f"{cluster}-0", "DBInstanceClass": "db.r6g.large", "Engine": "aurora-mysql"}
    aws.rds.create_db_instance(DBClusterIdentifier=cluster, **member)
    aws.rds.stop_db_cluster(DBClusterIdentifier=cluster)
    for refused in (
        lambda: aws.rds.modify_db_cluster(DBClusterIdentifier=cluster, EnableIAMDatabaseAuthentication=True),
        lambda: aws.rds.delete_db_instance(DBInstanceIdentifier=f"{cluster}-0"),
        lambda: aws.rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True),
    ):
        with pytest.raises(ClientError, match="InvalidDBClusterStateFault"):
            refused()
    assert aws.rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]["Status"] == "stopped"
    aws.rds.start_db_cluster(DBClusterIdentifier=cluster)
    aws.rds.delete_db_instance(DBInstanceIdentifier=f"{cluster}-0")


def test_an_instance_with_a_replica_is_not_stopped(aws: Aws, name: str) -> None:
    login = {"MasterUsername": "root", "MasterUserPassword": "only-in-a-test", "AllocatedStorage": 20}
    aws.rds.create_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t4g.small", Engine="mysql", **login)
    aws.rds.create_db_instance_read_replica(DBInstanceIdentifier=f"{name}-r", SourceDBInstanceIdentifier=name)
    with pytest.raises(ClientError, match="InvalidDBInstanceState"):
        aws.rds.stop_db_instance(DBInstanceIdentifier=name)
    aws.rds.delete_db_instance(DBInstanceIdentifier=f"{name}-r", SkipFinalSnapshot=True)
    aws.rds.stop_db_instance(DBInstanceIdentifier=name)
    aws.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_snapshots_are_found_and_restored_by_arn(aws: Aws, name: str) -> None:
    newest = aws.rds.describe_db_cluster_snapshots(DBClusterIdentifier="billing-prod")["DBClusterSnapshots"][-1]
    arn = newest["DBClusterSnapshotArn"]
    (found,) = aws.rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=arn)["DBClusterSnapshots"]
    assert found["DBClusterSnapshotIdentifier"] == newest["DBClusterSnapshotIdentifier"]
    restored = aws.rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=name, SnapshotIdentifier=arn, Engine="aurora-mysql"
    )
    assert restored["DBCluster"]["EngineVersion"] == newest["EngineVersion"]
    aws.rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)  # production's protection

    (found,) = aws.rds.describe_db_snapshots(
        DBSnapshotIdentifier="arn:aws:rds:us-east-1:123456789012:snapshot:legacy-prod-month-1"
    )["DBSnapshots"]
    restored = aws.rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=name,
        DBSnapshotIdentifier=found["DBSnapshotArn"],
        AutoMinorVersionUpgrade=False,
    )["DBInstance"]
    assert (restored["Engine"], restored["AutoMinorVersionUpgrade"]) == ("postgres", False)
    aws.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)  # is not inherited


def test_snapshots_come_in_pages(aws: Aws) -> None:
    first = aws.rds.describe_db_cluster_snapshots(DBClusterIdentifier="shop-prod")
    assert len(first["DBClusterSnapshots"]) == 100
    rest = aws.rds.describe_db_cluster_snapshots(DBClusterIdentifier="shop-prod", Marker=first["Marker"])
    assert len(rest["DBClusterSnapshots"]) == 30
    assert "Marker" not in rest
    assert len(aws.rds.describe_db_cluster_snapshots(MaxRecords=20)["DBClusterSnapshots"]) == 20
    for wrong in ({"MaxRecords": 19}, {"MaxRecords": 101}, {"Marker": "never given"}):
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            aws.rds.describe_db_cluster_snapshots(**wrong)
    assert len(aws.rds.describe_db_snapshots(MaxRecords=20)["DBSnapshots"]) < 20


def test_a_copied_cluster_snapshot_names_its_source(aws: Aws) -> None:
    (copy,) = aws.rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="shop-prod-copy-of-release-001")[
        "DBClusterSnapshots"
    ]
    assert copy["SourceDBClusterSnapshotArn"].endswith(":cluster-snapshot:shop-prod-release-001")


def test_snapshots_that_are_not_available_cannot_be_restored(aws: Aws, name: str) -> None:
    with pytest.raises(ClientError, match="InvalidDBClusterSnapshotStateFault"):
        aws.rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier=name, SnapshotIdentifier="shop-prod-on-demand", Engine="aurora-mysql"
        )
    with pytest.raises(ClientError, match="InvalidDBSnapshotState"):
        aws.rds.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=name, DBSnapshotIdentifier="legacy-prod-on-demand"
        )


def test_a_provisioned_cluster_has_no_scaling_configuration(aws: Aws, cluster: str) -> None:
    (described,) = aws.rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
    assert "ScalingConfigurationInfo" not in described


def test_iam_authentication_can_be_switched_on_later(aws: Aws, cluster: str) -> None:
    aws.rds.modify_db_cluster(DBClusterIdentifier=cluster, EnableIAMDatabaseAuthentication=True, ApplyImmediately=True)
    (described,) = aws.rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
    assert described["IAMDatabaseAuthenticationEnabled"] is True


def test_a_second_cluster_of_the_same_name_is_refused(aws: Aws, cluster: str) -> None:
    with pytest.raises(ClientError, match="DBClusterAlreadyExistsFault"):
        aws.rds.create_db_cluster(DBClusterIdentifier=cluster.upper(), Engine="aurora-mysql")


def test_automated_snapshots_go_with_their_cluster(aws: Aws, cluster: str) -> None:
    def snapshots() -> list[str]:
        found = aws.rds.describe_db_cluster_snapshots(DBClusterIdentifier=cluster)["DBClusterSnapshots"]
        return [each["SnapshotType"] for each in found]

    aws.rds.create_db_cluster_snapshot(DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=cluster)
    assert snapshots() == ["automated", "manual"]
    aws.rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)
    assert snapshots() == ["manual"]


def test_members_of_a_cluster_have_no_snapshots_of_their_own(aws: Aws, cluster: str) -> None:
    aws.rds.create_db_instance(
        DBInstanceIdentifier=f"{cluster}-1",
        DBClusterIdentifier=cluster,
        DBInstanceClass="db.t4g.medium",
        Engine="aurora-mysql",
    )
    assert aws.rds.describe_db_snapshots(DBInstanceIdentifier=f"{cluster}-1")["DBSnapshots"] == []


def test_parameters_that_were_set_have_source_user(aws: Aws, name: str) -> None:
    aws.rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres16", Description="test"
    )
    setting = {"ParameterName": "log_statement", "ParameterValue": "all", "ApplyMethod": "immediate"}
    aws.rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=[setting])
    listed = aws.rds.describe_db_parameters(DBParameterGroupName=name)["Parameters"]
    assert {p["Source"] for p in listed if p["ParameterName"] == "log_statement"} == {"user"}


# --- EC2 -------------------------------------------------------------------------------------------


def test_tags_of_the_launch_template_itself_are_no_part_of_its_data(aws: Aws, name: str) -> None:
    tags = [{"Key": "team", "Value": "shop"}]
    own, instances = ({"ResourceType": kind, "Tags": tags} for kind in ("launch-template", "instance"))
    aws.ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={"TagSpecifications": [instances]},
        TagSpecifications=[own],
    )
    (version,) = aws.ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"]
    assert version["LaunchTemplateData"]["TagSpecifications"] == [instances]


def test_rules_between_groups_have_a_description(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    group = aws.ec2.create_security_group(GroupName=name, Description="test", VpcId=network[0])["GroupId"]
    pair = {"GroupId": group, "Description": "From itself."}
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [pair]}
    aws.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    described = aws.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    assert "From itself." in [rule.get("Description") for rule in described["SecurityGroupRules"]]


def test_a_group_that_another_ones_rule_names_stays(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    named, other = (
        aws.ec2.create_security_group(GroupName=f"{name}-{n}", Description="test", VpcId=network[0])["GroupId"]
        for n in range(2)
    )
    for group in (named, other):  # a rule of its own that names it holds nothing back
        pair = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": named}]}]
        aws.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair)
    with pytest.raises(ClientError, match="DependencyViolation"):
        aws.ec2.delete_security_group(GroupId=named)
    aws.ec2.delete_security_group(GroupId=other)
    aws.ec2.delete_security_group(GroupId=named)


def test_what_is_attached_stays(aws: Aws, network: tuple[str, list[str]]) -> None:
    started = aws.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=network[1][0])
    interface = aws.ec2.create_network_interface(SubnetId=network[1][0])["NetworkInterface"]["NetworkInterfaceId"]
    place = {"InstanceId": started["Instances"][0]["InstanceId"], "DeviceIndex": 1}
    attachment = aws.ec2.attach_network_interface(NetworkInterfaceId=interface, **place)["AttachmentId"]
    with pytest.raises(ClientError, match="currently in use"):
        aws.ec2.delete_network_interface(NetworkInterfaceId=interface)
    aws.ec2.detach_network_interface(AttachmentId=attachment)
    aws.ec2.delete_network_interface(NetworkInterfaceId=interface)
    vpc = aws.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with pytest.raises(ClientError, match="DependencyViolation"):
        aws.ec2.delete_vpc(VpcId=vpc)
    aws.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    aws.ec2.delete_vpc(VpcId=vpc)


def test_a_load_balancer_that_is_protected_stays(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    arn = aws.elbv2.create_load_balancer(Name=name, Subnets=network[1])["LoadBalancers"][0]["LoadBalancerArn"]

    def protect(value: str) -> None:
        attribute = {"Key": "deletion_protection.enabled", "Value": value}
        aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[attribute])

    protect("true")
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    protect("false")
    aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)


def test_nat_gateways_are_filtered_by_tag(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    def found(**wanted: str) -> int:
        filters = [{"Name": key.replace("_", ":"), "Values": [value]} for key, value in wanted.items()]
        return len(aws.ec2.describe_nat_gateways(Filter=filters)["NatGateways"])

    tags = [{"ResourceType": "natgateway", "Tags": [{"Key": "run", "Value": name}]}]
    for specification in (tags, []):
        aws.ec2.create_nat_gateway(SubnetId=network[1][0], ConnectivityType="private", TagSpecifications=specification)
    assert found(tag_run=name) == 1
    assert found(tag_run="other") == 0
    keys = [{"Name": "tag-key", "Values": ["run"]}, {"Name": "vpc-id", "Values": [network[0]]}]
    assert len(aws.ec2.describe_nat_gateways(Filter=keys)["NatGateways"]) == 1


def test_the_interface_of_a_nat_gateway_is_the_gateways(aws: Aws, network: tuple[str, list[str]]) -> None:
    vpc, subnets = network
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    aws.ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    (interface,) = aws.ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"]
    assert (interface["InterfaceType"], interface["RequesterManaged"]) == ("nat_gateway", True)


def test_an_interface_that_is_made_with_an_instance_ends_with_it(aws: Aws, network: tuple[str, list[str]]) -> None:
    vpc, subnets = network
    image = aws.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    count = {"ImageId": image, "MinCount": 1, "MaxCount": 1}
    kept = {"DeviceIndex": 0, "SubnetId": subnets[1], "DeleteOnTermination": False}
    made = [
        aws.ec2.run_instances(**count, SubnetId=subnets[0])["Instances"][0],
        aws.ec2.run_instances(**count, NetworkInterfaces=[kept])["Instances"][0],
    ]
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    found = aws.ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"]
    ends = {each["Attachment"]["InstanceId"]: each["Attachment"]["DeleteOnTermination"] for each in found}
    assert ends == {made[0]["InstanceId"]: True, made[1]["InstanceId"]: False}
    aws.ec2.terminate_instances(InstanceIds=list(ends))


def test_interfaces_and_acls_go_with_their_owner(aws: Aws, network: tuple[str, list[str]]) -> None:
    vpc, (subnet, other) = network
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    (instance,) = aws.ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet, InstanceType="t3.micro"
    )["Instances"]
    nat = aws.ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]
    assert len(aws.ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"]) == 2
    aws.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    aws.ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert aws.ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"] == []
    aws.ec2.delete_subnet(SubnetId=subnet)
    aws.ec2.delete_subnet(SubnetId=other)
    aws.ec2.delete_vpc(VpcId=vpc)
    assert aws.ec2.describe_network_acls(Filters=inside)["NetworkAcls"] == []


# --- Auto scaling ----------------------------------------------------------------------------------


def test_groups_launch_from_later_template_versions(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    template(aws, name)
    data = {"UserData": base64.b64encode(CLOUD_CONFIG.encode()).decode()}
    aws.ec2.create_launch_template_version(LaunchTemplateName=name, SourceVersion="1", LaunchTemplateData=data)
    group(aws, name, network[1], size=1)


def test_groups_remember_their_warmup(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    template(aws, name)
    group(aws, name, network[1], size=0, DefaultInstanceWarmup=30)
    described = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    assert described["AutoScalingGroups"][0]["DefaultInstanceWarmup"] == 30
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, DefaultInstanceWarmup=60)
    described = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    assert described["AutoScalingGroups"][0]["DefaultInstanceWarmup"] == 60


def test_a_group_with_instances_is_in_use(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    template(aws, name)
    group(aws, name, network[1], size=1)
    with pytest.raises(ClientError, match="ResourceInUse"):
        aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name)
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=0, MaxSize=0)
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name)


def test_scaling_policies_are_enabled(aws: Aws, network: tuple[str, list[str]], name: str) -> None:
    template(aws, name)
    group(aws, name, network[1], size=0)
    metric = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    aws.autoscaling.put_scaling_policy(
        AutoScalingGroupName=name,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={"PredefinedMetricSpecification": metric, "TargetValue": 60},
    )
    (policy,) = aws.autoscaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]
    assert policy["Enabled"] is True
    assert "PredictiveScalingConfiguration" not in policy


# --- Load balancers --------------------------------------------------------------------------------


class Site:
    """A load balancer in front of an auto scaling group, as the web module makes it."""

    def __init__(self, aws: Aws, name: str, network: tuple[str, list[str]]) -> None:
        self.aws, self.name, (vpc, self.subnets) = aws, name, network
        made = aws.elbv2.create_load_balancer(Name=name, Subnets=self.subnets)["LoadBalancers"][0]
        self.arn, self.dns_name = made["LoadBalancerArn"], made["DNSName"]
        self.targets = aws.elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=vpc, HealthCheckPath="/healthz"
        )["TargetGroups"][0]["TargetGroupArn"]

    def listen(self, **action: Any) -> str:
        action = action or {"Type": "forward", "TargetGroupArn": self.targets}
        return self.aws.elbv2.create_listener(
            LoadBalancerArn=self.arn, Protocol="HTTP", Port=80, DefaultActions=[action]
        )["Listeners"][0]["ListenerArn"]

    def launch(self, size: int = 2, user_data: str = CLOUD_CONFIG) -> None:
        template(self.aws, self.name, user_data)
        group(self.aws, self.name, self.subnets, size, TargetGroupARNs=[self.targets])

    def health(self) -> dict[str, tuple[str, str | None]]:
        described = self.aws.elbv2.describe_target_health(TargetGroupArn=self.targets)
        return {
            each["Target"]["Id"]: (each["TargetHealth"]["State"], each["TargetHealth"].get("Description"))
            for each in described["TargetHealthDescriptions"]
        }

    def get(self, path: str = "/", method: str = "GET") -> tuple[int, str, dict[str, str]]:
        connection = HTTPConnection(self.dns_name, timeout=5)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode(), dict(response.getheaders())
        finally:
            connection.close()


@pytest.fixture
def site(aws: Aws, name: str, network: tuple[str, list[str]]) -> Iterator[Site]:
    site = Site(aws, name, network)
    yield site
    aws.elbv2.delete_load_balancer(LoadBalancerArn=site.arn)


def test_a_load_balancer_serves_what_its_instances_would(site: Site) -> None:
    site.listen()
    assert site.get()[0] == 503
    site.launch(size=2)
    assert set(site.health().values()) == {("healthy", None)}
    answers = [site.get() for _ in range(4)]
    assert {(status, body) for status, body, _ in answers} == {(200, "<h1>hello</h1>")}
    assert {headers["X-Served-By"] for _, _, headers in answers} == set(site.health())
    assert site.get("/missing")[0] == 404
    status, body, headers = site.get("/?cache=no", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, "", "14")


def test_instances_that_fail_the_health_check_get_no_requests(site: Site) -> None:
    site.listen()
    site.launch(user_data=CLOUD_CONFIG.replace("/healthz", "/health"))
    assert set(site.health().values()) == {("unhealthy", "Health checks failed with these codes: [404]")}
    assert site.get()[0] == 503


def test_a_site_archive_comes_from_the_emulators_s3(site: Site, aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("from the archive")
    with tarfile.open(tmp_path / "site.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "index.html", arcname="index.html")
    site.listen()
    site.launch(user_data=f"{CLOUD_CONFIG}runcmd:\n  - aws s3 cp s3://{site.name}/pr.tar.gz - | tar -xz\n")
    assert set(site.health().values()) == {("unhealthy", "Request timed out")}
    aws.s3.create_bucket(Bucket=site.name)
    aws.s3.upload_file(str(tmp_path / "site.tar.gz"), site.name, "pr.tar.gz")
    assert site.get()[:2] == (200, "from the archive")


def test_an_instance_refresh_serves_the_new_template(site: Site, aws: Aws) -> None:
    site.listen()
    site.launch()
    before = site.health()
    data = {"UserData": base64.b64encode(CLOUD_CONFIG.replace("hello", "changed").encode()).decode()}
    aws.ec2.create_launch_template_version(LaunchTemplateName=site.name, SourceVersion="1", LaunchTemplateData=data)
    assert site.get()[1] == "<h1>hello</h1>"
    refresh = aws.autoscaling.start_instance_refresh(AutoScalingGroupName=site.name)["InstanceRefreshId"]
    (done,) = aws.autoscaling.describe_instance_refreshes(AutoScalingGroupName=site.name, InstanceRefreshIds=[refresh])[
        "InstanceRefreshes"
    ]
    assert done["Status"] == "Successful"
    assert site.get()[1] == "<h1>changed</h1>"
    assert len(site.health()) == 2
    assert site.health().keys().isdisjoint(before)
    with pytest.raises(ClientError, match="ActiveInstanceRefreshNotFound"):
        aws.autoscaling.cancel_instance_refresh(AutoScalingGroupName=site.name)


def test_a_lost_instance_is_replaced_behind_the_load_balancer(site: Site, aws: Aws) -> None:
    site.listen()
    site.launch(size=1)
    (lost,) = site.health()
    aws.ec2.terminate_instances(InstanceIds=[lost])
    (replacement,) = site.health()
    assert replacement != lost
    assert site.get()[0] == 200


def test_listeners_redirect_and_answer_by_themselves(site: Site, aws: Aws) -> None:
    with pytest.raises(RemoteDisconnected):
        site.get()
    to_https = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    listener = site.listen(Type="redirect", RedirectConfig=to_https)
    status, _, headers = site.get("/a/b?c=d")
    assert (status, headers["Location"]) == (301, "https://127.0.0.1:443/a/b?c=d")
    fixed = {"StatusCode": "410", "ContentType": "text/plain", "MessageBody": "gone"}
    aws.elbv2.modify_listener(
        ListenerArn=listener, DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}]
    )
    assert site.get()[:2] == (410, "gone")


def test_a_deleted_load_balancer_does_not_answer(aws: Aws, name: str, network: Any) -> None:
    site = Site(aws, name, network)
    site.listen()
    aws.elbv2.delete_load_balancer(LoadBalancerArn=site.arn)
    with pytest.raises(ConnectionRefusedError):
        site.get()


def test_network_load_balancers_are_left_alone(aws: Aws, name: str, network: Any) -> None:
    made = aws.elbv2.create_load_balancer(Name=name, Subnets=network[1], Type="network")["LoadBalancers"][0]
    assert made["DNSName"].endswith(".amazonaws.com")


def test_quotas_of_databases_and_scaling_groups_are_told_with_their_use(aws: Aws, cluster: str) -> None:
    told = {q["AccountQuotaName"]: q for q in aws.rds.describe_account_attributes()["AccountQuotas"]}
    assert {name: quota["Max"] for name, quota in told.items()} == {
        "DBInstances": 40,
        "DBClusters": 40,
        "DBSubnetGroups": 50,
    }
    assert told["DBClusters"]["Used"] == len(aws.rds.describe_db_clusters()["DBClusters"])
    scaling = aws.autoscaling.describe_account_limits()
    groups = len(aws.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"])
    assert (scaling["MaxNumberOfAutoScalingGroups"], scaling["NumberOfAutoScalingGroups"]) == (500, groups)


# Engines and functions


def test_engines_say_what_can_be_made(aws: Aws) -> None:
    def status(version: str, **more: Any) -> list[str]:
        found = aws.rds.describe_db_engine_versions(Engine="aurora-mysql", EngineVersion=version, **more)
        return [each["Status"] for each in found["DBEngineVersions"]]

    assert status("8.0.mysql_aurora.3.08.2") == ["available"]
    assert status("5.7.mysql_aurora.2.07.2") == []
    assert status("5.7.mysql_aurora.2.07.2", IncludeAll=True) == ["deprecated"]
    assert status("9.9") == []
    (major,) = aws.rds.describe_db_major_engine_versions(Engine="postgres", MajorEngineVersion="16")[
        "DBMajorEngineVersions"
    ]
    standard, extended = major["SupportedEngineLifecycles"]
    assert standard["LifecycleSupportEndDate"] < extended["LifecycleSupportStartDate"]
    asked = {"Engine": "postgres", "EngineVersion": "16.6"}
    every = aws.rds.describe_orderable_db_instance_options(**asked)["OrderableDBInstanceOptions"]
    one = aws.rds.describe_orderable_db_instance_options(**asked, DBInstanceClass="db.t4g.medium")
    assert len(every) > len(one["OrderableDBInstanceOptions"]) == 1


def test_a_function_remembers_where_its_dead_letters_go(aws: Aws, name: str) -> None:
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    queue = {"TargetArn": f"arn:aws:sqs:us-east-1:123456789012:{name}"}
    made = {"FunctionName": name, "Role": role, "Runtime": "python3.13", "Handler": "a.b", "Code": {"ZipFile": b"PK"}}
    aws.__getattr__("lambda").create_function(**made, DeadLetterConfig=queue)
    found = aws.__getattr__("lambda").get_function(FunctionName=name)["Configuration"]
    assert found["DeadLetterConfig"] == queue


def test_groups_take_capacity_reservations_by_default(aws: Aws, name: str) -> None:
    aws.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-12c6146b"})
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=0,
        MaxSize=0,
        AvailabilityZones=["us-east-1a"],
        LaunchTemplate={"LaunchTemplateName": name},
    )
    (group,) = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert group["CapacityReservationSpecification"] == {"CapacityReservationPreference": "default"}
