"""What the account still holds of pull requests: a thing may go between its listing and the question for its tags."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.aws.orphans import tagged
from orchestrator.aws.session import Session
from orchestrator.errors import EnvctlError, ExitCode

GONE, KEPT = (f"/aws/rds/cluster/shop-pr-{number}/error" for number in (7, 8))


class Account:
    """An account that lists two log groups, one of which it gives `code` for when it is asked for the tags."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_paginator(self, operation: str) -> Account:
        return self

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        prefix = arguments.get("logGroupNamePrefix", "-")
        return [{"logGroups": [{"logGroupName": n, "arn": f"{n}:*"} for n in (GONE, KEPT) if n.startswith(prefix)]}]

    def list_tags_for_resource(self, resourceArn: str) -> dict[str, Any]:
        if resourceArn == GONE:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "ListTagsForResource")
        return {"tags": {}}


def found(code: str) -> set[int]:
    return tagged(Session("us-east-1", lambda service: Account(code)), "shop", "acme/shop")


def test_a_log_group_that_goes_meanwhile_is_passed_over() -> None:
    assert found("ResourceNotFoundException") == {8}


def test_a_log_group_that_may_not_be_asked_after_is_an_error() -> None:
    with pytest.raises(EnvctlError) as raised:
        found("AccessDeniedException")
    assert raised.value.code is ExitCode.CREDENTIALS
