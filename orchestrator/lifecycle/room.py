"""Whether the account has room for more environments, asked before the first thing of one is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from orchestrator import quotas
from orchestrator.aws import quotas as account
from orchestrator.aws.session import Session
from orchestrator.config import Config
from orchestrator.events import Event, Notice
from orchestrator.lifecycle.context import Context
from orchestrator.quotas import Quota, Shortage, Standing


@dataclass(frozen=True)
class Room:
    """How an account stands, and what one environment takes of it."""

    standings: Mapping[Quota, Standing]
    needed: Mapping[Quota, int]
    region: str

    def shortages(self, environments: int = 1) -> list[Shortage]:
        """Return the quotas that so many more environments do not fit in."""
        needed = {quota: number * environments for quota, number in self.needed.items()}
        return quotas.compare(self.standings, needed)

    def refuse(self, environments: int = 1) -> None:
        """Raise NoRoom when a quota is certainly too small for so many more environments."""
        quotas.refuse(self.shortages(environments), self.region)


def look(
    config: Config, session: Session, region: str, modules: Collection[str], emit: Callable[[Event], None]
) -> Room:
    """Ask the account; `modules` are those of envctl's own that an environment is made of.

    What cannot be asked is told and stops nobody: AWS itself has the last word.
    """
    needed = quotas.needs(config, modules)
    if not needed:
        return Room({}, {}, region)
    standings, unknown = account.standings(session, quotas.nat_zones(config))
    if unknown:
        emit(Notice(f"Not all quotas could be looked at: {' '.join(unknown)}"))
    return Room(standings, needed, region)


def refuse_without_quota(context: Context) -> None:
    """Raise NoRoom when a quota of the account is too small for another environment."""
    region, modules = context.environment.region, context.engine.modules()
    room = look(context.config, context.session, region, modules, context.emit)
    room.refuse()
    for shortage in room.shortages():
        context.emit(Notice(f"There may be no room by AWS's default limits: {shortage}."))
