"""What can go wrong between a client and GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

FOR_EVER = 10**9
MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    429: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    500: "Server Error",
    502: "Server Error",
    503: "No server is currently available to service your request. Sorry about that.",
}


@dataclass
class Fault:
    """The next `times` requests of `method` whose path `path` is found in (regular expressions) get `status`.

    `after`: so many of them are spared first. No `status`: they are answered as ever, after `latency_s`
    seconds. `done`: what was asked for happens all the same. `hang_up`: the connection is closed without
    an answer. `text` is sent in place of JSON.
    """

    status: int | None = None
    method: str = ""
    path: str = ""
    times: int = 1
    after: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    latency_s: float = 0.0
    done: bool = False
    hang_up: bool = False
    text: str | None = None

    def meets(self, method: str, path: str) -> bool:
        """Return whether a request meets it, and count it."""
        if self.times <= 0 or not re.fullmatch(self.method or ".*", method) or not re.search(self.path, path):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True

    @property
    def does(self) -> bool:
        """Whether what was asked for happens."""
        return self.done or not (self.status or self.hang_up or self.text is not None)

    def end(self) -> None:
        self.times = 0


def primary_limit(reset: int, **where: object) -> Fault:
    """The hour's requests are used up until `reset` (seconds since 1970)."""
    headers = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    message = "API rate limit exceeded for installation ID 1."
    return Fault(403, headers=headers, message=message, **where)  # type: ignore[arg-type]


def secondary_limit(retry_after: int | None = None, **where: object) -> Fault:
    """Too many requests in a short time."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(403, headers=headers, message=MESSAGES[429], **where)  # type: ignore[arg-type]
