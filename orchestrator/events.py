"""What happens while an operation runs: our own steps, and Terraform's JSON event stream.

The stream is folded into a `Run`; the format is described under "Machine-Readable UI" in Terraform's
documentation. Unknown fields and types are ignored, an unknown major version is refused.
"""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.secrecy import without

UI_MAJOR = "1"


@dataclass(frozen=True)
class Step:
    """A step of the operation begins (`seconds` is None) or has ended after that many seconds."""

    name: str
    text: str
    seconds: float | None = None


@dataclass(frozen=True)
class Notice:
    """Something that a person should know at once."""

    text: str


@dataclass(frozen=True)
class Resource:
    """A resource is planned, under way, done, or has failed; `elapsed_s` is in seconds."""

    phase: Literal["planned", "started", "progress", "done", "failed"]
    address: str
    type: str
    action: str
    elapsed_s: float = 0.0


Event = Step | Notice | Resource


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning of Terraform's."""

    severity: str
    summary: str
    detail: str
    address: str | None


@dataclass(frozen=True)
class Changes:
    """How many resources a plan adds, changes in place, replaces and destroys."""

    add: int = 0
    change: int = 0
    replace: int = 0
    destroy: int = 0

    def __bool__(self) -> bool:
        return bool(self.add or self.change or self.replace or self.destroy)


@dataclass
class Run:
    """One Terraform command: what its stream has said so far, and in the end its exit code.

    `complete`: it said that everything is applied, or destroyed, which it does when the state is saved.
    `hidden` are the secrets that it may repeat and nobody is to read.
    """

    exit_code: int = -1
    interrupted: bool = False
    complete: bool = False
    version: str | None = None
    planned: dict[str, Resource] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    output_changes: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)
    hidden: tuple[str, ...] = ()
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    _done: dict[str, Resource] = field(default_factory=dict)

    @property
    def changes(self) -> Changes:
        """The plan in numbers; reading a data source is no change."""
        actions = [resource.action for resource in self.planned.values()]
        return Changes(
            actions.count("create"),
            actions.count("update"),
            actions.count("replace"),
            actions.count("delete"),
        )

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.diagnostics if d.severity == "error"]

    def feed(self, line: str) -> Resource | None:
        """Take one line of the stream; return what it says of a resource, if anything.

        Lines that are not JSON objects (warnings about the CLI configuration, a crash) are kept for
        the error message. Raises EnvctlError when the stream has another major version.
        """
        event = _object(line)
        if event is None:
            if line.strip():
                self.tail.append(without(line.rstrip(), self.hidden))
            return None
        kind = event.get("type")
        if kind == "version":
            _check_version(str(event.get("ui", "")))
            flavour, number = ("OpenTofu", event["tofu"]) if "tofu" in event else ("Terraform", event.get("terraform"))
            self.version = f"{flavour} {number}" if number else None
        elif kind == "diagnostic":
            self._diagnose(event.get("diagnostic"))
        elif kind == "outputs":
            self._output(event.get("outputs"))
        elif kind == "change_summary":
            changes = event.get("changes")
            self.complete = isinstance(changes, dict) and changes.get("operation") in ("apply", "destroy")
        elif kind == "planned_change":
            return self._plan(event.get("change"))
        elif isinstance(kind, str) and kind in _PHASES:
            return self._progress(_PHASES[kind], event.get("hook"))
        return None

    def _diagnose(self, given: Any) -> None:
        if not isinstance(given, dict):
            return
        found = Diagnostic(
            str(given.get("severity", "error")),
            without(str(given.get("summary", "")), self.hidden),
            without(str(given.get("detail", "")), self.hidden),
            str(given["address"]) if given.get("address") else None,
        )
        if found not in self.diagnostics:  # `apply` reports the errors of a resource once more at the end
            self.diagnostics.append(found)

    def _output(self, given: Any) -> None:
        for name, output in given.items() if isinstance(given, dict) else ():
            if not isinstance(output, dict):
                continue
            if output.get("action", "noop") != "noop":
                self.output_changes = True
            # A sensitive value is dropped here, at the door: nothing behind it can leak it.
            if not output.get("sensitive") and "value" in output:
                self.outputs[str(name)] = output["value"]

    def _plan(self, given: Any) -> Resource | None:
        resource = _resource("planned", given)
        if resource is None or resource.action in ("noop", "read"):
            return None
        self.planned[resource.address] = resource
        return resource

    def _progress(self, phase: Literal["started", "progress", "done", "failed"], given: Any) -> Resource | None:
        resource = _resource(phase, given)
        if resource is None or resource.action in ("noop", "read"):
            return None
        if phase == "done":
            half = self._done.get(resource.address)
            if half:  # the second half of a replacement, whichever came first: both halves' time counts
                resource = replace(resource, action="replace", elapsed_s=half.elapsed_s + resource.elapsed_s)
            self._done[resource.address] = resource
        self.resources[resource.address] = resource
        return resource


_PHASES: dict[str, Literal["started", "progress", "done", "failed"]] = {
    "apply_start": "started",
    "apply_progress": "progress",
    "apply_complete": "done",
    "apply_errored": "failed",
}


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _resource(phase: Literal["planned", "started", "progress", "done", "failed"], given: Any) -> Resource | None:
    if not isinstance(given, dict) or not isinstance(given.get("resource"), dict):
        return None
    address = given["resource"].get("addr")
    if not isinstance(address, str):
        return None
    return Resource(
        phase,
        address,
        str(given["resource"].get("resource_type", "")),
        str(given.get("action", "")),
        _seconds(given.get("elapsed_seconds")),
    )


def _seconds(given: Any) -> float:
    try:
        return float(given) if isinstance(given, int | float) and math.isfinite(given) else 0.0
    except OverflowError:  # JSON's integers have no bound
        return 0.0


def _check_version(ui: str) -> None:
    if ui.partition(".")[0] != UI_MAJOR:
        raise EnvctlError(
            ExitCode.TERRAFORM,
            f"This Terraform speaks version {ui or 'unknown'} of its JSON event stream; "
            f"envctl understands {UI_MAJOR}.x.",
            "Use an older Terraform, or update envctl.",
        )
