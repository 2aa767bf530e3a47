"""Deleting what Terraform does not know of: what it made without noting it down, and what people made by hand.

Only what is the environment's own goes: what carries its tags, what lies in a VPC that carries them, and what
AWS writes under its database's name. All is tried in each pass, in an order in which most of it works at once;
what still hangs on something else is tried again in the next one, until a pass moves nothing (the dependency
rules of a dozen services are theirs, and change).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws import inventory
from orchestrator.aws.deletions import DELETE
from orchestrator.aws.found import REPOSITORY_TAG, TAG, Found, Tags, tags_in
from orchestrator.aws.session import Session, client_error, code_of, translated
from orchestrator.identity import Environment

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


_ORDER = tuple(DELETE)


@dataclass(frozen=True)
class Pass:
    """One pass: what there was of the environment's own, and what refused to go, and why, by ARN."""

    own: tuple[Found, ...]
    refused: dict[str, str]


def sweep(session: Session, environment: Environment, found: Iterable[Found]) -> Pass:
    """Ask once for the deletion of everything in `found` that is the environment's own."""
    own = owned(session, environment, found)
    refused: dict[str, str] = {}
    for item in sorted((item for item in own if _deletable(item)), key=lambda item: (_ORDER.index(item.type), item.id)):
        with translated(f"deleting {item.arn}"):
            try:
                DELETE[item.type](session, item)
            except client_error() as error:
                # A role that may delete only what is tagged is no wrong role: what it may not delete is named.
                if _denied(error) and carries_tags(session, environment, item):
                    raise
                if not _gone(error):
                    refused[item.arn] = _said(error)
    return Pass(own, refused)


def owned(session: Session, environment: Environment, found: Iterable[Found]) -> tuple[Found, ...]:
    """Return what of `found` is certainly the environment's own, so that it may be deleted."""
    vpcs = inventory.vpcs_of(session, environment)
    return tuple(item for item in found if item.vpc in vpcs or carries_tags(session, environment, item))


def carries_tags(session: Session, environment: Environment, item: Found) -> bool:
    """Return whether `item` was made for this environment: by its tags, or by a name that only AWS gives."""
    if item.type == "cloudwatch:alarm" and item.id.startswith("TargetTracking-"):
        return True
    tags = item.tags
    if tags is None or (not tags and item.type in _ASK):
        with translated(f"looking at the tags of {item.arn}"):
            try:
                tags = _ASK[item.type](session, item) if item.type in _ASK else {}
            except client_error() as error:
                if not _gone(error):
                    raise
                return False
    if not tags.get(REPOSITORY_TAG) and item.type == "logs:group" and item.id.startswith("/aws/rds/"):
        # RDS writes its logs without tags, after their group was deleted as well; the name is the database's.
        return True
    return tags.get(TAG) == environment.name and tags.get(REPOSITORY_TAG) == environment.repository


def _deletable(item: Found) -> bool:
    return item.type in DELETE and not item.moving and item.parent is None


def _denied(error: ClientError) -> bool:
    return code_of(error) in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def _gone(error: ClientError) -> bool:
    code = code_of(error)
    return "NotFound" in code or code in ("NoSuchEntity", "ResourceNotFoundException", "DBInstanceNotFound")


def _said(error: ClientError) -> str:
    return f"{code_of(error)}: {error.response.get('Error', {}).get('Message', '')}".strip(": ")


# --- Tags that a listing leaves out ----------------------------------------------------------------


def _elb_tags(session: Session, item: Found) -> Tags:
    answer = session.client("elbv2").describe_tags(ResourceArns=[item.arn])
    return tags_in(answer["TagDescriptions"][0]["Tags"]) if answer["TagDescriptions"] else {}


def _rds_tags(session: Session, item: Found) -> Tags:
    return tags_in(session.client("rds").list_tags_for_resource(ResourceName=item.arn)["TagList"])


def _log_tags(session: Session, item: Found) -> Tags:
    tags: Tags = session.client("logs").list_tags_for_resource(resourceArn=item.arn)["tags"]
    return tags


def _iam_tags(session: Session, item: Found) -> Tags:
    iam = session.client("iam")
    if item.type == "iam:Policy":
        return tags_in(iam.list_policy_tags(PolicyArn=item.arn)["Tags"])
    if item.type == "iam:InstanceProfile":
        return tags_in(iam.get_instance_profile(InstanceProfileName=item.id)["InstanceProfile"].get("Tags"))
    return tags_in(iam.list_role_tags(RoleName=item.id)["Tags"])


def _alarm_tags(session: Session, item: Found) -> Tags:
    return tags_in(session.client("cloudwatch").list_tags_for_resource(ResourceARN=item.arn)["Tags"])


_RDS = ("DBCluster", "DBInstance", "DBSubnetGroup", "DBParameterGroup", "DBClusterParameterGroup")
_ASK: dict[str, Callable[[Session, Found], Tags]] = {
    "elasticloadbalancing:LoadBalancer": _elb_tags,
    "elasticloadbalancing:TargetGroup": _elb_tags,
    **{f"rds:{kind}": _rds_tags for kind in _RDS},
    "logs:group": _log_tags,
    "iam:Role": _iam_tags,
    "iam:InstanceProfile": _iam_tags,
    "iam:Policy": _iam_tags,
    "cloudwatch:alarm": _alarm_tags,
}
