"""When credentials end, and how long an operation usually takes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOW, record

from orchestrator import expiry
from orchestrator.manifest import Operation

KEY = {"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SESSION_TOKEN": "t"}
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("environ", "end"),
    [
        ({}, None),
        (KEY, None),
        ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-22T10:00:00Z"}, None),  # of whose keys?
        ({**KEY, "AWS_CREDENTIAL_EXPIRATION": "2026-11-22T10:00:00Z"}, AT),
        ({**KEY, "AWS_CREDENTIAL_EXPIRATION": "2026-11-22T11:00:00+01:00"}, AT),
        ({**KEY, "AWS_CREDENTIAL_EXPIRATION": "2026-11-22T10:00:00"}, AT),
        ({**KEY, "AWS_SESSION_EXPIRATION": "2026-11-22T10:00:00Z"}, AT),
        ({**KEY, "AWS_CREDENTIAL_EXPIRATION": "soon", "AWS_SESSION_EXPIRATION": "2026-11-22T10:00:00Z"}, AT),
        ({**KEY, "AWS_CREDENTIAL_EXPIRATION": "soon"}, None),
    ],
)
def test_when_credentials_end(environ, end):
    assert expiry.ends_at(environ) == end


def took(kind, minutes, applied=True):
    ended = None if minutes is None else NOW + timedelta(minutes=minutes)
    return replace(record(), applied_at=NOW if applied else None, operation=Operation(kind, NOW, ended))


@pytest.mark.parametrize(
    ("found", "kind", "minutes"),
    [
        (None, "up", 20),
        (took("up", 3, applied=False), "up", 20),
        (replace(took("up", 3), replacing="gone"), "up", 20),
        (took("up", 40), "up", 40),
        (took("up", 1), "up", 5),
        (took("up", None), "up", 5),
        (took("up", 40), "destroy", 15),
        (took("destroy", 33), "destroy", 33),
        (None, "destroy", 15),
    ],
)
def test_how_long_it_usually_takes(found, kind, minutes):
    assert expiry.usual(found, kind) == timedelta(minutes=minutes)
