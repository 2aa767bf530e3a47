"""Environment + Config + pinned snapshot -> what Terraform is given: tfvars and backend settings. Pure.

The keys of `tfvars` are the contract that `terraform/env` (or a team's own root) declares.
"""

from __future__ import annotations

import json
from typing import Any

from orchestrator.config import Config
from orchestrator.identity import Environment
from orchestrator.manifest import PinnedSnapshot

COMMIT = "{commit}"


def tfvars(
    environment: Environment, config: Config, snapshot: PinnedSnapshot, commit: str | None, paused: bool = False
) -> dict[str, Any]:
    """Return the variables of the root module; `paused` is for an environment that nobody uses just now."""
    database = config.database
    serverless = database.instance_class == "db.serverless"
    return {
        "name": environment.name,
        "region": environment.region,
        "tags": environment.tags,
        "commit": commit or "",
        "network": {
            "cidr": config.network.cidr,
            "nat": config.network.nat,
            "paused": paused and config.network.nat_when_paused == "none",
        },
        "web": {
            **config.web.model_dump(),
            "artifact": artifact(config.web.artifact, environment.pr, commit),
            "paused": paused,
        },
        "database": {
            "kind": snapshot.kind,
            "snapshot_arn": snapshot.arn,
            "engine": snapshot.engine,
            "engine_version": snapshot.engine_version,
            "instance_class": database.instance_class,
            "replicas": database.replicas,
            "min_capacity": database.min_capacity if serverless else None,
            "max_capacity": database.max_capacity if serverless else None,
            "kms_key_arn": database.kms_key_arn or None,
            "paused": paused,
        },
        "bastion": config.bastion.model_dump(),
        "permissions_boundary_arn": config.terraform.permissions_boundary_arn or None,
        "provider_max_retries": config.terraform.max_retries,
    }


def artifact(template: str, pr: int, commit: str | None) -> str:
    """Return where a pull request's site archive lies: `{pr}` and `{commit}` stand for what alone is trusted of it."""
    return template.replace("{pr}", str(pr)).replace(COMMIT, commit or "unknown")


def backend(environment: Environment, path_style: bool) -> dict[str, str | bool]:
    """Return the settings of the S3 backend for an environment's state."""
    return backend_at(environment.bucket, environment.state_key, environment.region, path_style)


def backend_at(bucket: str, key: str, region: str, path_style: bool) -> dict[str, str | bool]:
    """Return the settings of the S3 backend, native locking on.

    `path_style` is for an S3 behind an endpoint of one's own, which has no name for each bucket.
    """
    settings: dict[str, str | bool] = {
        "bucket": bucket,
        "key": key,
        "region": region,
        "encrypt": True,
        "use_lockfile": True,
    }
    if path_style:
        settings["use_path_style"] = True
    return settings


def render_tfvars(values: dict[str, Any]) -> str:
    """Return the text of `terraform.tfvars.json`; equal values give equal bytes."""
    return json.dumps(values, indent=2, sort_keys=True) + "\n"


def render_backend(settings: dict[str, str | bool]) -> str:
    """Return the text of `backend.tfbackend`. JSON's strings and booleans are HCL's as well.

    The one difference, `${`, cannot occur: config.py allows neither `$` nor `{` in these values.
    """
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
