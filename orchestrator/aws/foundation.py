"""What an account already holds of a project's bootstrap: the bucket, GitHub's OIDC provider, roles, policies, key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.aws.session import Session, client_error, code_of, translated
from orchestrator.errors import EnvctlError, ExitCode

TAG = "envctl:bootstrap"
PATH = "/envctl/"
_ISSUER = "token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Foundation:
    """What is there. `provider` is an OIDC provider that was made by others; everything else is the project's own."""

    bucket: bool = False
    key: str | None = None
    provider: str | None = None
    own_provider: str | None = None
    roles: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


def look(session: Session, project: str, bucket: str) -> Foundation:
    """Return what is there.

    Raises EnvctlError (usage) when the bucket is somebody else's, in another region, or another project's.
    """
    provider, ours = _provider(session, project)
    return Foundation(
        bucket=_bucket(session, project, bucket),
        key=_key(session, project),
        provider=None if ours else provider,
        own_provider=provider if ours else None,
        roles=_named(session, "list_roles", "Roles", "RoleName", project),
        policies=_named(session, "list_policies", "Policies", "PolicyName", project),
    )


def make_bucket(session: Session, name: str) -> None:
    """Make the bucket, closed and with versions; Terraform takes it over and does the rest."""
    s3 = session.client("s3")
    place = {} if session.region == "us-east-1" else {"LocationConstraint": session.region}
    with translated(f"making the bucket {name}"):
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
        s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        )
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _bucket(session: Session, project: str, name: str) -> bool:
    s3 = session.client("s3")
    _, account = session.owner
    with translated(f"looking for the bucket {name}"):
        try:
            s3.head_bucket(Bucket=name, ExpectedBucketOwner=account)
        except client_error() as error:
            if code_of(error) in ("404", "NoSuchBucket"):
                return False
            if code_of(error) in ("403", "AccessDenied"):
                raise EnvctlError(
                    ExitCode.USAGE,
                    f"The bucket {name} belongs to another account, or these credentials may not see it.",
                    "Names of buckets are taken for everyone: choose another for bucket under [state] in envctl.toml.",
                ) from error
            raise
        # us-east-1 is spelled as nothing (S3 API reference, GetBucketLocation).
        found = s3.get_bucket_location(Bucket=name).get("LocationConstraint") or "us-east-1"
        owner = _bucket_tags(session, name).get(TAG, project)
    if found != session.region:
        raise EnvctlError(
            ExitCode.USAGE,
            f"The bucket {name} is in {found}, not in {session.region}.",
            "Choose another for bucket under [state] in envctl.toml, or that region under [project].",
        )
    if owner != project:
        raise EnvctlError(
            ExitCode.USAGE,
            f"The bucket {name} is that of another project, {owner}.",
            "Choose another for bucket under [state] in envctl.toml: each project has its own.",
        )
    return True


def _bucket_tags(session: Session, name: str) -> dict[str, str]:
    try:
        found = session.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]
    except client_error() as error:
        if code_of(error) == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in found}


def _provider(session: Session, project: str) -> tuple[str | None, bool]:
    """Return the account's OIDC provider for GitHub, and whether this project's bootstrap made it."""
    iam = session.client("iam")
    with translated("looking for GitHub's OIDC provider"):
        for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            if each["Arn"].endswith(f":oidc-provider/{_ISSUER}"):
                tags = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=each["Arn"]).get("Tags", ())
                return each["Arn"], _is_ours(((tag["Key"], tag["Value"]) for tag in tags), project)
    return None, False


def _named(session: Session, operation: str, items: str, name: str, project: str) -> tuple[str, ...]:
    """Return the names, without the project, of what lies under the bootstrap's own path."""
    with translated("looking for roles and policies of an earlier run"):
        pages = session.client("iam").get_paginator(operation).paginate(PathPrefix=PATH)
        found = [item[name] for page in pages for item in page[items]]
    return tuple(sorted(each.removeprefix(f"{project}-") for each in found if each.startswith(f"{project}-")))


def _key(session: Session, project: str) -> str | None:
    """Return the key of an earlier run. A tag may be an old one's (tagging API): only a usable key counts."""
    with translated("looking for the key of an earlier run"):
        found = session.client("resourcegroupstaggingapi").get_resources(
            TagFilters=[{"Key": TAG, "Values": [project]}], ResourceTypeFilters=["kms:key"]
        )
        for each in found["ResourceTagMappingList"]:
            key = str(each["ResourceARN"]).rpartition("/")[2]
            if session.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled":
                return key
    return None


def _is_ours(tags: Iterable[tuple[str, str]], project: str) -> bool:
    return (TAG, project) in set(tags)
