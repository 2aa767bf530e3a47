"""`bootstrap`: what an account needs once, before its first environment: bucket, OIDC provider, roles.

The state of it all lies in the bucket that it makes. So the bucket is made first, by itself, and Terraform
takes it over; everything after that is in a state that outlives us. What a run that was killed made before
its state was saved is found by its name or tag and taken over as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestrator import inputs
from orchestrator.aws import foundation
from orchestrator.aws.foundation import Foundation
from orchestrator.aws.session import Session
from orchestrator.config import Config
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes, Event, Notice, Resource, Run
from orchestrator.identity import repository_of
from orchestrator.lifecycle.context import Stopwatch
from orchestrator.outcome import Outcome
from orchestrator.terraform import Engine, failure
from orchestrator.workspace import Workspace

STATE_KEY = "bootstrap/terraform.tfstate"
ROLES = frozenset({"preview", "reaper", "plan"})
POLICIES = frozenset(
    {"look", "state-read", "state", "network", "compute", "database", "identity", "workflows", "instances"}
)


@dataclass(frozen=True)
class Trusted:
    """Whose jobs may take the roles: GitHub's numbers of the owner and the repository, and the default branch.

    Raises EnvctlError (usage) for what could mean more than one repository, branch or key.
    """

    owner_id: str
    repository_id: str
    default_branch: str = "main"
    kms_key_arns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for number in (self.owner_id, self.repository_id):
            _refuse_unless(r"[1-9][0-9]{0,19}", number, "one of GitHub's numbers")
        _refuse_unless(r"[A-Za-z0-9._/-]{1,200}", self.default_branch, "the name of a branch")
        for arn in self.kms_key_arns:
            _refuse_unless(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", arn, "the ARN of a KMS key")


@dataclass(frozen=True)
class Bootstrap:
    """One account and the means to work on it."""

    config: Config
    trusted: Trusted
    workspace: Workspace
    session: Session
    engine: Engine
    watch: Stopwatch
    emit: Callable[[Event], None]
    path_style: bool = False


@dataclass(frozen=True)
class Planned:
    """A plan to show, and whether it would change anything: taking something over changes nothing but the state."""

    outcome: Outcome
    changed: bool


def look(context: Bootstrap) -> Foundation:
    """Return what the account already holds. Raises EnvctlError when the bucket cannot be this project's."""
    context.engine.require_root()
    with context.watch.step("look", "looking at what the account already has"):
        return foundation.look(context.session, context.config.project.name, context.config.state.bucket)


def make_bucket(context: Bootstrap) -> None:
    """Make the bucket that the state of the rest is kept in. Raises EnvctlError."""
    with context.watch.step("bucket", f"making the bucket {context.config.state.bucket}"):
        foundation.make_bucket(context.session, context.config.state.bucket)


def plan(context: Bootstrap, there: Foundation) -> Planned:
    """Plan and keep the plan. Raises EnvctlError."""
    settings = inputs.backend_at(
        context.config.state.bucket, STATE_KEY, context.session.region, path_style=context.path_style
    )
    context.workspace.write(context.workspace.backend, inputs.render_backend(settings))
    context.workspace.write(context.workspace.tfvars, inputs.render_tfvars(tfvars(context, there)))
    with context.watch.step("init", "initialising"):
        context.engine.init()
    _recover_state(context)
    with context.watch.step("plan", "planning"):
        run = context.engine.plan(save=True)
    return Planned(_outcome(context, "plan", run), changed=run.exit_code == 2)


def without_bucket(context: Bootstrap) -> Outcome:
    """Return as much of a plan as there can be before there is a bucket."""
    bucket = Resource("planned", "aws_s3_bucket.state", "aws_s3_bucket", "create")
    note = "The bucket is made first. Then the rest can be planned, with its state in it."
    return Outcome("plan", changes=Changes(add=1), resources=(bucket,), notes=(note,))


def apply(context: Bootstrap) -> Outcome:
    """Apply the plan that was kept; what fails is in the outcome."""
    with context.watch.step("apply", "applying"):
        run = context.engine.apply(saved=True)
    error = failure(run, "apply") if run.exit_code != 0 or run.interrupted else None
    if error and error.code is ExitCode.INTERRUPTED:
        error = EnvctlError(error.code, error.message, "Run `envctl bootstrap` again to carry on.")
    return _outcome(context, "bootstrap", run, run.outputs, error)


def unchanged(context: Bootstrap) -> Outcome:
    """Return the outcome of a plan without changes: the outputs are those of the state. Raises EnvctlError."""
    context.engine.discard_plan()
    return _outcome(context, "bootstrap", Run(exit_code=0), context.engine.outputs())


def tfvars(context: Bootstrap, there: Foundation) -> dict[str, Any]:
    """Return the variables of `terraform/bootstrap`."""
    config, trusted = context.config, context.trusted
    artifact = config.web.artifact.removeprefix("s3://").partition("/")[0]
    return {
        "project": config.project.name,
        "region": context.session.region,
        "bucket": config.state.bucket,
        "state_prefix": config.state.prefix,
        "github": {
            "repository": repository_of(config),
            "owner_id": trusted.owner_id,
            "repository_id": trusted.repository_id,
            "default_branch": trusted.default_branch,
            "provider_arn": there.provider,
        },
        "production": {
            "source": config.database.source,
            "account_id": config.database.source_account,
            "parameter": config.database.source_parameter,
            "kms_key_arns": sorted({*trusted.kms_key_arns, *filter(None, [config.database.kms_key_arn])}),
            "artifact_buckets": [artifact] if artifact else [],
        },
        "adopt": {
            "bucket": True,  # by now it is there
            "key_id": there.key,
            "provider_arn": there.own_provider,
            "roles": sorted(ROLES & {*there.roles}),
            "policies": sorted(POLICIES & {*there.policies}),
        },
        "provider_max_retries": config.terraform.max_retries,
    }


def _refuse_unless(pattern: str, given: str, wanted: str) -> None:
    if not re.fullmatch(pattern, given):
        raise EnvctlError(ExitCode.USAGE, f"{given[:60]!r} is not {wanted}.", "See `envctl bootstrap --help`.")


def _recover_state(context: Bootstrap) -> None:
    """Save what an earlier run of this checkout could not; Terraform refuses it when the bucket has a newer one."""
    file = context.workspace.errored
    if file.exists():
        context.engine.push_state(file)
        file.unlink()
        context.emit(Notice("The state that an earlier run could not save is saved now."))


def _outcome(
    context: Bootstrap,
    command: str,
    run: Run,
    outputs: dict[str, Any] | None = None,
    error: EnvctlError | None = None,
) -> Outcome:
    done = run.resources or run.planned
    return Outcome(
        command,
        changes=run.changes,
        resources=tuple(done[address] for address in sorted(done)),
        outputs=outputs,
        timings=context.watch.timings(),
        error=error,
        exit_code=error.code if error else ExitCode.DONE,
    )
