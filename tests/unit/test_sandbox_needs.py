"""What IAM asks of a call: the resources, and the condition keys that policies can be about."""

import pytest

from orchestrator.sandbox.needs import needs, s3_operation
from orchestrator.sandbox.resources import Call

EC2 = "arn:aws:ec2:eu-north-1:123456789012:"
TAGS = {"Tag.1.Key": "envctl:project", "Tag.1.Value": "shop"}


def asked(service, operation, **parameters):
    call = Call(
        service, operation, {k.replace("__", "."): v for k, v in parameters.items()}, "123456789012", "eu-north-1"
    )
    return [(need.action, need.resource, dict(need.context)) for need in needs(call)]


def specification(kind, number=1):
    place = f"TagSpecification.{number}"
    return {f"{place}.ResourceType": kind, **{f"{place}.{name}": value for name, value in TAGS.items()}}


def test_a_listing_is_about_everything():
    assert asked("ec2", "DescribeVpcs", VpcId__1="vpc-0123456789abcdef0") == [("ec2:DescribeVpcs", "*", {})]


def test_what_is_made_has_the_requests_tags_and_what_is_there_has_not():
    found = asked("ec2", "CreateSubnet", VpcId="vpc-0123456789abcdef0", **specification("subnet"))
    tags = {"aws:RequestTag/envctl:project": "shop", "aws:TagKeys": ("envctl:project",)}
    assert found == [
        ("ec2:CreateSubnet", f"{EC2}vpc/vpc-0123456789abcdef0", {}),
        ("ec2:CreateSubnet", f"{EC2}subnet/*", tags),
        ("ec2:CreateTags", f"{EC2}subnet/*", tags | {"ec2:CreateAction": "CreateSubnet"}),
    ]


def test_each_type_has_the_tags_that_are_meant_for_it():
    found = {
        (a, r): c
        for a, r, c in asked("ec2", "RunInstances", ImageId="ami-0123456789abcdef0", **specification("instance"))
    }
    assert "aws:RequestTag/envctl:project" in found["ec2:RunInstances", f"{EC2}instance/*"]
    assert found["ec2:RunInstances", f"{EC2}volume/*"] == {}
    assert found["ec2:RunInstances", "arn:aws:ec2:eu-north-1::image/ami-0123456789abcdef0"] == {}
    assert ("ec2:CreateTags", f"{EC2}volume/*") not in found


def test_what_is_only_referred_to_is_not_asked_about():
    rule = {"IpPermissions.1.Groups.1.GroupId": "sg-0fffffffffffffff0"}
    found = asked("ec2", "AuthorizeSecurityGroupIngress", GroupId="sg-0123456789abcdef0", **rule)
    assert [resource for _, resource, _ in found] == [
        f"{EC2}security-group/sg-0123456789abcdef0",
        f"{EC2}security-group-rule/*",
    ]
    route = asked("ec2", "CreateRoute", RouteTableId="rtb-0123456789abcdef0", GatewayId="igw-0123456789abcdef0")
    assert [resource for _, resource, _ in route] == [f"{EC2}route-table/rtb-0123456789abcdef0"]


def test_keys_of_removed_tags_are_told():
    ((action, resource, context),) = asked(
        "ec2", "DeleteTags", ResourceId__1="vpc-0123456789abcdef0", Tag__1__Key="Name"
    )
    assert (action, resource, context["aws:TagKeys"]) == (
        "ec2:DeleteTags",
        f"{EC2}vpc/vpc-0123456789abcdef0",
        ("Name",),
    )


def test_a_restore_asks_about_the_snapshot_and_the_new_cluster():
    snapshot = "arn:aws:rds:eu-north-1:210987654321:cluster-snapshot:rds:shop-prod-2026"
    found = asked("rds", "RestoreDBClusterFromSnapshot", DBClusterIdentifier="shop-pr-4", SnapshotIdentifier=snapshot)
    assert {resource for _, resource, _ in found} == {snapshot, "arn:aws:rds:eu-north-1:123456789012:cluster:shop-pr-4"}


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("AddRoleToInstanceProfile", {"RoleName": "shop-pr-4-web", "InstanceProfileName": "shop-pr-4-web"}),
        ("RunInstances", {"IamInstanceProfile.Name": "shop-pr-4-web"}),
    ],
)
def test_handing_a_role_on_is_passing_it(operation, parameters):
    found = asked("iam" if "Role" in operation else "ec2", operation, **parameters)
    passed = (
        "iam:PassRole",
        "arn:aws:iam::123456789012:role/shop-pr-4-web",
        {"iam:PassedToService": "ec2.amazonaws.com"},
    )
    assert passed in found


def test_a_role_is_made_with_its_boundary():
    found = asked(
        "iam",
        "CreateRole",
        RoleName="shop-pr-4-web",
        PermissionsBoundary="arn:b",
        Tags__member__1__Key="envctl:project",
    )
    assert found[0][:2] == ("iam:CreateRole", "arn:aws:iam::123456789012:role/shop-pr-4-web")
    assert found[0][2]["iam:PermissionsBoundary"] == "arn:b"
    assert found[1][0] == "iam:TagRole"


def test_a_listener_asks_about_its_load_balancer():
    balancer = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:loadbalancer/app/shop-pr-4/1"
    found = asked(
        "elasticloadbalancing", "CreateListener", LoadBalancerArn=balancer, Tags__member__1__Key="envctl:project"
    )
    assert [(action, resource) for action, resource, _ in found] == [
        ("elasticloadbalancing:CreateListener", balancer),
        ("elasticloadbalancing:AddTags", balancer.replace("loadbalancer/", "listener/") + "/*"),
    ]


def test_public_parameters_are_no_accounts():
    assert (
        asked("ssm", "GetParameter", Name="/aws/service/x")[0][1] == "arn:aws:ssm:eu-north-1::parameter/aws/service/x"
    )
    assert asked("ssm", "GetParameter", Name="/x")[0][1] == "arn:aws:ssm:eu-north-1:123456789012:parameter/x"


@pytest.mark.parametrize(
    ("method", "key", "query", "expected"),
    [
        ("GET", "k", {}, "GetObject"),
        ("HEAD", "k", {}, "GetObject"),
        ("GET", "k", {"versionId": "1"}, "GetObjectVersion"),
        ("PUT", "k", {}, "PutObject"),
        ("DELETE", "k", {}, "DeleteObject"),
        ("DELETE", "k", {"versionId": "1"}, "DeleteObjectVersion"),
        ("GET", "", {"list-type": "2"}, "ListBucket"),
        ("HEAD", "", {}, "ListBucket"),
        ("GET", "", {"versions": ""}, "ListBucketVersions"),
        ("GET", "", {"versioning": ""}, "GetBucketVersioning"),
        ("PUT", "", {"policy": ""}, "PutBucketPolicy"),
        ("PUT", "", {}, "CreateBucket"),
    ],
)
def test_operations_of_s3(method, key, query, expected):
    assert s3_operation(method, key, query) == expected
