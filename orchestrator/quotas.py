"""What one more environment takes of an account's quotas, and which of them it does not fit in. Pure.

The needs are those of envctl's own modules: what else a team's root makes is not known here. Names and codes are
those of Service Quotas, the defaults those of each service's "quotas" page in the AWS documentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.config import Config
from orchestrator.errors import NoRoom


@dataclass(frozen=True)
class Quota:
    """One limit of an account, by default for each region."""

    name: str
    service: str
    code: str
    default: int


VPCS = Quota("VPCs per Region", "vpc", "L-F678F1CE", 5)
INTERNET_GATEWAYS = Quota("Internet gateways per Region", "vpc", "L-A4707A72", 5)
NAT_GATEWAYS = Quota("NAT gateways per Availability Zone", "vpc", "L-FE5A380F", 5)
GATEWAY_ENDPOINTS = Quota("Gateway VPC endpoints per Region", "vpc", "L-1B52E74A", 20)
ADDRESSES = Quota("EC2-VPC Elastic IPs", "ec2", "L-0263D0A3", 5)
LAUNCH_TEMPLATES = Quota("Launch templates per Region", "ec2", "L-FB451C26", 5000)
LOAD_BALANCERS = Quota("Application Load Balancers per Region", "elasticloadbalancing", "L-53DA6B97", 50)
TARGET_GROUPS = Quota("Target Groups per Region", "elasticloadbalancing", "L-B22855CB", 3000)
SCALING_GROUPS = Quota("Auto Scaling groups per region", "autoscaling", "L-CDE20ADC", 500)
DB_CLUSTERS = Quota("DB clusters", "rds", "L-952B80B8", 40)
DB_INSTANCES = Quota("DB instances", "rds", "L-7B6409FD", 40)
DB_SUBNET_GROUPS = Quota("DB subnet groups", "rds", "L-48C6BF61", 50)
ROLES = Quota("Roles per account", "iam", "L-FE177D64", 1000)
INSTANCE_PROFILES = Quota("Instance profiles per account", "iam", "L-6E65F664", 1000)


@dataclass(frozen=True)
class Standing:
    """How much of a quota is used; `assumed`: the limit is AWS's default, because nobody said what it is here."""

    limit: int
    used: int
    assumed: bool = False


@dataclass(frozen=True)
class Shortage:
    """A quota that has less left than is needed."""

    quota: Quota
    standing: Standing
    needed: int

    def __str__(self) -> str:
        return f"{self.quota.name}: {self.standing.used} of {self.standing.limit} used, {self.needed} more needed"

    def remedy(self, region: str) -> str:
        """Return the command that asks for more. IAM is the same everywhere and is asked in one region."""
        place = "us-east-1" if self.quota.service == "iam" else region
        wanted = max(2 * self.standing.limit, self.standing.used + self.needed)
        return (
            f"aws service-quotas request-service-quota-increase --region {place} "
            f"--service-code {self.quota.service} --quota-code {self.quota.code} --desired-value {wanted}"
        )


def nat_zones(config: Config) -> int:
    """Return in how many zones an environment has a NAT gateway; they are the first of the region."""
    return {"none": 0, "single": 1, "per_az": 2}[config.network.nat]


def needs(config: Config, modules: Collection[str]) -> dict[Quota, int]:
    """Return what one environment adds to the account, by those of envctl's `modules` that its root uses.

    NAT gateways are counted zone by zone. With `kind = "auto"` it may turn out to be a cluster.
    """
    zones, bastion = nat_zones(config), int(config.bastion.enabled)
    by_module = {
        "network": {
            VPCS: 1,
            INTERNET_GATEWAYS: 1,
            GATEWAY_ENDPOINTS: 1,
            NAT_GATEWAYS: min(zones, 1),
            ADDRESSES: zones,
        },
        "web": {
            LAUNCH_TEMPLATES: 1,
            LOAD_BALANCERS: 1,
            TARGET_GROUPS: 1,
            SCALING_GROUPS: 1,
            ROLES: 1,
            INSTANCE_PROFILES: 1,
        },
        "database": {
            DB_CLUSTERS: int(config.database.kind != "instance"),
            DB_INSTANCES: 1 + config.database.replicas,
            DB_SUBNET_GROUPS: 1,
        },
        # Without a NAT gateway it has an address of its own.
        "bastion": {ADDRESSES: 0 if zones else bastion, ROLES: bastion, INSTANCE_PROFILES: bastion},
    }
    total: Counter[Quota] = Counter()
    for module, added in by_module.items():
        if module in modules:
            total.update(added)
    return {quota: number for quota, number in total.items() if number}


def compare(standings: Mapping[Quota, Standing], needed: Mapping[Quota, int]) -> list[Shortage]:
    """Return the quotas that are too small; those whose use is not known are passed over."""
    return [
        Shortage(quota, standings[quota], number)
        for quota, number in needed.items()
        if quota in standings and standings[quota].used + number > standings[quota].limit
    ]


def refuse(shortages: list[Shortage], region: str) -> None:
    """Raise NoRoom when one of the shortages is certain: a limit that was only assumed may be higher."""
    certain = [shortage for shortage in shortages if not shortage.standing.assumed]
    if certain:
        commands = "; ".join(shortage.remedy(region) for shortage in certain)
        raise NoRoom(
            f"The account has no room for one more environment: {'; '.join(map(str, certain))}.",
            f"Destroy an environment that is not needed, or raise the limit: {commands}",
        )
