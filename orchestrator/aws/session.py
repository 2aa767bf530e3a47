"""Clients, and AWS's errors in our words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

from orchestrator.errors import EnvctlError, ExitCode

# `Any`: boto3's clients have no static type; each room below says what it takes from a response.
Client = Any

_CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
        "403",
    }
)
_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.ProfileNotFound,
    exceptions.SSOError,
    exceptions.NoAuthTokenError,
)
_UNREACHABLE = (exceptions.HTTPClientError, exceptions.ConnectionError)
_CREDENTIALS_HINT = (
    'Sign in (`aws sso login`), set AWS_PROFILE or the AWS_* keys, or `eval "$(envctl sandbox env)"` for the sandbox.'
)


class Session:
    """Clients of one region, each made once. `make` stands in for boto3 in tests of odd answers."""

    def __init__(self, region: str | None, make: Callable[[str], Client] | None = None) -> None:
        self._region = region
        self._make = make
        self._session: boto3.Session | None = None
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()  # clients may be shared between threads, but not made in two at once

    def client(self, service: str) -> Client:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = (self._make or self._boto3)(service)
            return self._clients[service]

    def _boto3(self, service: str) -> Client:
        create: Any = self._boto3_session().client
        return create(service, config=_CONFIG)

    def _boto3_session(self) -> boto3.Session:
        if self._session is None:
            with translated("reading the AWS configuration"):
                self._session = boto3.Session(region_name=self._region)
        return self._session

    @property
    def region(self) -> str:
        """Return the region. Raises EnvctlError (usage) when nothing names one."""
        found = self._region or self._boto3_session().region_name
        if found:
            return found
        raise EnvctlError(
            ExitCode.USAGE,
            "The AWS region is not known.",
            "Set region under [project] in envctl.toml, or AWS_REGION.",
        )


def default_region(environ: Mapping[str, str]) -> str | None:
    """Return the region that the environment names, if it does (no profile is read for this)."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn botocore's errors into EnvctlError; `doing` completes "while ..."."""
    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(error, doing) from error
    except _NO_CREDENTIALS as error:
        raise EnvctlError(
            ExitCode.CREDENTIALS,
            f"There are no usable AWS credentials, while {doing}: {_sentence(error)}",
            _CREDENTIALS_HINT,
        ) from error
    except _UNREACHABLE as error:
        raise EnvctlError(
            ExitCode.TERRAFORM,
            f"AWS cannot be reached, while {doing}: {_sentence(error)}",
            "Check the network, the region, proxies, and AWS_ENDPOINT_URL if it is set; then run it again.",
        ) from error
    except (exceptions.BotoCoreError, ValueError) as error:
        raise EnvctlError(
            ExitCode.USAGE,
            f"The AWS configuration does not work, while {doing}: {_sentence(error)}",
            "Check AWS_ENDPOINT_URL, AWS_PROFILE and the region.",
        ) from error


def code_of(error: exceptions.ClientError) -> str:
    """Return AWS's error code, such as `NoSuchKey` or `404`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: exceptions.ClientError, doing: str) -> EnvctlError:
    code = code_of(error)
    said = _sentence(str(error.response.get("Error", {}).get("Message") or code))
    if code in _DENIED:
        return EnvctlError(
            ExitCode.CREDENTIALS,
            f"AWS refused the credentials or the permission ({code}), while {doing}: {said}",
            "Check with `aws sts get-caller-identity` who you are, and what that role may do.",
        )
    if code == "NoSuchBucket":
        return EnvctlError(
            ExitCode.USAGE,
            f"The bucket does not exist, while {doing}.",
            "Set bucket under [state] in envctl.toml to one that does, or create it.",
        )
    return EnvctlError(
        ExitCode.TERRAFORM,
        f"AWS refused ({code}), while {doing}: {said}",
        "Run it again; what was done before stays.",
    )


def _sentence(said: object) -> str:
    text = " ".join(str(said).split()).rstrip(".")
    return (text if len(text) <= 400 else text[:397] + "...") + "."
