"""A reverse proxy on loopback between AWS's clients and the emulator, which puts faults in between.

    PYTHONPATH=tests python -m chaos.proxy --upstream http://127.0.0.1:5000 --rules faults.toml

prints its endpoint for AWS_ENDPOINT_URL, and at the end (Ctrl-C) what it did. Requests are handed on as they
are, `Host` and signature included.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from chaos.answers import protocol, recognise, refusal
from chaos.rules import Call, Rule, Rules, load

Moment = Literal["before", "after"]
"""Of a call: not handed on yet; done, but not answered yet."""
Watch = Callable[[Call, Moment], None]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "date", "server"}
_TIMEOUT_S = 120.0
Answer = tuple[int, dict[str, str], bytes]


class Proxy:
    """Runs in threads of this process between `start` and `stop`; rules may be changed at any time.

    `watch` is told of every call at both moments, in the thread that serves it: as long as it does not return,
    the call does not go on.
    """

    def __init__(self, upstream: str, rules: Rules | None = None, watch: Watch = lambda call, moment: None) -> None:
        parts = urllib.parse.urlsplit(upstream)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.rules = rules or Rules()
        self.watch = watch
        self.done: Counter[str] = Counter()
        """What the emulator did without an error, as `service:action`, whatever was answered."""
        self.calls: list[Call] = []
        self._server: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    def start(self, port: int = 0) -> Proxy:
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", port), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> Proxy:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        assert self._server, "not started"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def forget(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self.done.clear()
            self.calls.clear()

    def counts(self) -> dict[str, dict[str, int]]:
        """What was done: calls seen and done by action, and how often each rule was applied."""
        with self._lock:
            seen = Counter(f"{call.service}:{call.action}" for call in self.calls)
            return {"seen": dict(seen), "done": dict(self.done), "faults": self.rules.hits}

    def _note(self, method: str, target: str, headers: http.client.HTTPMessage, body: bytes) -> Call:
        with self._lock:
            call = recognise(method, target, headers, body, len(self.calls) + 1)  # type: ignore[arg-type]
            self.calls.append(call)
            return call

    def _did(self, call: Call, answer: Answer) -> None:
        if answer[0] < 400:
            with self._lock:
                self.done[f"{call.service}:{call.action}"] += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is killed closes its connections: that is what the bench is for."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with its own connection to the emulator."""

    proxy: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one piece
    _upstream: http.client.HTTPConnection | None = None

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        if self._upstream:
            self._upstream.close()

    def _serve(self) -> None:
        body = self._body()
        if body is None:  # its sender died in the middle: no service does half a request
            self.close_connection = True
            return
        call = self.proxy._note(self.command, self.path, self.headers, body)
        rule = self.proxy.rules.decide(call)
        self.proxy.watch(call, "before")
        fault = rule.fault if rule else None
        if rule and fault == "delay":
            time.sleep(rule.seconds)
        if rule and fault == "refuse":
            self._answer(self._refusal(rule, call))
            return
        if fault == "reset":
            self._reset()
            return
        answer = self._forward(body)
        self.proxy._did(call, answer)
        self.proxy.watch(call, "after")
        if fault == "reset-after":
            self._reset()
        elif rule and fault == "refuse-after":
            self._answer(self._refusal(rule, call))
        elif rule and fault == "rewrite":
            self._answer((*answer[:2], _rewritten(answer[2], rule)))
        else:
            self._answer(answer)

    def _refusal(self, rule: Rule, call: Call) -> Answer:
        return refusal(rule, call, protocol(call, self.headers))  # type: ignore[arg-type]

    def _body(self) -> bytes | None:
        """Return the whole body, or None when it ends too early."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            return body if len(body) == length else None
        pieces = []
        while head := self.rfile.readline():
            size = int(head.split(b";")[0], 16)
            pieces.append(self.rfile.read(size))
            end = self.rfile.readline()
            if size == 0:
                while end.strip():  # trailers
                    end = self.rfile.readline()
                return b"".join(pieces)
        return None

    def _forward(self, body: bytes) -> Answer:
        # Every header as it came: the signature covers them, and `Host` says which endpoint was meant.
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        headers["Content-Length"] = str(len(body))
        for attempt in (1, 2):
            if self._upstream is None:
                self._upstream = http.client.HTTPConnection(self.proxy.host, self.proxy.port, timeout=_TIMEOUT_S)
            try:
                self._upstream.request(self.command, self.path, body, headers)
                got = self._upstream.getresponse()
                content = got.read()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # The emulator closed a connection that was idle; nothing was done with this request.
                self._upstream.close()
                self._upstream = None
                if attempt == 2:
                    raise
                continue
            if got.will_close:
                self._upstream.close()
                self._upstream = None
            kept = {k: v for k, v in got.getheaders() if k.lower() not in _HOP_BY_HOP}
            if self.command == "HEAD":  # the length of what a GET would bring
                kept["Content-Length"] = got.getheader("Content-Length") or "0"
            return got.status, kept, content
        raise AssertionError("the second attempt returns or raises")

    def _answer(self, answer: Answer) -> None:
        status, headers, body = answer
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304) and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _reset(self) -> None:
        """Break the connection the hard way: the client gets RST, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


def _rewritten(body: bytes, rule: Rule) -> bytes:
    for old, new in rule.rewrite:
        body = body.replace(old.encode(), new.encode())
    return body


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A proxy that puts faults between AWS's clients and an emulator.")
    parser.add_argument("--upstream", required=True, help="the emulator, as in http://127.0.0.1:5000")
    parser.add_argument("--rules", type=Path, required=True, help="TOML or JSON, see rules.py")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    options = parser.parse_args(arguments)
    proxy = Proxy(options.upstream, load(options.rules)).start(options.port)
    print(proxy.endpoint, flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    print(json.dumps(proxy.counts(), indent=1, sort_keys=True), file=sys.stderr)
    proxy.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
