"""Which pull requests of a repository the account still holds something for, by tags alone.

For environments that neither a record nor a state knows: their network and their database are what costs
money and stays, and both carry the environment's tags from birth. The log groups of their databases carry
none when RDS writes them again after they were deleted: those are known by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrator import identity
from orchestrator.aws.found import tags_in
from orchestrator.aws.session import Session, client_error, code_of, translated
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
        found |= set(_logs(session, project))
    return found


def _logs(session: Session, project: str) -> Iterator[int]:
    """Yield the number in each /aws/rds/.../PROJECT-pr-NUMBER... that nobody has tagged."""
    client = session.client("logs")
    for place in ("/aws/rds/cluster/", "/aws/rds/instance/"):
        prefix = f"{place}{project}-pr-"
        for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            for group in page.get("logGroups") or ():
                name = re.match(r"([0-9]+)[-/]", group["logGroupName"].removeprefix(prefix))
                number = _number(name[1]) if name else None
                if number and _untagged(client, group["arn"].removesuffix(":*")):
                    yield number


def _untagged(client: Any, arn: str) -> bool:
    """Return whether a log group is there and has no tags: it may have gone since it was listed."""
    try:
        return not client.list_tags_for_resource(resourceArn=arn).get("tags")
    except client_error() as error:
        if code_of(error) == "ResourceNotFoundException":
            return False
        raise


def _networks(session: Session, repository: str) -> Iterator[dict[str, str]]:
    filters = [{"Name": "tag:envctl:repository", "Values": [repository]}]
    for page in session.client("ec2").get_paginator("describe_vpcs").paginate(Filters=filters):
        yield from (tags_in(vpc.get("Tags")) for vpc in page.get("Vpcs") or ())


def _databases(session: Session) -> Iterator[dict[str, str]]:
    for operation, items in (("describe_db_clusters", "DBClusters"), ("describe_db_instances", "DBInstances")):
        for page in session.client("rds").get_paginator(operation).paginate():
            yield from (tags_in(database.get("TagList")) for database in page.get(items) or ())


def _number(text: str) -> int | None:
    try:
        return identity.pr_number(text)
    except EnvctlError:
        return None
