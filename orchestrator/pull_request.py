"""What is believed of a pull request: its number, its head commit, and what GitHub itself says of its standing.

No title, branch, body or login: nothing that its author writes freely gets past the room that reads it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PullRequest:
    """A pull request as it is at the moment of asking.

    `fork`: its head lies in another repository. `bot`: its author is an app (Dependabot, say).
    `labelled`: it carries the configured label. `approved`: somebody with write access put that label on
    this very `head` commit; a later push takes that away.
    """

    number: int
    open: bool
    head: str
    draft: bool = False
    fork: bool = False
    bot: bool = False
    labelled: bool = False
    approved: bool = False
