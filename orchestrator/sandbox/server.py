"""The process behind `envctl sandbox start`: moto's server, corrected and seeded, on loopback only.

    python -m orchestrator.sandbox.server --record .envctl/sandbox.json

Writes the record once it is ready for use, and ends at SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Read by moto when it is imported. AWS's own policies exist in every account.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from orchestrator.sandbox import authorization, corrections, load_balancer
from orchestrator.sandbox.names import HOST, IDENTITY_PATH
from orchestrator.sandbox.seed import seed

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class QuietHandler(MotoRequestHandler):
    """Logs only what went wrong, with the request that it went wrong for: in the emulator, or on the way back."""

    # An answer goes out whole, not first its headers and then its body.
    wbufsize = -1

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # The SDKs number their attempts: a second one says that the answer to the first was none, or was not heard.
        attempt = self.headers.get("amz-sdk-request", "attempt=1").partition(";")[0]
        if attempt != "attempt=1":
            self.log("info", '"%s %r" %s %s', self.command, self.path, code, attempt)
        elif str(code).startswith("5"):
            super().log_request(code, size)

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.log("info", '"%s %r" was not heard: %r', self.command, self.path, error)


def identified(app: WsgiApp, token: str) -> WsgiApp:
    """`app`, which also answers who it is, so that nobody stops a stranger on a reused port."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != IDENTITY_PATH:
            return app(environ, start_response)
        body = token.encode()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def one_at_a_time(app: WsgiApp) -> WsgiApp:
    """`app`, which answers one request after the other.

    AWS's calls are atomic. moto's are not: two at the same moment change one dictionary, one of them is answered
    500 although it was carried out, and its retry is told that the thing exists already.
    """
    alone = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with alone:
            body = app(environ, start_response)
            try:
                return list(body)
            finally:
                getattr(body, "close", lambda: None)()

    return answer


def create_server(port: int, token: str) -> BaseWSGIServer:
    corrections.apply()
    authorization.install()
    load_balancer.install()
    default_user_config["lambda"] = {"use_docker": False}
    default_user_config["batch"] = {"use_docker": False}
    app = identified(one_at_a_time(DomainDispatcherApplication(create_backend_app)), token)
    return make_server(HOST, port, app, threaded=True, request_handler=QuietHandler)


def write_atomically(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--record", type=Path, required=True, help="written when ready")
    options = parser.parse_args(arguments)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    started_at = datetime.now(UTC)
    token = secrets.token_hex(16)
    server = create_server(options.port, token)
    # Seeding speaks to the server over HTTP like everybody else, so that has to run already.
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    seed(f"http://{HOST}:{server.port}", started_at)
    record = {"pid": os.getpid(), "port": server.port, "token": token, "started_at": started_at.isoformat()}
    write_atomically(options.record, record)
    serving.join()


if __name__ == "__main__":
    main()
