"""What an environment costs by the hour: an estimate from its configuration and a small price list. Pure.

It counts what the configuration fixes: an environment at rest, at its smallest size, without traffic, and
without the storage of the data, whose size nobody knows before the restore. docs/costs.md has the same
formula and the same prices for people; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.config import Config
from orchestrator.manifest import PinnedSnapshot

# AWS's public on-demand list prices for us-east-1 (Linux, single zone), in US dollars an hour. Other regions have
# others: the estimate says so wherever it is shown.
AS_OF = "2025-06-01"
REGION = "us-east-1"
HOURS_A_MONTH = 730  # as AWS's own calculator counts

NAT_GATEWAY = 0.045
LOAD_BALANCER = 0.0225
PUBLIC_ADDRESS = 0.005
AURORA_CAPACITY_UNIT = 0.12
# These AWS lists by the month.
DISK_GB = 0.08 / HOURS_A_MONTH
SECRET = 0.40 / HOURS_A_MONTH
ALARM = 0.10 / HOURS_A_MONTH
DETAILED_MONITORING = 2.10 / HOURS_A_MONTH  # seven metrics for each instance

INSTANCES = {
    "t3.nano": 0.0052,
    "t3.micro": 0.0104,
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "t3a.micro": 0.0094,
    "t3a.small": 0.0188,
    "t3a.medium": 0.0376,
    "t4g.nano": 0.0042,
    "t4g.micro": 0.0084,
    "t4g.small": 0.0168,
    "t4g.medium": 0.0336,
    "t4g.large": 0.0672,
    "m5.large": 0.096,
    "m6i.large": 0.096,
    "m6g.large": 0.077,
    "m7g.large": 0.0816,
    "c6i.large": 0.085,
    "c7g.large": 0.0725,
}
# Aurora MySQL and Aurora PostgreSQL cost the same.
AURORA = {
    "db.t3.medium": 0.082,
    "db.t3.large": 0.164,
    "db.t4g.medium": 0.073,
    "db.t4g.large": 0.146,
    "db.r5.large": 0.29,
    "db.r5.xlarge": 0.58,
    "db.r6g.large": 0.26,
    "db.r6g.xlarge": 0.519,
    "db.r7g.large": 0.276,
}
MYSQL = {
    "db.t3.micro": 0.017,
    "db.t3.small": 0.034,
    "db.t3.medium": 0.068,
    "db.t4g.micro": 0.016,
    "db.t4g.small": 0.032,
    "db.t4g.medium": 0.065,
    "db.m5.large": 0.171,
    "db.m6g.large": 0.152,
    "db.r5.large": 0.24,
    "db.r6g.large": 0.215,
}
POSTGRES = {
    "db.t3.micro": 0.018,
    "db.t3.small": 0.036,
    "db.t3.medium": 0.072,
    "db.t4g.micro": 0.016,
    "db.t4g.small": 0.032,
    "db.t4g.medium": 0.065,
    "db.m5.large": 0.178,
    "db.m6g.large": 0.159,
    "db.r5.large": 0.25,
    "db.r6g.large": 0.225,
}
DATABASES = {
    "aurora-mysql": AURORA,
    "aurora-postgresql": AURORA,
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "postgres": POSTGRES,
}

# What terraform/modules fix, whatever the configuration says.
BASTION_TYPE = "t4g.nano"
DISK_SIZE_GB = 8
ALARMS = 2  # of the target-tracking policy
ZONES = 2


@dataclass(frozen=True)
class Cost:
    """An estimate in US dollars an hour, from the list prices of the day `as_of`."""

    hourly_usd: float
    as_of: str = AS_OF

    def total_usd(self, seconds: float) -> float:
        """Return what that many seconds cost."""
        return self.hourly_usd * max(0.0, seconds) / 3600


def estimate(config: Config, snapshot: PinnedSnapshot) -> Cost | None:
    """Return what an environment costs at rest; None when one of its classes has no known price.

    The snapshot says which engine the database runs on.
    """
    database = _database(config, snapshot.engine)
    instance = INSTANCES.get(config.web.instance_type)
    if database is None or instance is None:
        return None
    gateways = {"none": 0, "single": 1, "per_az": ZONES}[config.network.nat]
    web, bastion = config.web.min_size, int(config.bastion.enabled)
    addresses = ZONES + gateways
    addresses += web if config.web.placement == "public" else 0
    addresses += bastion if config.network.nat == "none" else 0
    hourly = (
        gateways * NAT_GATEWAY
        + LOAD_BALANCER
        + addresses * PUBLIC_ADDRESS
        + web * (instance + DETAILED_MONITORING)
        + bastion * INSTANCES[BASTION_TYPE]
        + (web + bastion) * DISK_SIZE_GB * DISK_GB
        + (1 + config.database.replicas) * database
        + SECRET
        + ALARMS * ALARM
    )
    return Cost(round(hourly, 4))


def _database(config: Config, engine: str) -> float | None:
    """Return the price of one database instance; of a serverless one, of its smallest capacity."""
    if config.database.instance_class == "db.serverless":
        return config.database.min_capacity * AURORA_CAPACITY_UNIT if engine.startswith("aurora") else None
    return DATABASES.get(engine, {}).get(config.database.instance_class)
