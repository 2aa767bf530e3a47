"""What the people of a pull request are told of its environment: one value for the comment, the deployment,
the job summary and the annotations. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from orchestrator.identity import Environment
from orchestrator.manifest import Manifest
from orchestrator.outcome import Outcome

State = Literal[
    "creating", "updating", "ready", "unhealthy", "failed", "paused", "destroying", "destroyed", "refused", "waiting"
]


@dataclass(frozen=True)
class Announcement:
    """The environment of a pull request has got to `state`.

    `manifest` is its record (None when there is none), `outcome` the operation that ended in this state
    (None while it is under way), `reason` and `hint` why it is so and what a person can do. `usual_s` is how
    long what is under way usually takes, in seconds. `run_url` is the page of the job that says so.
    """

    state: State
    environment: Environment
    at: datetime
    commit: str | None = None
    manifest: Manifest | None = None
    outcome: Outcome | None = None
    reason: str = ""
    hint: str = ""
    usual_s: float | None = None
    run_url: str | None = None
