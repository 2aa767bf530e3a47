"""Starts, finds and ends the sandbox of a directory. Prints nothing; imports nothing slow.

A running sandbox is known by its record, `<directory>/sandbox.json`, and believed only after the
server on the recorded port has told the recorded token: process ids and ports are used again, and a
stranger must never be ended for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.sandbox.names import ACCESS_KEY, CLUSTER, HOST, IDENTITY_PATH, REGION, STATE_BUCKET

START_SECONDS = 60.0
STOP_SECONDS = 10.0
ANSWER_SECONDS = 5.0
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
ASTRAY = frozenset(
    {
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    }
)


@dataclass(frozen=True)
class Sandbox:
    """A local AWS that runs, or ran until just now."""

    pid: int
    port: int
    started_at: datetime
    directory: Path

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return _log(self.directory)


def start(directory: Path, *, echo: Callable[[str], None] = lambda _: None) -> Sandbox:
    """The sandbox of `directory`: the one that runs, else a new, seeded one.

    `echo` is told, in a sentence, what takes time or what was found. The sandbox outlives this process.
    """
    if any(importlib.util.find_spec(name) is None for name in ("moto", "flask", "flask_cors", "yaml")):
        raise EnvctlError(
            ExitCode.USAGE,
            "The local AWS needs moto, which is not installed.",
            "Install it with: pip install 'envctl-aws[sandbox]'",
        )
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        if running := find(directory):
            echo(f"The sandbox already runs at {running.endpoint}.")
            return running
        echo("Starting a local AWS and its production account (about 5 s) ...")
        return _launch(directory)


def find(directory: Path) -> Sandbox | None:
    """The sandbox that runs for `directory`, if there is one."""
    recorded = _read(directory.resolve())
    if recorded is None:
        return None
    sandbox, token = recorded
    return sandbox if _identity(sandbox.port) == token else None


def stop(directory: Path) -> Sandbox | None:
    """End the sandbox of `directory`; returns it, or None when none ran."""
    directory = directory.resolve()
    if not directory.is_dir():
        return None
    with _alone(directory):
        sandbox = find(directory)
        if sandbox is not None:
            _end(sandbox)
        _record(directory).unlink(missing_ok=True)
        return sandbox


def environment(sandbox: Sandbox, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What to export so that envctl, Terraform and the AWS tools use this sandbox; see `unwanted` too."""
    proxied = any(environ.get(name) or environ.get(name.lower()) for name in PROXY_VARIABLES)
    loopback = {name: _with_loopback(environ.get(name, "")) for name in ("NO_PROXY", "no_proxy") if proxied}
    return {
        "AWS_ENDPOINT_URL": sandbox.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ENVCTL_PROJECT__NAME": "shop",
        "ENVCTL_PROJECT__REPOSITORY": "acme/shop",
        "ENVCTL_STATE__BUCKET": STATE_BUCKET,
        "ENVCTL_DATABASE__SOURCE": CLUSTER,
        "ENVCTL_TERRAFORM__MAX_RETRIES": "2",
        **loopback,
    }


def unwanted(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that would lead past the sandbox, to be unset: an empty AWS_PROFILE is an error to boto3."""
    return sorted(name for name in environ if name in ASTRAY or name.startswith("AWS_ENDPOINT_URL_"))


def shell(sandbox: Sandbox, environ: Mapping[str, str] = os.environ) -> str:
    """`environment` and `unwanted` as lines for a POSIX shell to evaluate."""
    lines = [f"unset {' '.join(names)}"] if (names := unwanted(environ)) else []
    lines += [f"export {name}={shlex.quote(value)}" for name, value in environment(sandbox, environ).items()]
    return "\n".join(lines)


def _with_loopback(excluded: str) -> str:
    hosts = [host for host in excluded.split(",") if host]
    return ",".join(hosts + [host for host in (HOST, "localhost") if host not in hosts])


# --- Files of a sandbox ----------------------------------------------------------------------------


def _record(directory: Path) -> Path:
    return directory / "sandbox.json"


def _log(directory: Path) -> Path:
    return directory / "sandbox.log"


def _read(directory: Path) -> tuple[Sandbox, str] | None:
    """The record and its token; None when there is none or when nobody could have written it."""
    try:
        content = json.loads(_record(directory).read_text())
        started_at = datetime.fromisoformat(content["started_at"]).astimezone(UTC)
        sandbox = Sandbox(int(content["pid"]), int(content["port"]), started_at, directory)
        return sandbox, str(content["token"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Two starts at the same time make one sandbox."""
    with (directory / "sandbox.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- The server process ----------------------------------------------------------------------------


def _launch(directory: Path) -> Sandbox:
    _record(directory).unlink(missing_ok=True)
    command = [sys.executable, "-m", "orchestrator.sandbox.server", "--record", str(_record(directory))]
    with _log(directory).open("w") as log:
        server = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            env=_server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        sandbox = _wait_until_ready(directory, server)
    except BaseException:
        server.kill()
        server.wait()
        _record(directory).unlink(missing_ok=True)
        raise
    server.returncode = 0  # nobody waits for it here: it is meant to outlive us
    return sandbox


def _server_environment() -> dict[str, str]:
    """Ours, without anything that could lead to a real account or off this machine."""
    foreign = ("AWS_", "MOTO_")
    proxies = {*PROXY_VARIABLES, *(name.lower() for name in PROXY_VARIABLES)}
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign) and name not in proxies}


def _wait_until_ready(directory: Path, server: subprocess.Popen[bytes]) -> Sandbox:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        recorded = _read(directory)
        if recorded is not None and recorded[0].pid == server.pid:
            return recorded[0]
        if server.poll() is not None:
            raise _not_started(directory, f"ended with code {server.returncode}")
        time.sleep(0.05)
    raise _not_started(directory, f"was not ready after {START_SECONDS:.0f} s")


def _not_started(directory: Path, what: str) -> EnvctlError:
    last = _log(directory).read_text(errors="replace").strip().splitlines()[-1:]
    return EnvctlError(
        ExitCode.UNEXPECTED,
        f"The local AWS {what}" + (f": {last[0]}" if last else "."),
        f"See {_log(directory)}",
    )


def _identity(port: int) -> str | None:
    """What the server on this port says it is; None when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", IDENTITY_PATH)
        return connection.getresponse().read(100).decode("ascii", errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _end(sandbox: Sandbox) -> None:
    """Only after `find` said that this process is ours.

    Its silence tells that it has ended: the process itself may stay a zombie for as long as whoever
    inherited it likes.
    """
    for way in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(sandbox.pid, way)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if _identity(sandbox.port) is None:
                with contextlib.suppress(ChildProcessError):  # not our child, most of the time
                    os.waitpid(sandbox.pid, 0)
                return
            time.sleep(0.02)
