"""An account's limits and how much of them is used, each service asked for its own, all at once.

Where a service tells its own limits (RDS, IAM, load balancers, auto scaling), it is asked, often in the one
call that tells the use as well; Service Quotas answers five calls a second and is asked for the rest.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from orchestrator import quotas
from orchestrator.aws.session import Client, Session, client_error, code_of, translated
from orchestrator.errors import EnvctlError
from orchestrator.quotas import Quota, Standing

Standings = dict[Quota, Standing]
Filters = list[dict[str, object]]
_THREADS = 8
# What EC2 is asked to list for its quotas.
_COUNTED: tuple[tuple[Quota, str, str, Filters], ...] = (
    (quotas.VPCS, "describe_vpcs", "Vpcs", []),
    (quotas.INTERNET_GATEWAYS, "describe_internet_gateways", "InternetGateways", []),
    (quotas.LAUNCH_TEMPLATES, "describe_launch_templates", "LaunchTemplates", []),
    (
        quotas.GATEWAY_ENDPOINTS,
        "describe_vpc_endpoints",
        "VpcEndpoints",
        [{"Name": "vpc-endpoint-type", "Values": ["Gateway"]}],
    ),
)


def standings(session: Session, zones: int) -> tuple[Standings, tuple[str, ...]]:
    """Return how the account stands, and why some of it is not known.

    NAT gateways are counted in the fullest of the region's first `zones` zones. Raises nothing for AWS's sake.
    """
    found: Standings = {}
    unknown: list[str] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        looks = [pool.submit(_nat_gateways, session, zones)] if zones else []
        looks += [pool.submit(_counted, session, *counted) for counted in _COUNTED]
        looks += [
            pool.submit(ask, session) for ask in (_addresses, _load_balancers, _scaling_groups, _databases, _roles)
        ]
        for look in looks:
            try:
                found |= look.result()
            except EnvctlError as error:
                unknown.append(error.message)
            except (LookupError, ValueError, OverflowError) as error:
                unknown.append(f"AWS told of a limit what makes no sense ({type(error).__name__}: {error}).")
    assumed = sorted({quota.name for quota, standing in found.items() if standing.assumed})
    if assumed:
        unknown.append(f"Service Quotas did not tell the limit of {', '.join(assumed)}.")
    return found, tuple(unknown)


def _limited(session: Session, quota: Quota, used: int) -> Standings:
    """Return the standing of a quota whose limit Service Quotas knows.

    An account to which nothing else was granted has no applied value for some: there the default is the limit
    (Service Quotas API reference, GetServiceQuota).
    """
    try:
        with translated("asking for quotas"):
            client = session.client("service-quotas")
            try:
                answer = client.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
            except client_error() as error:
                if code_of(error) != "NoSuchResourceException":
                    raise
                return {quota: Standing(quota.default, used)}
    except EnvctlError:
        return {quota: Standing(quota.default, used, assumed=True)}
    return {quota: Standing(int(answer["Quota"]["Value"]), used)}


def _count(client: Client, operation: str, key: str, **query: object) -> int:
    return sum(len(page.get(key, ())) for page in client.get_paginator(operation).paginate(**query))


def _counted(session: Session, quota: Quota, operation: str, key: str, filters: Filters) -> Standings:
    with translated(f"counting {quota.name}"):
        used = _count(session.client("ec2"), operation, key, Filters=filters)
    return _limited(session, quota, used)


def _addresses(session: Session) -> Standings:
    with translated("counting addresses"):
        used = len(session.client("ec2").describe_addresses()["Addresses"])
    return _limited(session, quotas.ADDRESSES, used)


def _nat_gateways(session: Session, zones: int) -> Standings:
    """Those that are being deleted count as well (Amazon VPC user guide, "Amazon VPC quotas")."""
    with translated("counting NAT gateways"):
        used = _used_by_zone(session, zones)
    return _limited(session, quotas.NAT_GATEWAYS, max(used))


def _used_by_zone(session: Session, zones: int) -> list[int]:
    ec2 = session.client("ec2")
    # The zones that the network module takes.
    wanted = [{"Name": "state", "Values": ["available"]}, {"Name": "opt-in-status", "Values": ["opt-in-not-required"]}]
    listed = ec2.describe_availability_zones(Filters=wanted)["AvailabilityZones"]
    taken = sorted(str(zone["ZoneName"]) for zone in listed)[:zones]
    counted = [{"Name": "state", "Values": ["pending", "available", "deleting"]}]
    subnets = [
        gateway["SubnetId"]
        for page in ec2.get_paginator("describe_nat_gateways").paginate(Filters=counted)
        for gateway in page["NatGateways"]
    ]
    if not subnets:
        return [0]
    zone_of = {
        subnet["SubnetId"]: subnet["AvailabilityZone"]
        for page in ec2.get_paginator("describe_subnets").paginate()
        for subnet in page["Subnets"]
    }
    used = [zone_of.get(subnet) for subnet in subnets]
    return [used.count(zone) for zone in taken] or [0]


def _load_balancers(session: Session) -> Standings:
    with translated("counting load balancers"):
        client = session.client("elbv2")
        limits = {limit["Name"]: int(limit["Max"]) for limit in client.describe_account_limits()["Limits"]}
        pages = client.get_paginator("describe_load_balancers").paginate()
        used = sum(balancer["Type"] == "application" for page in pages for balancer in page["LoadBalancers"])
        groups = _count(client, "describe_target_groups", "TargetGroups")
    return {
        quotas.LOAD_BALANCERS: Standing(limits["application-load-balancers"], used),
        quotas.TARGET_GROUPS: Standing(limits["target-groups"], groups),
    }


def _scaling_groups(session: Session) -> Standings:
    with translated("counting auto scaling groups"):
        told = session.client("autoscaling").describe_account_limits()
    return {quotas.SCALING_GROUPS: Standing(told["MaxNumberOfAutoScalingGroups"], told["NumberOfAutoScalingGroups"])}


def _databases(session: Session) -> Standings:
    with translated("counting databases"):
        told = session.client("rds").describe_account_attributes()["AccountQuotas"]
    by_name = {quota["AccountQuotaName"]: Standing(quota["Max"], quota["Used"]) for quota in told}
    ours = {
        "DBClusters": quotas.DB_CLUSTERS,
        "DBInstances": quotas.DB_INSTANCES,
        "DBSubnetGroups": quotas.DB_SUBNET_GROUPS,
    }
    return {quota: by_name[name] for name, quota in ours.items() if name in by_name}


def _roles(session: Session) -> Standings:
    with translated("counting roles"):
        told = session.client("iam").get_account_summary()["SummaryMap"]
    return {
        quotas.ROLES: Standing(told["RolesQuota"], told["Roles"]),
        quotas.INSTANCE_PROFILES: Standing(told["InstanceProfilesQuota"], told["InstanceProfiles"]),
    }
