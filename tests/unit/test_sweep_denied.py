"""A role that may delete only what is tagged: what it may not delete is named, and its own must not be denied."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from builders import environment

from orchestrator.aws.found import REPOSITORY_TAG, TAG, Found
from orchestrator.aws.session import Session
from orchestrator.aws.sweep import sweep
from orchestrator.errors import EnvctlError, ExitCode

OWN = {TAG: "shop-pr-42", REPOSITORY_TAG: "acme/shop"}


class Denying:
    """An EC2 that lists one VPC and deletes nothing."""

    def get_paginator(self, operation: str) -> Denying:
        return self

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        return [{"Vpcs": [{"VpcId": "vpc-1"}]}]

    def delete_volume(self, **arguments: Any) -> None:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "DeleteVolume")


def swept(tags: dict[str, str]) -> dict[str, str]:
    volume = Found("arn:volume", "ec2:volume", "vol-1", "is in vpc-1", vpc="vpc-1", tags=tags)
    session = Session("us-east-1", lambda service: Denying())
    return sweep(session, environment(42), [volume]).refused


def test_what_is_not_tagged_is_refused_and_named() -> None:
    assert swept({}) == {"arn:volume": "UnauthorizedOperation: no"}


def test_what_is_its_own_must_not_be_denied() -> None:
    with pytest.raises(EnvctlError) as raised:
        swept(OWN)
    assert raised.value.code is ExitCode.CREDENTIALS
