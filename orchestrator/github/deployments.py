"""Deployments: the "View deployment" button of a pull request.

GitHub keeps them in the order of their making, each with a history of statuses. The newest one is what is
there now; all before it have ended, or are about to.
"""

from __future__ import annotations

from typing import Literal

from orchestrator.github.failures import Refused, is_limit
from orchestrator.github.session import Item, Session, field

State = Literal["in_progress", "success", "failure"]
_ENVIRONMENT = "preview"
_ENDED = "inactive"


def announce(session: Session, number: int, commit: str, state: State, url: str | None, log_url: str | None) -> None:
    """Make the newest deployment one of `commit` in `state`; with a success all before it have ended."""
    found = _all(session, number)
    newest, status = (found[0], _status(session, found[0])) if found else ({}, {})
    if newest.get("sha") != commit or status.get("state") == _ENDED:
        newest, status = _create(session, number, commit), {}
    # Not log_url: the next run that finds all as it is has nothing to say.
    if (status.get("state"), status.get("environment_url") or None) != (state, url):
        _add_status(session, newest, state, url, log_url)
    if state == "success":
        _end(session, [other for other in found if other["id"] != newest["id"]])


def remove(session: Session, number: int) -> None:
    """End and delete all deployments of a pull request; one that GitHub does not delete stays, ended."""
    for deployment in reversed(_all(session, number)):
        if _status(session, deployment).get("state") != _ENDED:
            _add_status(session, deployment, _ENDED)
        try:
            session.delete(f"/deployments/{deployment['id']}")
        except Refused as refused:
            if refused.status not in (403, 422) or is_limit(refused):
                raise
            # It is active for GitHub all the same, or deleting is not permitted.


def _all(session: Session, number: int) -> list[Item]:
    """Return the deployments of a pull request, newest first."""
    task = _task(number)
    found = session.pages("/deployments", task=task, environment=_ENVIRONMENT)
    # Looked at once more: what is found here is deleted in the end.
    ours = [one for one in found if one.get("task") == task and one.get("environment") == _ENVIRONMENT]
    return sorted(ours, key=lambda one: field(one, "id", int), reverse=True)


def _create(session: Session, number: int, commit: str) -> Item:
    return session.post(
        "/deployments",
        {
            "ref": commit,
            "task": _task(number),
            "environment": _ENVIRONMENT,
            "description": f"The environment of pull request {number}",
            "transient_environment": True,
            "production_environment": False,
            "auto_merge": False,
            "required_contexts": [],
        },
    )


def _end(session: Session, newest_first: list[Item]) -> None:
    """End these. Behind one that has ended all have, as the oldest is ended first: those are not asked about."""
    active: list[Item] = []
    for deployment in newest_first:
        if _status(session, deployment).get("state") == _ENDED:
            break
        active.append(deployment)
    for deployment in reversed(active):
        _add_status(session, deployment, _ENDED)


def _status(session: Session, deployment: Item) -> Item:
    """Return the newest status; an empty one when there is none."""
    statuses = session.pages(f"/deployments/{field(deployment, 'id', int)}/statuses")
    return max(statuses, key=lambda status: field(status, "id", int), default={})


def _add_status(
    session: Session, deployment: Item, state: str, url: str | None = None, log_url: str | None = None
) -> None:
    links = {key: value for key, value in (("environment_url", url), ("log_url", log_url)) if value}
    body = {"state": state, "auto_inactive": False, **links}
    session.post(f"/deployments/{field(deployment, 'id', int)}/statuses", body)


def _task(number: int) -> str:
    return f"envctl:pr-{number}"
