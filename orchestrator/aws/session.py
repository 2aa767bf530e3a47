"""Clients, and AWS's errors in our words.

boto3 takes a third of a second to import. It is imported with the first client, by whichever thread
makes that, so that Terraform can be started meanwhile; `except` looks its classes up when something was
raised, and by then botocore is there.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.errors import EnvctlError, ExitCode

if TYPE_CHECKING:
    import boto3
    from botocore.exceptions import ClientError

# `Any`: boto3's clients have no static type; each room below says what it takes from a response.
Client = Any

_CONFIG: dict[str, Any] = {
    "retries": {"mode": "adaptive", "total_max_attempts": 5},
    "connect_timeout": 5,
    "read_timeout": 30,
}

# What is throttled is tried much longer than what fails: a storm in a busy account passes in a minute or two.
_THROTTLED = frozenset(
    {
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_THROTTLED_ATTEMPTS = 12
_LONGEST_PAUSE_S = 20.0

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
_CREDENTIALS_HINT = (
    'Sign in (`aws sso login`), set AWS_PROFILE or the AWS_* keys, or `eval "$(envctl sandbox env)"` for the sandbox.'
)
_CONFIGURATION_HINT = "Check AWS_ENDPOINT_URL, AWS_PROFILE and the region."


class Session:
    """Clients of one region, each made once. `make` stands in for boto3 in tests of odd answers."""

    def __init__(self, region: str | None, make: Callable[[str], Client] | None = None) -> None:
        self._region = region
        self._make = make
        self._session: boto3.Session | None = None
        self._owner: tuple[str, str] | None = None
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()  # clients may be shared between threads, but not made in two at once

    def client(self, service: str) -> Client:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = (self._make or self._boto3)(service)
            return self._clients[service]

    def _boto3(self, service: str) -> Client:
        from botocore.config import Config

        create: Any = self._boto3_session().client
        with translated("reading the AWS configuration"):
            try:
                client = create(service, config=Config(**_CONFIG))
            except ValueError as error:  # an endpoint that is no URL, say
                raise EnvctlError(ExitCode.USAGE, _sentence(error), _CONFIGURATION_HINT) from error
        # Before botocore's own answer, which is the one for whatever this has none for.
        client.meta.events.register_first(f"needs-retry.{client.meta.service_model.service_id.hyphenize()}", _patience)
        return client

    def _boto3_session(self) -> boto3.Session:
        if self._session is None:
            import boto3

            with translated("reading the AWS configuration"):
                self._session = boto3.Session(region_name=self._region)
        return self._session

    @property
    def owner(self) -> tuple[str, str]:
        """Return the partition and the account's number, as ARNs begin with them."""
        if self._owner is None:
            with translated("asking who the credentials belong to"):
                caller = self.client("sts").get_caller_identity()
            self._owner = caller["Arn"].split(":")[1], caller["Account"]
        return self._owner

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


def _patience(response: tuple[Any, Any] | None, attempts: int, **_: Any) -> float | None:
    """Return how many seconds to wait before a throttled request is sent again, None: that is not for us to say.

    Up to twice as long each time, with full jitter, so that those who were throttled together do not return together.
    """
    code = response[1].get("Error", {}).get("Code") if response else None
    if code not in _THROTTLED or attempts >= _THROTTLED_ATTEMPTS:
        return None
    return random.uniform(0, min(2.0 ** (attempts - 1), _LONGEST_PAUSE_S))  # noqa: S311 - no secret


def default_region(environ: Mapping[str, str]) -> str | None:
    """Return the region that the environment names, if it does (no profile is read for this)."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn botocore's errors into EnvctlError; `doing` completes "while ..."."""
    try:
        yield
    except client_error() as error:
        raise _refused(error, doing) from error
    except _no_credentials() as error:
        said = _sentence(error)
        raise EnvctlError(
            ExitCode.CREDENTIALS, f"There are no usable AWS credentials, while {doing}: {said}", _CREDENTIALS_HINT
        ) from error
    except RuntimeError as error:
        # What botocore says of credentials in the environment beyond AWS_CREDENTIAL_EXPIRATION.
        if "still expired" not in str(error):
            raise
        raise EnvctlError(
            ExitCode.CREDENTIALS, f"The AWS credentials have expired, while {doing}.", _CREDENTIALS_HINT
        ) from error
    except _unreachable() as error:
        raise EnvctlError(
            ExitCode.TERRAFORM,
            f"AWS cannot be reached, while {doing}: {_sentence(error)}",
            "Check the network, the region, proxies, and AWS_ENDPOINT_URL if it is set; then run it again.",
        ) from error
    except _garbled() as error:
        raise EnvctlError(
            ExitCode.TERRAFORM,
            f"An answer of AWS cannot be used, while {doing}: {_sentence(error)}",
            "Run it again; what was done before stays.",
        ) from error
    except _misconfigured() as error:
        raise EnvctlError(
            ExitCode.USAGE,
            f"The AWS configuration does not work, while {doing}: {_sentence(error)}",
            _CONFIGURATION_HINT,
        ) from error


def client_error() -> type[ClientError]:
    """Return the class of AWS's refusals, for an `except`."""
    from botocore.exceptions import ClientError

    return ClientError


def _no_credentials() -> tuple[type[Exception], ...]:
    from botocore import exceptions

    return (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.ProfileNotFound,
        exceptions.SSOError,
        exceptions.NoAuthTokenError,
    )


def _unreachable() -> tuple[type[Exception], ...]:
    from botocore import exceptions

    return (exceptions.HTTPClientError, exceptions.ConnectionError)


def _garbled() -> tuple[type[Exception], ...]:
    from botocore import exceptions, parsers

    return (
        exceptions.FlexibleChecksumError,
        exceptions.IncompleteReadError,
        exceptions.ResponseStreamingError,
        parsers.ResponseParserError,
    )


def _misconfigured() -> type[Exception]:
    from botocore.exceptions import BotoCoreError

    return BotoCoreError


def code_of(error: ClientError) -> str:
    """Return AWS's error code, such as `NoSuchKey` or `404`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: ClientError, doing: str) -> EnvctlError:
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
