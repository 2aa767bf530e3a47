"""One thing that an account holds for an environment, and how listings are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestrator.outcome import Leftover

TAG = "envctl:environment"
REPOSITORY_TAG = "envctl:repository"

Tags = dict[str, str]


@dataclass(frozen=True)
class Found:
    """One thing of an environment: `id` is what its service calls it, `vpc` the VPC that it lies in.

    `tags` is None where the listing does not carry them: who needs them asks. `parent` is what it came with
    and goes with (an auto scaling group's instance, a VPC's main route table); `moving` says that AWS is
    deleting it already.
    """

    arn: str
    type: str
    id: str
    why: str
    vpc: str | None = None
    tags: Tags | None = field(default=None, hash=False)
    parent: str | None = None
    moving: bool = False

    @property
    def leftover(self) -> Leftover:
        return Leftover(self.arn, self.type, self.why)


def pages(client: Any, operation: str, items: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """Yield the items of every page."""
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(items) or ()


def tags_in(listed: list[dict[str, Any]] | None) -> Tags:
    """Return a list of keys and values, as most services write tags, as a mapping. A tag may have no value."""
    return {tag["Key"]: tag.get("Value", "") for tag in listed or ()}
