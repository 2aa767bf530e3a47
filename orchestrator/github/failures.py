"""What goes wrong with a request, how long to wait before it is made again, and what a person is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from orchestrator.errors import EnvctlError, ExitCode

# "Wait for at least one minute" when GitHub does not say how long
# (GitHub documentation: Best practices for using the REST API).
_UNTOLD_S = 60.0
# Its limits are by the hour: whoever says more than this has not said how long.
_LONGEST_S = 86_400.0


class Refused(Exception):
    """GitHub answered with `status`, and `said` why. `headers` have their names in small letters."""

    def __init__(self, status: int, said: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"{status} {said}")
        self.status = status
        self.said = said
        self.headers = headers


class NoAnswer(Exception):
    """Nothing came back, or nothing that makes sense: what was asked for may have been done all the same."""


def wait_s(failure: Refused | NoAnswer, attempt: int) -> float | None:
    """Return how many seconds to wait after the first, second, ... `attempt`; None when asking again is no use."""
    if isinstance(failure, Refused):
        told = _told_s(failure.headers)
        if is_limit(failure):
            return _UNTOLD_S * 2 ** (attempt - 1) if told is None else told
        if failure.status < 500:
            return None
        if told is not None:
            return told
    return float(2 ** (attempt - 1))


def is_limit(refused: Refused) -> bool:
    """Return whether this is about too many requests: GitHub answers 403 to that too, as to a missing permission."""
    if refused.status == 429:
        return True
    headers = refused.headers
    told = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return refused.status == 403 and (told or "rate limit" in refused.said.lower())


def _told_s(headers: Mapping[str, str]) -> float | None:
    seconds = headers.get("retry-after", "")
    if seconds.isascii() and seconds.isdecimal():
        return min(float(seconds), _LONGEST_S)
    if headers.get("x-ratelimit-remaining") != "0":
        return None
    try:
        # Both are GitHub's word: the clock of this machine may be wrong. One second, as neither has fractions.
        left = int(headers["x-ratelimit-reset"]) - parsedate_to_datetime(headers["date"]).timestamp() + 1
    except (KeyError, ValueError, OverflowError):
        return None
    return min(max(0.0, left), _LONGEST_S)


def translated(failure: Refused | NoAnswer, doing: str, needs: str) -> EnvctlError:
    """Return what a person is told; `doing` completes "while ...", `needs` is a line under `permissions`."""
    if isinstance(failure, NoAnswer):
        return EnvctlError(
            ExitCode.TERRAFORM,
            f"GitHub gives no usable answer, while {doing}: {_sentence(str(failure))}",
            "Check the network, proxies, and GITHUB_API_URL if it is set; then run it again.",
        )
    said = f"({failure.status}), while {doing}: {_sentence(failure.said)}"
    if is_limit(failure):
        return EnvctlError(ExitCode.TERRAFORM, f"GitHub limits the requests {said}", "Run it again in a while.")
    if failure.status == 401:
        return EnvctlError(
            ExitCode.CREDENTIALS, f"GitHub refused the token {said}", "Set GITHUB_TOKEN to one that is still valid."
        )
    if failure.status in (403, 404):
        # What a token may not see does not exist for it: GitHub answers 404 then.
        return EnvctlError(
            ExitCode.CREDENTIALS,
            f"GitHub refused the permission, or knows no such thing {said}",
            f"The token needs `{needs}` (in a workflow: under `permissions`); check project.repository too.",
        )
    hint = "Run it again; what was done before stays."
    return EnvctlError(ExitCode.TERRAFORM, f"GitHub refused {said}", hint)


def left_alone(seconds: float, doing: str) -> EnvctlError:
    """Return what a person is told when GitHub wants no request for longer than anybody would wait."""
    minutes = max(1, round(seconds / 60))
    return EnvctlError(
        ExitCode.TERRAFORM,
        f"GitHub limits the requests, while {doing}: it takes none for another {minutes} min.",
        "Run it again then.",
    )


def said_by(data: Any) -> str:
    """Return GitHub's reason from the body of a refusal, `errors` included; empty when it gives none."""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    parts = [data.get("message"), *(errors if isinstance(errors, list) else ())]
    words = [part.get("message") or part.get("code") if isinstance(part, dict) else part for part in parts]
    return ", ".join(word for word in words if isinstance(word, str))


def _sentence(said: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in said).split()).rstrip(".")
    return (text if len(text) <= 400 else text[:397] + "...") + "." if text else "it gives no reason."
