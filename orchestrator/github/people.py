"""What a person may do in the repository."""

from __future__ import annotations

import re
from urllib.parse import quote

from orchestrator.github.failures import Refused
from orchestrator.github.session import Session

# Letters, digits and hyphens; an underscore where a company manages its accounts; apps end in [bot].
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?")
# Roles of an organisation's own come with the one of these that they are built on.
_WRITES = frozenset({"write", "maintain", "admin"})


def may_write(session: Session, login: str) -> bool:
    """Return whether `login` may push; nobody may under a name that GitHub gives to no one."""
    if not _LOGIN.fullmatch(login):
        return False
    try:
        answer = session.get(f"/collaborators/{quote(login, safe='')}/permission")
    except Refused as refused:
        if refused.status != 404:
            raise
        session.get("")  # a repository that the token may not see answers 404 for all that is in it
        return False
    return answer.get("permission") in _WRITES
