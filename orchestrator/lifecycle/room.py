"""Whether the account has room for one more environment, asked before the first of it is made."""

from __future__ import annotations

from orchestrator import quotas
from orchestrator.aws import quotas as account
from orchestrator.events import Notice
from orchestrator.lifecycle.context import Context


def refuse_without_quota(context: Context) -> None:
    """Raise NoRoom when a quota of the account is too small for another environment.

    What cannot be asked is told and stops nobody: AWS itself has the last word.
    """
    needed = quotas.needs(context.config, context.engine.modules())
    if not needed:
        return
    standings, unknown = account.standings(context.session, quotas.nat_zones(context.config))
    if unknown:
        context.emit(Notice(f"Not all quotas could be looked at: {' '.join(unknown)}"))
    shortages = quotas.compare(standings, needed)
    quotas.refuse(shortages, context.environment.region)
    for shortage in shortages:
        context.emit(Notice(f"There may be no room by AWS's default limits: {shortage}."))
