"""Stands in for terraform: its command line, JSON event stream, exit codes, state and lock; no provider, no cloud.

    fake_terraform.py DIRECTORY terraform's arguments ...

`DIRECTORY/scenario.json` says what the configuration holds and what goes wrong; every call is noted in
`DIRECTORY/calls.jsonl` when it begins and again when it ends. State and lock are objects in the real (emulated) bucket,
where `init` was told to keep them. The standard library only: it starts in a few milliseconds.

What is imitated was seen with Terraform 1.11.4: order and fields of the events, 0/1/2 of
`-detailed-exitcode`, the 412 of a held lock, one interrupt that saves the state, a second that loses it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sys
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, Signature=x"}
WAIT_S = 120.0  # for a gate: a test that hangs fails instead
LOCK_DETAIL = """\
Error message: operation error S3: PutObject, https response error StatusCode: 412, RequestID: , HostID: , api error \
PreconditionFailed: At least one of the pre-conditions you specified did not hold
Lock Info:
  ID:        {ID}
  Path:      {Path}
  Operation: {Operation}
  Who:       {Who}
  Version:   {Version}
  Created:   {Created}
  Info:      {Info}


Terraform acquires a state lock to protect the state from being written
by multiple users at the same time. Please resolve the issue above and try
again. For most commands, you can disable locking with the "-lock=false"
flag, but this is not recommended."""
VERBS = {"create": "Creation", "update": "Modifications", "delete": "Destruction"}

Plan = list[tuple[str, str]]  # (address, action), in order
State = dict[str, Any]


class Failed(Exception):
    """A command failed: its diagnostics."""

    def __init__(self, *diagnostics: dict[str, Any]) -> None:
        super().__init__()
        self.diagnostics = diagnostics


class Bucket:
    """The S3 backend: one object, and its lock."""

    def __init__(self, settings: dict[str, Any]) -> None:
        endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
        self._host, self._port = endpoint.hostname or "", endpoint.port
        self.path = f"{settings['bucket']}/{settings['key']}"

    def _request(self, method: str, name: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=WAIT_S)
        connection.request(method, f"/{name}", body, headers | SIGNED)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 204, 404, 412):
            raise Failed(_diagnostic("Failed to load state", f"S3 answered {answer.status}: {content.decode()}"))
        return answer.status, content

    def state(self) -> State:
        """The state, its resources by address: that is all that this program needs of them."""
        status, body = self._request("GET", self.path)
        if status != 200:
            return {"version": 4, "lineage": str(uuid.uuid4()), "serial": 0, "resources": {}, "outputs": {}}
        state = json.loads(body)
        return {**state, "resources": {r["address"]: r["is"] for r in state["resources"]}}

    def save(self, state: State) -> None:
        self.push(rendered(state))

    def push(self, body: bytes) -> None:
        self._request("PUT", self.path, body)

    def manifest(self) -> dict[str, Any] | None:
        """What envctl has written beside the state by now."""
        status, body = self._request("GET", self.path.rpartition("/")[0] + "/manifest.json")
        return json.loads(body) if status == 200 else None

    def lock(self, operation: str) -> None:
        info = {
            "ID": str(uuid.uuid4()),
            "Operation": operation,
            "Info": "",
            "Who": "fake@here",
            "Version": "1.11.4",
            "Created": datetime.now(UTC).isoformat(),
            "Path": self.path,
        }
        put = {"If-None-Match": "*"}
        if self._request("PUT", f"{self.path}.tflock", json.dumps(info).encode(), **put)[0] == 412:
            held = json.loads(self._request("GET", f"{self.path}.tflock")[1])
            raise Failed(_diagnostic("Error acquiring the state lock", LOCK_DETAIL.format_map(held)))

    def unlock(self) -> None:
        self._request("DELETE", f"{self.path}.tflock")


def rendered(state: State) -> bytes:
    """The state as Terraform writes it, in what its readers look at."""
    resources = [
        {
            "mode": "managed",
            "module": address.rpartition(".aws_")[0],
            "type": found["type"],
            "name": address.rpartition(".")[2],
            "address": address,
            "is": found,
            "instances": [
                {
                    "attributes": {"id": found.get("id", address), **found.get("values", {})},
                    "status": found.get("status"),
                }
            ],
        }
        for address, found in state["resources"].items()
    ]
    return json.dumps({**state, "serial": state["serial"] + 1, "resources": resources}).encode()


class Terraform:
    """One run of the program."""

    def __init__(self, directory: Path, arguments: list[str]) -> None:
        self.directory = directory
        self.scenario = json.loads((directory / "scenario.json").read_text())
        self.arguments = arguments
        self.command = arguments[0]
        self.flags = [word.lstrip("-") for word in arguments[1:] if word.startswith("-")]
        self.interrupts = 0
        self.data = Path(os.environ.get("TF_DATA_DIR", ".terraform"))
        signal.signal(signal.SIGINT, self._interrupted)
        self.note(began=True, argv=arguments, cwd=os.getcwd(), environ=dict(os.environ))

    def note(self, **what: Any) -> None:
        line = json.dumps({"pid": os.getpid(), "command": self.command, **what}) + "\n"
        with (self.directory / "calls.jsonl").open("a") as stream:
            stream.write(line)

    def exit(self, code: int, **what: Any) -> NoReturn:
        self.note(began=False, exit=code, interrupts=self.interrupts, **what)
        sys.stdout.flush()
        os._exit(code)

    def option(self, name: str) -> str | None:
        found = [flag.partition("=")[2] for flag in self.flags if flag.startswith(f"{name}=")]
        return found[-1] if found else None

    # --- The event stream --------------------------------------------------------------------------

    def say(self, message: str, kind: str, level: str = "info", **more: Any) -> None:
        head = {"@level": level, "@message": message, "@module": "terraform.ui"}
        head["@timestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        sys.stdout.write(json.dumps({**head, **more, "type": kind}) + "\n")
        sys.stdout.flush()

    def say_version(self) -> None:
        version = self.scenario["version"]
        flavour = self.scenario["flavour"]
        key = {"Terraform": "terraform", "OpenTofu": "tofu"}.get(flavour, flavour)
        self.say(f"{flavour} {version}", "version", **{key: version, "ui": self.scenario["ui"]})

    def say_plan(self, plan: Plan, state: State) -> None:
        for address, action in plan:
            self.say(
                f"{address}: Plan to {action}",
                "planned_change",
                change={"resource": self.resource(address, state), "action": action},
            )
        counts = {"add": 0, "change": 0, "import": 0, "remove": 0, "operation": "plan"}
        for _, action in plan:
            counts["add"] += action in ("create", "replace")
            counts["change"] += action == "update"
            counts["remove"] += action in ("delete", "replace")
        self.say("Plan: ...", "change_summary", changes=counts)

    def say_outputs(self, state: State) -> None:
        outputs = {}
        for name, output in self.scenario["outputs"].items():
            # The real one leaves a sensitive value out; a reader must not rely on that.
            outputs[name] = {"action": "noop", **output}
        self.say(f"Outputs: {len(outputs)}", "outputs", outputs=outputs)

    def resource(self, address: str, state: State) -> dict[str, Any]:
        known = self.scenario["resources"].get(address) or state["resources"].get(address) or {}
        module, _, name = address.rpartition(".aws_")
        return {
            "addr": address,
            "module": module,
            "resource": f"aws_{name}",
            "implied_provider": "aws",
            "resource_type": known.get("type", ""),
            "resource_name": name,
            "resource_key": None,
        }

    def say_hook(self, kind: str, address: str, action: str, state: State, seconds: int = 0) -> None:
        hook = {"resource": self.resource(address, state), "action": action}
        if kind != "apply_start":
            hook["elapsed_seconds"] = seconds
        self.say(f"{address}: {kind}", kind, hook=hook)

    # --- Commands ----------------------------------------------------------------------------------

    def run(self) -> NoReturn:
        if self.command == "version":
            print(f"{self.scenario['flavour']} v{self.scenario['version']}\non linux_amd64")
            self.exit(0)
        if self.command == "output":
            json.dump(self.backend().state()["outputs"], sys.stdout)
            self.exit(0)
        if self.arguments[:2] == ["state", "push"]:
            if "state" in self.scenario["crash"]:
                print(self.scenario["crash"]["state"], file=sys.stderr)
                self.exit(1)
            if self.scenario["unsaved"] == "always":
                print("Error: Failed to write state", file=sys.stderr)
                self.exit(1)
            self.backend().push(Path(self.arguments[-1]).read_bytes())
            self.exit(0)
        if self.command == "untaint":
            bucket = self.backend()
            state = bucket.state()
            state["resources"][self.arguments[-1]].pop("status")
            bucket.save(state)
            self.exit(0)
        if self.command not in ("init", "plan", "apply", "destroy"):
            print(f'Terraform has no command named "{self.command}".', file=sys.stderr)
            self.exit(1)
        print("There are some problems with the CLI configuration:", file=sys.stderr)  # as seen; not JSON
        sys.stderr.flush()
        self.say_version()
        if self.scenario["provider"] and self.command == "apply":
            self._start_provider()
        crash = self.scenario["crash"].get(self.command)
        if crash:
            sys.stderr.write(crash + "\n")
            self.exit(11)
        try:
            getattr(self, f"do_{self.command}")()
        except Failed as failed:
            for diagnostic in failed.diagnostics:
                self.say(f"Error: {diagnostic['summary']}", "diagnostic", "error", diagnostic=diagnostic)
            self.exit(1)
        raise AssertionError("every command ends in exit()")

    def _start_provider(self) -> None:
        """Leave a child that lives on when this is killed, as go-plugin makes one: its own streams, all else ours."""
        read, write = os.pipe()
        pid = os.fork()
        if pid:
            (self.directory / "provider").write_text(str(pid))
            return
        for stream in (0, 1, 2):
            os.dup2(write, stream)
        time.sleep(WAIT_S)
        os._exit(read)

    def do_init(self) -> NoReturn:
        self.say("Initializing the backend...", "init_output", message_code="initializing_backend_message")
        backend = self.option("backend-config")
        if backend is None:
            raise Failed(_diagnostic("Missing backend configuration", ""))
        self.gate("init")
        self._fail_if_told()
        lines = (line.split(" = ", 1) for line in Path(backend).read_text().splitlines())
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "terraform.tfstate").write_text(json.dumps({k: json.loads(v) for k, v in lines}))
        modules = [{"Key": "", "Source": "", "Dir": "."}, *self.scenario["modules"]]
        (self.data / "modules").mkdir(exist_ok=True)
        (self.data / "modules" / "modules.json").write_text(json.dumps({"Modules": modules}))
        self.exit(0)

    def do_plan(self) -> NoReturn:
        bucket = self.backend()
        with self.locked(bucket, "OperationTypePlan"):
            state = bucket.state()
            self._fail_if_told()
            plan = self.diff(state)
            self.say_plan(plan, state)
            self.gate("plan")
        code = 2 if plan and "detailed-exitcode" in self.flags else 0
        out = self.option("out")
        if out:
            # Truncated and written, as Terraform does: a file that is there keeps its mode.
            Path(out).write_text(json.dumps({"plan": plan, "secret": "kept in the clear"}))
        self.exit(code)

    def do_apply(self) -> NoReturn:
        bucket, saved = self.backend(), [word for word in self.arguments[1:] if not word.startswith("-")]
        manifest = bucket.manifest()
        with self.locked(bucket, "OperationTypeApply"):
            state = bucket.state()
            mode = None
            if saved:
                mode = Path(saved[0]).stat().st_mode & 0o777
                plan = json.loads(Path(saved[0]).read_text())["plan"]
            elif "auto-approve" in self.flags:
                plan = self.diff(state)
                self.say_plan(plan, state)
            else:
                raise Failed(_diagnostic("Plan file or auto-approve required", ""))
            self.carry_out(plan, bucket, state)
        self.say("Apply complete!", "change_summary", changes={"add": len(plan), "operation": "apply"})
        if self.scenario["die_at"] == "end":
            os.kill(os.getpid(), signal.SIGKILL)
        self.say_outputs(state)
        self.exit(0, manifest=manifest, plan_mode=mode)

    def do_destroy(self) -> NoReturn:
        bucket = self.backend()
        with self.locked(bucket, "OperationTypeApply"):
            state = bucket.state()
            plan = [(address, "delete") for address in reversed(state["resources"])]
            self.say_plan(plan, state)
            self.carry_out(plan, bucket, state)
        self.say("Destroy complete!", "change_summary", changes={"remove": len(plan), "operation": "destroy"})
        self.exit(0)

    def backend(self) -> Bucket:
        file = self.data / "terraform.tfstate"
        if not file.is_file():
            raise Failed(_diagnostic('Backend initialization required, please run "terraform init"', ""))
        return Bucket(json.loads(file.read_text()))

    @contextmanager
    def locked(self, bucket: Bucket, operation: str) -> Iterator[None]:
        if self.option("lock") == "false":
            yield
            return
        bucket.lock(operation)
        try:
            yield
        finally:
            bucket.unlock()

    def diff(self, state: State) -> Plan:
        wanted, there = self.scenario["resources"], state["resources"]
        plan: Plan = [(address, "delete") for address in there if address not in wanted]
        anew = [flag.removeprefix("replace=") for flag in self.flags if flag.startswith("replace=")]
        for address, resource in wanted.items():
            if address not in there:
                plan.append((address, "create"))
            elif address in anew:
                plan.append((address, "replace"))
            elif there[address] != resource:
                plan.append((address, "replace" if resource.get("replace") else "update"))
        return plan

    def carry_out(self, plan: Plan, bucket: Bucket, state: State) -> None:
        failure = self.scenario["fail"].get(self.command)
        for address, action in plan:
            steps = ("delete", "create") if action == "replace" else (action,)
            for step in steps:
                self.say_hook("apply_start", address, step, state)
                self.gate(address, lambda a=address, s=step: self.say_hook("apply_progress", a, s, state, 10))
                if self.scenario["die_at"] == address:
                    self.note(began=False, exit=-9, interrupts=0)
                    os.kill(os.getpid(), signal.SIGKILL)
                halt = self.interrupts and not self.scenario["deaf"]
                if halt or (failure and failure["address"] == address):
                    self.say_hook("apply_errored", address, step, state)
                    self._save_half(bucket, state)
                    halted = _diagnostic("execution halted", "", address)
                    raise Failed(halted if halt else _diagnostic(**failure))
                if step == "delete":
                    state["resources"].pop(address)
                else:
                    state["resources"][address] = self.scenario["resources"][address]
                self.say_hook("apply_complete", address, step, state, self.scenario["seconds"].get(address, 0))
        state["outputs"] = self.scenario["outputs"] if self.command == "apply" else {}
        if self.scenario["unsaved"]:
            Path("errored.tfstate").write_bytes(rendered(state))
            raise Failed(_diagnostic("Failed to save state", "Error saving state: 503"))
        bucket.save(state)

    def _save_half(self, bucket: Bucket, state: State) -> None:
        if self.interrupts:
            (self.directory / "saving").touch()
            self._wait_for("save")
        bucket.save(state)

    def _fail_if_told(self) -> None:
        failure = self.scenario["fail"].get(self.command)
        if failure:
            raise Failed(_diagnostic(**failure))

    # --- Gates and interrupts ----------------------------------------------------------------------

    def gate(self, place: str, meanwhile: Any = None) -> None:
        """At the place that the scenario names: say that it is reached, and wait until told to go on."""
        if self.scenario["gate"] != place:
            return
        if meanwhile:
            meanwhile()
        (self.directory / "reached").touch()
        self._wait_for("go", or_interrupt=not self.scenario["deaf"])

    def _wait_for(self, name: str, or_interrupt: bool = False) -> None:
        deadline = time.monotonic() + WAIT_S
        while not (self.directory / name).exists() and not (or_interrupt and self.interrupts):
            if time.monotonic() > deadline:
                self.exit(99, hung=name)
            time.sleep(0.01)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self.interrupts += 1
        if self.interrupts > 1:
            print("Two interrupts received. Exiting immediately. Note that data loss may have occurred.", flush=True)
            self.exit(1, lost_state=True)


def _diagnostic(summary: str, detail: str, address: str | None = None) -> dict[str, Any]:
    return {"severity": "error", "summary": summary, "detail": detail} | ({"address": address} if address else {})


if __name__ == "__main__":
    if not re.fullmatch(r"[a-z]+", sys.argv[2]):
        sys.exit("a command was expected")
    Terraform(Path(sys.argv[1]), sys.argv[2:]).run()
