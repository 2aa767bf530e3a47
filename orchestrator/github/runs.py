"""Workflow runs: whether the one that left a lock behind is still there to remove it."""

from __future__ import annotations

from orchestrator.github.failures import Refused
from orchestrator.github.session import Session, field


def is_over(session: Session, run: int, attempt: int | None) -> bool | None:
    """Return whether that attempt (None: the newest) has ended; None when GitHub does not know."""
    try:
        answer = session.get(f"/actions/runs/{run}")
    except Refused as refused:
        if refused.status == 404:
            return None
        raise
    newest = field(answer, "run_attempt", int)
    if attempt is None or attempt == newest:
        return field(answer, "status", str) == "completed"
    # A run is started again only after it has ended.
    return True if attempt < newest else None
