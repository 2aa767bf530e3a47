"""Which pull requests of a repository the account still holds something for, by tags alone.

For environments that neither a record nor a state knows: their network and their database are what costs
money and stays. Both carry the environment's tags from birth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator import identity
from orchestrator.aws.session import Session, translated
from orchestrator.errors import EnvctlError


def tagged(session: Session, project: str, repository: str) -> set[int]:
    """Return the numbers of the pull requests whose network or database is there. Raises EnvctlError."""
    found = set()
    with translated("looking for environments by their tags"):
        for tags in (*_networks(session, repository), *_databases(session)):
            ours = tags.get("envctl:project") == project and tags.get("envctl:repository") == repository
            number = _number(tags.get("envctl:pr", "")) if ours else None
            if number and tags.get("envctl:environment") == f"{project}-pr-{number}":
                found.add(number)
    return found


def _networks(session: Session, repository: str) -> Iterator[dict[str, str]]:
    filters = [{"Name": "tag:envctl:repository", "Values": [repository]}]
    for page in session.client("ec2").get_paginator("describe_vpcs").paginate(Filters=filters):
        yield from (_tags(vpc.get("Tags")) for vpc in page.get("Vpcs") or ())


def _databases(session: Session) -> Iterator[dict[str, str]]:
    for operation, items in (("describe_db_clusters", "DBClusters"), ("describe_db_instances", "DBInstances")):
        for page in session.client("rds").get_paginator(operation).paginate():
            yield from (_tags(database.get("TagList")) for database in page.get(items) or ())


def _tags(listed: list[dict[str, Any]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in listed or ()}


def _number(text: str) -> int | None:
    try:
        return identity.pr_number(text)
    except EnvctlError:
        return None
