"""Requests to one repository on GitHub, one after the other, each made again while that is of use.

PyGithub signs, sends and checks them. Its typed objects are left aside: they fetch themselves again for
what a listing leaves out, and its own retries would send a comment twice. Its import takes time and is
left to the first request.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.github import failures
from orchestrator.github.failures import NoAnswer, Refused

if TYPE_CHECKING:
    from github.Requester import Requester

ATTEMPTS = 4
PATIENCE_S = 150.0
"""How long one call may take, its waits included. GitHub's shortest untold wait is one minute."""
_PER_PAGE = 100  # the most that GitHub gives
_PUBLIC = "https://api.github.com"
_ACTIONS = "github-actions[bot]"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

T = TypeVar("T")
Item = dict[str, Any]


class Session:
    """A way to one repository: GITHUB_API_URL, and GITHUB_TOKEN or GH_TOKEN of `environ`.

    Raises EnvctlError (usage, credentials) at once when they make no sense; asks nobody before the first
    call. `sleep` and `monotonic` (seconds) are handed in by tests; `timeout_s` is for one request. Threads
    may share one.
    """

    def __init__(
        self,
        repository: str,
        environ: Mapping[str, str],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        timeout_s: int = 20,
    ) -> None:
        self._url = _url(environ)
        self._token = _token(environ)
        self._root = f"/repos/{repository}"
        self._sleep = sleep
        self._monotonic = monotonic
        self._timeout_s = timeout_s
        self._quiet_until = 0.0
        self._made: Requester | None = None
        self._me: str | None = None
        # "Make requests serially": GitHub's own advice against its secondary limits.
        self._one_at_a_time = threading.Lock()

    def insist(self, doing: str, needs: str, step: Callable[[], T]) -> T:
        """Return what `step` does; it is run again from its start when GitHub fails in the middle of it.

        It must therefore look before it changes anything: a change may have been made although the answer
        says otherwise. Raises EnvctlError; `doing` and `needs` are for its words, as in `failures.translated`.
        """
        patience_ends = self._monotonic() + PATIENCE_S
        for attempt in range(1, ATTEMPTS + 1):
            quiet_s = self._quiet_until - self._monotonic()
            if self._quiet_until > patience_ends:
                raise failures.left_alone(quiet_s, doing)
            if quiet_s > 0:
                self._sleep(quiet_s)
            try:
                return step()
            except (Refused, NoAnswer) as failure:
                wait_s = failures.wait_s(failure, attempt)
                if wait_s is None or attempt == ATTEMPTS:
                    raise failures.translated(failure, doing, needs) from failure
                # For every thread, and for the calls that come after this one has given up.
                self._quiet_until = max(self._quiet_until, self._monotonic() + wait_s)
        raise AssertionError("the last attempt returns or raises")

    def get(self, path: str) -> Item:
        """Return one thing below the repository (the repository itself for an empty path)."""
        return as_item(self._request("GET", self._root + path)[1])

    def pages(self, path: str, key: str | None = None, **parameters: str) -> Iterator[Item]:
        """Yield the items of every page of a listing; they lie at `key` when the listing is an object."""
        url, query = self._root + path, {"per_page": _PER_PAGE, **parameters}
        while url:
            headers, page = self._request("GET", url, query)
            items = as_item(page).get(key) if key else page
            if not isinstance(items, list):
                raise NoAnswer(f"{path} is not a list")
            yield from map(as_item, items)
            url, query = _next_page(headers), {}

    def post(self, path: str, body: Item) -> Item:
        """Make something and return it."""
        return self._write("POST", path, body)

    def patch(self, path: str, body: Item) -> Item:
        """Change something and return it."""
        return self._write("PATCH", path, body)

    def _write(self, verb: str, path: str, body: Item) -> Item:
        written = as_item(self._request(verb, self._root + path, body=body)[1])
        field(written, "id", int)  # PyGithub lets some redirects pass for answers: nothing was written then
        return written

    def delete(self, path: str) -> None:
        """Delete something; that it is gone already is fine."""
        try:
            answer = self._request("DELETE", self._root + path)[1]
        except Refused as refused:
            if refused.status != 404:
                raise
        else:
            if answer is not None:
                raise NoAnswer("nothing was expected")

    def me(self) -> str:
        """Return the login that the token writes as: a person's, or an app's, which ends in [bot]."""
        if self._me is None:
            # REST tells people who they are, and refuses that to apps; GraphQL tells both.
            query = {"query": "query { viewer { login } }"}
            try:
                answer = as_item(self._request("POST", self._requester().graphql_url, body=query)[1])
                if answer.get("errors"):
                    is_limit = "RATE_LIMITED" in str(answer["errors"])
                    raise Refused(429 if is_limit else 403, failures.said_by(answer), {})
                self._me = field(as_item(as_item(answer.get("data")).get("viewer")), "login", str)
            except Refused as refused:
                if refused.status not in (403, 404) or failures.is_limit(refused):
                    raise
                self._me = _ACTIONS
        return self._me

    def _request(
        self, verb: str, url: str, query: Mapping[str, Any] | None = None, body: Item | None = None
    ) -> tuple[Mapping[str, str], Any]:
        requester = self._requester()
        from github import GithubException

        try:
            with self._one_at_a_time:
                return requester.requestJsonAndCheck(verb, url, dict(query or {}), input=body)
        except GithubException as error:
            raise Refused(error.status, failures.said_by(error.data), error.headers or {}) from error
        except OSError as error:  # which everything that `requests` raises is
            raise NoAnswer(str(error)) from error
        except (ValueError, AttributeError, RuntimeError, AssertionError) as error:
            # What PyGithub makes of JSON that ends early or is none, and of being sent to another host.
            raise NoAnswer(str(error) or "it is not what GitHub says") from error

    def _requester(self) -> Requester:
        if self._made is None:
            from github import Auth, Github

            self._made = Github(
                auth=Auth.Token(self._token),
                base_url=self._url,
                timeout=self._timeout_s,
                per_page=_PER_PAGE,
                user_agent="envctl",
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
            ).requester
        return self._made


def as_item(value: Any) -> Item:
    """Return a JSON object. Raises NoAnswer when it is something else."""
    if isinstance(value, dict):
        return value
    raise NoAnswer("an object was expected")


def field(item: Item, name: str, kind: type[T]) -> T:
    """Return a field that GitHub always gives. Raises NoAnswer when it is not there or of another type."""
    value = item.get(name)
    if isinstance(value, kind):
        return value
    raise NoAnswer(f"there is no {name} in it")


def _next_page(headers: Mapping[str, str]) -> str:
    found = re.search(r'<([^>]+)>;\s*rel="next"', headers.get("link", ""))
    return found[1] if found else ""


def _url(environ: Mapping[str, str]) -> str:
    url = environ.get("GITHUB_API_URL") or _PUBLIC
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    # Plain HTTP would show the token to everyone on the way.
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if safe and parts.hostname and not (parts.username or parts.password or parts.query or parts.fragment):
        return url.rstrip("/")
    raise EnvctlError(
        ExitCode.USAGE,
        "GITHUB_API_URL is not the address of a GitHub API.",
        "It looks like https://api.github.com, or https://github.example.com/api/v3 for GitHub Enterprise.",
    )


def _token(environ: Mapping[str, str]) -> str:
    token = (environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or "").strip()
    if re.fullmatch(r"[!-~]+", token):
        return token
    raise EnvctlError(
        ExitCode.CREDENTIALS,
        "There is no GitHub token, or it holds characters that no token has." if token else "There is no GitHub token.",
        "Set GITHUB_TOKEN (in a workflow: `GITHUB_TOKEN: ${{ github.token }}` under `env`), or GH_TOKEN.",
    )
