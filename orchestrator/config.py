"""What may be configured: one frozen, valid Config. Where it comes from is in config_source.py."""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from orchestrator import durations, schedule


def _listed(value: object) -> object:
    """Environment variables are strings: a list there is JSON or separated by commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError('must be a list, as in automated,manual or ["automated", "manual"]') from None
    return [part.strip() for part in value.split(",") if part.strip()]


def _duration(value: object) -> object:
    if isinstance(value, str):
        return durations.parse(value)
    if isinstance(value, timedelta):
        return value
    # pydantic would take a bare number for seconds, where its writer meant hours or days.
    raise ValueError('must be a number and s, m, h or d in quotes, as in "72h" or "7d"')


def _duration_or_none(value: object) -> object:
    return None if value in (None, "none") else _duration(value)


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(durations.compact, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,5}[smhd]$"}),
]
OptionalDuration = Annotated[
    timedelta | None,
    BeforeValidator(_duration_or_none),
    PlainSerializer(lambda value: "none" if value is None else durations.compact(value), return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([1-9][0-9]{0,5}[smhd]|none)$"}),
]


def _schedule(value: object) -> object:
    if value in (None, "none"):
        return None
    if isinstance(value, str):
        return schedule.parse(value)
    if isinstance(value, schedule.Schedule):
        return value
    raise ValueError(f"must be text in quotes, as in {schedule.FORM!r}")


OptionalSchedule = Annotated[
    schedule.Schedule | None,
    BeforeValidator(_schedule),
    PlainSerializer(lambda value: str(value or "none"), return_type=str),
    WithJsonSchema({"type": "string"}),
]
REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]"
# Names of parameters (SSM API reference, PutParameter); another account's is known by its ARN only.
PARAMETER = r"^((arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter)?(/[A-Za-z0-9_.-]+){1,15}|[A-Za-z0-9_.-]+)?$"
SnapshotType = Literal["automated", "manual", "awsbackup", "shared"]
InstanceClass = Annotated[str, Field(pattern=r"^db\.[a-z0-9-]+(\.[a-z0-9-]+)?$")]
InstanceType = Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Project(_Section):
    """Whose environments these are."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,11}$")]
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")] | None = None
    region: Annotated[str, Field(pattern=f"^{REGION}$")] | None = None

    @field_validator("name")
    @classmethod
    def _fits_every_service(cls, name: str) -> str:
        # RDS refuses `--` and a trailing `-`; a load balancer may not begin with `internal-`
        # (RDS and Elastic Load Balancing API references).
        if "--" in name or name.endswith("-"):
            raise ValueError("must not hold '--' nor end with '-': RDS refuses such identifiers")
        if name == "internal" or name.startswith("internal-"):
            raise ValueError("must not begin with 'internal': load balancers refuse such names")
        return name


class State(_Section):
    """Where state and manifests live."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")] = "environments"


class TerraformSettings(_Section):
    """How Terraform is run."""

    root: Annotated[str, Field(min_length=1)] = "terraform/env"
    parallelism: Annotated[int, Field(ge=1, le=256)] = 10
    max_retries: Annotated[int, Field(ge=0, le=100)] = 25
    permissions_boundary_arn: Annotated[
        str, Field(pattern=r"^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+)?$")
    ] = ""


class Database(_Section):
    """Which data an environment gets, and on what it runs."""

    source: Annotated[str, Field(pattern=r"^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$")]
    kind: Literal["auto", "cluster", "instance"] = "auto"
    source_parameter: Annotated[str, Field(pattern=PARAMETER)] = ""
    snapshot_types: Annotated[tuple[SnapshotType, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "automated",
        "manual",
    )
    source_account: Annotated[str, Field(pattern=r"^([0-9]{12})?$")] = ""
    max_snapshot_age: OptionalDuration = timedelta(days=7)
    instance_class: InstanceClass = "db.t4g.medium"
    extended_support: bool = False
    replicas: Annotated[int, Field(ge=0, le=15)] = 1
    min_capacity: Annotated[float, Field(ge=0, le=256)] = 0.5
    max_capacity: Annotated[float, Field(ge=1, le=256)] = 4
    kms_key_arn: Annotated[str, Field(pattern=r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$")] = ""

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Database:
        if "shared" in self.snapshot_types and not self.source_account:
            raise ValueError("source_account must name production's account when snapshot_types has shared")
        if any(units * 2 % 1 for units in (self.min_capacity, self.max_capacity)):
            raise ValueError("min_capacity and max_capacity must be steps of 0.5")
        if self.min_capacity > self.max_capacity:
            raise ValueError("min_capacity must not be greater than max_capacity")
        return self


class Network(_Section):
    """The addresses, and the way out."""

    cidr: str = "10.42.0.0/16"
    nat: Literal["single", "per_az", "none"] = "single"
    nat_when_paused: Literal["keep", "none"] = "keep"

    @field_validator("cidr")
    @classmethod
    def _holds_four_subnets(cls, cidr: str) -> str:
        try:
            network = ipaddress.IPv4Network(cidr)
        except ValueError as error:
            raise ValueError(f"must be an IPv4 network such as 10.42.0.0/16 ({error})") from None
        # A VPC is at most a /16 (EC2 API reference). Sixteen parts are cut from it, and a load balancer wants
        # a subnet of at least /27 with eight free addresses (Elastic Load Balancing user guide).
        if not 16 <= network.prefixlen <= 22:
            raise ValueError("must be between a /16 and a /22, so that a load balancer fits into each subnet")
        return str(network)  # Terraform reads a prefix length, not a netmask


class Web(_Section):
    """The instances behind the load balancer."""

    instance_type: InstanceType = "t3.micro"
    min_size: Annotated[int, Field(ge=1, le=100)] = 2
    max_size: Annotated[int, Field(ge=1, le=100)] = 4
    cpu_target: Annotated[int, Field(ge=1, le=100)] = 60
    placement: Literal["private", "public"] = "private"
    health_check_path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]{0,255}$")] = "/healthz"
    artifact: Annotated[
        str,
        Field(
            pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([A-Za-z0-9/._=+@-]|\{pr\}|\{commit\})+\.(tar\.gz|tgz))?$"
        ),
    ] = ""
    certificate_arn: Annotated[
        str, Field(pattern=r"^(arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+)?$")
    ] = ""
    ami: Annotated[str, Field(pattern=r"^(ami-[0-9a-f]{8,17})?$")] = ""

    @model_validator(mode="after")
    def _sizes_in_order(self) -> Web:
        if self.min_size > self.max_size:
            raise ValueError("min_size must not be greater than max_size")
        return self


class Bastion(_Section):
    """The way in, through Session Manager."""

    enabled: bool = True


class GitHub(_Section):
    """Which pull requests get an environment, and what they are told.

    `label` is the one label that asks for an environment: everyone needs it when `require_label` is set;
    forks and bots, where they may have one at all, need it for the very commit that is their head.
    """

    label: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,49}$")] = "preview"
    require_label: bool = False
    drafts: bool = False
    bots: Literal["label", "never"] = "label"
    forks: Literal["label", "never"] = "label"
    comments: bool = True
    deployments: bool = True


class Limits(_Section):
    """What keeps the bill small."""

    max_environments: Annotated[int, Field(ge=1, le=1000)] = 10
    ttl: Duration = timedelta(hours=72)
    pause_schedule: OptionalSchedule = None


class Config(_Section):
    """The whole configuration of one project; `directory` is where relative paths begin."""

    project: Project
    state: State
    terraform: TerraformSettings = TerraformSettings()
    database: Database
    network: Network = Network()
    web: Web = Web()
    bastion: Bastion = Bastion()
    github: GitHub = GitHub()
    limits: Limits = Limits()
    tags: dict[str, str] = Field(default_factory=dict, max_length=40)

    @field_validator("tags")
    @classmethod
    def _tags_are_the_teams_own(cls, tags: dict[str, str]) -> dict[str, str]:
        for key, value in tags.items():
            if not 1 <= len(key) <= 128 or len(value) > 256:
                raise ValueError(f"{key!r}: a tag's key has 1 to 128 characters, its value at most 256")
            if not re.fullmatch(r"[\w .:/=+@-]+", key) or not re.fullmatch(r"[\w .:/=+@-]*", value):
                raise ValueError(f"{key!r}: a tag may hold letters, digits, spaces and _ . : / = + - @ only")
            if key.lower().startswith(("aws:", "envctl:")):
                raise ValueError(f"{key!r}: keys that begin with 'aws:' or 'envctl:' are taken")
        return tags
