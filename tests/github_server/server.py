"""The way to this GitHub: HTTP on a loopback port, a thread for each connection."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from . import routes
from .faults import FOR_EVER, MESSAGES, Fault
from .routes import Answer, Call, Refusal
from .shapes import Json, Shapes
from .world import ACTIONS, Comment, Person, World

_LIMIT = 5000
_RESET = "2000000000"


@dataclass(frozen=True)
class Request:
    """A request that was made: its path below the API's address, and who made it (None: nobody known)."""

    method: str
    path: str
    query: dict[str, str]
    body: Json
    login: str | None
    status: int | None
    user_agent: str


class GitHubServer(World):
    """A world that can be reached over HTTP. `prefix` is `/api/v3` on GitHub Enterprise."""

    def __init__(self, repository: str = "acme/shop", prefix: str = "") -> None:
        self.prefix = prefix
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        super().__init__(repository)
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.github = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}{prefix}"
        self.shapes = Shapes(self, self.url)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> GitHubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def begin(self, repository: str = "acme/shop") -> None:
        with self.lock:
            self.requests.clear()
            self.faults.clear()
            super().begin(repository)

    @property
    def environ(self) -> dict[str, str]:
        """What a workflow's job sees: the address, and the token of GitHub Actions."""
        token = self.token_of(ACTIONS)
        return {"GITHUB_API_URL": self.url, "GITHUB_TOKEN": token, "GITHUB_REPOSITORY": self.repository}

    def fail(self, fault: Fault | int | None = None, **how: Any) -> Fault:
        """Let requests meet a fault: `fail(502, path="/pulls/", times=2)`, `fail(Fault(...))`, `fail(hang_up=True)`."""
        made = fault if isinstance(fault, Fault) else Fault(fault, **how)
        with self.lock:
            self.faults.append(made)
        return made

    def go_down(self) -> Fault:
        """Every request gets 503 until the fault that is returned is ended."""
        return self.fail(503, times=FOR_EVER)

    def event(self, action: str, number: int, sender: str = "dev", comment: Comment | None = None) -> Json:
        """The payload of an event that a workflow run would see."""
        with self.lock:
            return self.shapes.event(action, number, self.person(sender), comment)

    def seen(self, method: str = "", path: str = "") -> list[Request]:
        """The requests so far of a method, with `path` (a regular expression) found in theirs."""
        with self.lock:
            return [r for r in self.requests if method in ("", r.method) and re.search(path, r.path)]

    def writes(self) -> list[Request]:
        """The requests so far that could have changed something."""
        with self.lock:
            return [r for r in self.requests if r.method != "GET" and not r.path.endswith("/graphql")]

    def meet(self, method: str, path: str) -> Fault:
        """Return the fault that a request meets, and count it; one of no consequence when there is none."""
        with self.lock:
            for fault in self.faults:
                if fault.meets(method, path):
                    return fault
        return Fault()


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # idle connections that clients keep would never end
    request_queue_size = 128
    github: GitHubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; a bug of this server reaches the test as an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer leaves in one piece
    server: _HTTPServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        github = self.server.github
        address = urlsplit(self.path)
        path, query = address.path, dict(parse_qsl(address.query))
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = github.meet(self.command, path)
        if fault.latency_s:
            time.sleep(fault.latency_s)
        viewer = self._viewer()
        with github.lock:
            status, headers, answer, body = 200, {}, None, {}
            if fault.does:
                try:
                    body = json.loads(sent or b"{}")
                    status, headers, answer = self._answer(viewer, path, query, body)
                except Refusal as refusal:
                    status, answer = refusal.status, refusal.body
                except Exception as error:  # noqa: BLE001 - a bug of this server must not look like a network's
                    status, answer = 599, {"message": f"a bug of the fake GitHub: {error!r}"}
            if fault.status:
                message = fault.message or MESSAGES.get(fault.status, "")
                status, headers, answer = fault.status, {}, Refusal(fault.status, message).body
            told, agent = None if fault.hang_up else status, self.headers.get("User-Agent", "")
            github.requests.append(Request(self.command, path, query, body, viewer and viewer.login, told, agent))
            remaining = str(max(0, _LIMIT - len(github.requests)))
        if fault.hang_up:
            self.close_connection = True
            return
        limit = {"X-RateLimit-Limit": str(_LIMIT), "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": _RESET}
        self._send(status, {**limit, **headers, **fault.headers}, answer, fault.text)

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _viewer(self) -> Person | None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return self.server.github.tokens.get(token) if scheme.lower() in ("token", "bearer") else None

    def _answer(
        self, viewer: Person | None, path: str, query: dict[str, str], body: Json
    ) -> tuple[int, dict[str, str], Any]:
        github = self.server.github
        if viewer is None:
            raise Refusal(401, "Bad credentials")
        if self.command == "POST" and path == github.prefix.removesuffix("/v3") + "/graphql":
            return 200, {}, {"data": {"viewer": {"login": viewer.login}}}
        below = path.removeprefix(github.prefix)
        if not path.startswith(github.prefix):
            raise routes.not_found()
        if below == "/user":
            if viewer.kind == "Bot":
                raise Refusal(403, "Resource not accessible by integration")
            return 200, {}, github.shapes.person(viewer)
        found = re.fullmatch(r"/(?:repos/([^/]+/[^/]+)|repositories/([0-9]+))(/.*)?", below)
        if found is None or github.hidden:
            raise routes.not_found()
        name, number, rest = found[1], found[2], found[3] or ""
        if name in github.former_names:
            location = f"{github.url}/repositories/{github.repository_id}{rest}"
            moved = 301 if self.command == "GET" else 307
            return moved, {"Location": location}, {"message": "Moved Permanently", "url": location}
        if name != github.repository and number != str(github.repository_id):
            raise routes.not_found()
        call = Call(github, github.shapes, viewer, self.command, unquote(rest), query, body)
        return self._paged(routes.answer(call), path, query)

    def _paged(self, answer: Answer, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        if answer.items is None:
            return answer.status, {}, answer.json
        size = min(max(int(query.get("per_page", 30)), 1), 100)
        page, last = max(int(query.get("page", 1)), 1), max(1, -(-len(answer.items) // size))
        here = answer.items[(page - 1) * size : page * size]
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        shown = [name for name in links if (page < last if name in ("next", "last") else page > 1)]
        base = self.server.github.url.removesuffix(self.server.github.prefix) + path
        link = ", ".join(
            f'<{base}?{urlencode({**query, "per_page": size, "page": links[name]})}>; rel="{name}"' for name in shown
        )
        json = {**answer.json, answer.key: here} if answer.key else here
        return answer.status, {"Link": link} if link else {}, json

    def _send(self, status: int, headers: dict[str, str], answer: Any, text: str | None) -> None:
        data = text.encode() if text is not None else json.dumps(answer).encode()
        self.send_response_only(status)
        for name, value in {"Server": "github.test", "Date": self.date_time_string(), **headers}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8" if text is None else "text/html")
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)
