"""Comments of ours on a pull request: each has a hidden marker and exists once, whoever races."""

from __future__ import annotations

from orchestrator.github.session import Item, Session, field


def ensure(session: Session, number: int, body: str, marker: str) -> str:
    """Make `body` the one comment of ours with `marker`, and return its URL.

    Two that were made at the same moment are folded into the older one by the next call. What others
    write is never touched, marker or not.
    """
    body = body if _is_marked(body, marker) else f"{body}\n\n{marker}"
    me = session.me()
    ours = [found for found in session.pages(f"/issues/{number}/comments") if _is_ours(found, me, marker)]
    if not ours:
        return field(session.post(f"/issues/{number}/comments", {"body": body}), "html_url", str)
    oldest, *doubles = sorted(ours, key=lambda found: field(found, "id", int))
    if _text(oldest["body"]) != _text(body):
        session.patch(f"/issues/comments/{oldest['id']}", {"body": body})
    for double in doubles:
        session.delete(f"/issues/comments/{double['id']}")
    return field(oldest, "html_url", str)


def react(session: Session, comment: int, content: str) -> None:
    """Put a reaction on a comment; GitHub itself makes no second one of a kind."""
    session.post(f"/issues/comments/{comment}/reactions", {"content": content})


def _is_ours(comment: Item, me: str, marker: str) -> bool:
    user = comment.get("user")
    return isinstance(user, dict) and user.get("login") == me and _is_marked(comment.get("body"), marker)


def _is_marked(body: object, marker: str) -> bool:
    """Return whether the last line begins with the marker: what stands above may be quoted from anyone."""
    return isinstance(body, str) and _text(body).rpartition("\n")[2].startswith(marker)


def _text(body: str) -> str:
    """Return a body as it was written: browsers send other line ends, and space at the end says nothing."""
    return body.replace("\r\n", "\n").strip()
