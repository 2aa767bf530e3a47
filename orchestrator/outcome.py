"""What an operation came to, as one frozen value: the edge renders it, nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orchestrator.cost import Cost
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Changes, Resource
from orchestrator.identity import Environment
from orchestrator.manifest import Manifest, PinnedSnapshot


@dataclass(frozen=True)
class Leftover:
    """Something that the account still holds for an environment that should be gone."""

    arn: str
    type: str
    why: str


@dataclass(frozen=True)
class Check:
    """One finding of `doctor`; `code` is what the process ends with when it is not ok."""

    name: str
    ok: bool
    detail: str
    hint: str = ""
    code: ExitCode = ExitCode.USAGE


@dataclass(frozen=True)
class Decided:
    """What `sync` made of one pull request: the action, why, what a person can do, and how it ended."""

    environment: Environment
    action: str
    reason: str
    hint: str = ""
    manifest: Manifest | None = None
    status: str | None = None
    exit_code: ExitCode = ExitCode.DONE


@dataclass(frozen=True)
class Outcome:
    """The result of one command. Parts that a command does not have stay None or empty."""

    command: str
    environment: Environment | None = None
    manifest: Manifest | None = None
    status: str | None = None
    snapshot: PinnedSnapshot | None = None
    changes: Changes | None = None
    resources: tuple[Resource, ...] | None = None
    outputs: dict[str, Any] | None = None
    timings: dict[str, float] | None = None
    cost: Cost | None = None
    left: tuple[Leftover, ...] | None = None
    environments: tuple[tuple[Environment, Manifest], ...] | None = None
    checks: tuple[Check, ...] | None = None
    decisions: tuple[Decided, ...] | None = None
    notes: tuple[str, ...] = field(default=())
    error: EnvctlError | None = None
    exit_code: ExitCode = ExitCode.DONE

    @property
    def ok(self) -> bool:
        return self.error is None and self.exit_code in (ExitCode.DONE, ExitCode.CHANGES)
