"""The part of GitHub's REST API that envctl uses: what is asked, refused and answered.

Each handler is a function of a call; the world is locked around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .shapes import Json, Shapes
from .world import Person, Reaction, Status, World

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
COMMIT_STATES = ("error", "failure", "pending", "success")
DEPLOYMENT_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
BODY_CHARACTERS = 65_536


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if errors is not None:
            self.body["errors"] = errors
        self.body["status"] = str(status)


@dataclass(frozen=True)
class Call:
    """A request of somebody's, `path` below the repository."""

    world: World
    shapes: Shapes
    viewer: Person
    method: str
    path: str
    query: dict[str, str]
    body: Json


@dataclass(frozen=True)
class Answer:
    """A status and JSON. `items` are a listing that is given page by page, at `key` of the JSON if there is one."""

    status: int = 200
    json: Any = None
    items: list[Json] | None = None
    key: str | None = None


Handler = Callable[..., Answer]
_ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def add(handler: Handler) -> Handler:
        _ROUTES.append((method, pattern, handler))
        return handler

    return add


def answer(call: Call) -> Answer:
    """Do what is asked. Raises Refusal."""
    for method, pattern, handler in _ROUTES:
        found = pattern.fullmatch(call.path)
        if found and method == call.method:
            return handler(call, **found.groupdict())
    raise not_found()


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def _invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> Refusal:
    error = {"resource": resource, "code": code, "field": field}
    return Refusal(422, "Validation Failed", [{**error, "message": message} if message else error])


def _known(things: dict[int, Any], number: str) -> Any:
    found = things.get(int(number)) if number.isdecimal() else None
    if found is None:
        raise not_found()
    return found


def _newest_first(things: Iterable[Any]) -> list[Any]:
    return sorted(things, key=lambda thing: thing.id, reverse=True)


@route("GET", "")
def get_repository(call: Call) -> Answer:
    return Answer(json=call.shapes.repository())


# --- Pull requests and people ---


@route("GET", "/pulls")
def list_pulls(call: Call) -> Answer:
    state = call.query.get("state", "open")
    found = [pull for pull in call.world.pulls.values() if state in ("all", pull.state)]
    by = {"created": "created_at", "updated": "updated_at"}[call.query.get("sort", "created")]
    found.sort(key=lambda pull: (getattr(pull, by), pull.number), reverse=call.query.get("direction") != "asc")
    return Answer(items=[call.shapes.pull(pull) for pull in found])


@route("GET", "/pulls/{number}")
def get_pull(call: Call, number: str) -> Answer:
    return Answer(json=call.shapes.pull(_known(call.world.pulls, number)))


@route("GET", "/collaborators/{login}/permission")
def get_permission(call: Call, login: str) -> Answer:
    person = call.world.people.get(login)
    if person is None:
        raise Refusal(404, f"{login} is not a user")
    # A maintainer is a writer in the older of the two words.
    permission = "write" if person.permission == "maintain" else person.permission
    user = call.shapes.person(person)
    return Answer(json={"permission": permission, "role_name": person.permission, "user": user})


# --- Comments ---


@route("GET", "/issues/{number}/comments")
def list_comments(call: Call, number: str) -> Answer:
    pull = _known(call.world.pulls, number)
    return Answer(items=[call.shapes.comment(found) for found in call.world.comments_on(pull.number)])


@route("POST", "/issues/{number}/comments")
def create_comment(call: Call, number: str) -> Answer:
    pull = _known(call.world.pulls, number)
    made = call.world.comment(pull.number, _comment_body(call), call.viewer.login)
    return Answer(201, call.shapes.comment(made))


@route("GET", "/issues/comments/{comment}")
def get_comment(call: Call, comment: str) -> Answer:
    return Answer(json=call.shapes.comment(_known(call.world.comments, comment)))


@route("PATCH", "/issues/comments/{comment}")
def edit_comment(call: Call, comment: str) -> Answer:
    found = _known(call.world.comments, comment)
    _own(call, found.author)
    found.body, found.updated_at = _comment_body(call), call.world.now()
    return Answer(json=call.shapes.comment(found))


@route("DELETE", "/issues/comments/{comment}")
def delete_comment(call: Call, comment: str) -> Answer:
    found = _known(call.world.comments, comment)
    _own(call, found.author)
    del call.world.comments[found.id]
    return Answer(204)


def _comment_body(call: Call) -> str:
    body = call.body.get("body")
    if not isinstance(body, str) or not body.strip():
        raise _invalid("IssueComment", "body", "missing_field")
    if len(body) > BODY_CHARACTERS:
        raise _invalid("IssueComment", "body", "custom", f"body is too long (maximum is {BODY_CHARACTERS} characters)")
    return body


def _own(call: Call, author: Person | None) -> None:
    # People who may write may edit what others wrote, apps may not.
    if author is not call.viewer and call.viewer.permission not in ("write", "maintain", "admin"):
        raise Refusal(403, "Resource not accessible by integration")


@route("POST", "/issues/comments/{comment}/reactions")
def create_reaction(call: Call, comment: str) -> Answer:
    found, content = _known(call.world.comments, comment), call.body.get("content")
    if content not in REACTIONS:
        raise _invalid("Reaction", "content")
    for reaction in found.reactions:
        if (reaction.author, reaction.content) == (call.viewer, content):
            return Answer(200, call.shapes.reaction(reaction))
    made = Reaction(call.world.next_id(), call.viewer, content, call.world.now())
    found.reactions.append(made)
    return Answer(201, call.shapes.reaction(made))


# --- Statuses of commits ---


@route("POST", "/statuses/{commit}")
def create_commit_status(call: Call, commit: str) -> Answer:
    if commit not in call.world.commits:
        raise Refusal(422, f"No commit found for SHA: {commit}")
    if call.body.get("state") not in COMMIT_STATES:
        raise _invalid("Status", "state", "missing_field")
    status = call.world.check(commit, call.body.get("context", "default"), call.body["state"], call.viewer.login)
    status.description = call.body.get("description")
    return Answer(201, call.shapes.commit_status(status, commit))


@route("GET", "/commits/{commit}/statuses")
def list_commit_statuses(call: Call, commit: str) -> Answer:
    found = _newest_first(call.world.statuses.get(commit, ()))
    return Answer(items=[call.shapes.commit_status(status, commit) for status in found])


@route("GET", "/commits/{commit}/status")
def get_combined_status(call: Call, commit: str) -> Answer:
    if commit not in call.world.commits:
        raise Refusal(422, f"No commit found for SHA: {commit}")
    newest = {status.context: status for status in call.world.statuses.get(commit, ())}
    states = {status.state for status in newest.values()}
    state = "failure" if states & {"error", "failure"} else "pending" if states != {"success"} else "success"
    json = {"state": state, "sha": commit, "total_count": len(newest), "repository": call.shapes.repository()}
    return Answer(json=json, items=[call.shapes.commit_status(s, commit) for s in newest.values()], key="statuses")


# --- Deployments ---


@route("GET", "/deployments")
def list_deployments(call: Call) -> Answer:
    found = _newest_first(call.world.deployments.values())
    for name in ("sha", "ref", "task", "environment"):
        wanted = call.query.get(name, "none")
        found = [one for one in found if wanted in ("none", getattr(one, name))]
    return Answer(items=[call.shapes.deployment(one) for one in found])


@route("POST", "/deployments")
def create_deployment(call: Call) -> Answer:
    body, ref = call.body, call.body.get("ref")
    if not ref:
        raise _invalid("Deployment", "ref", "missing_field")
    if ref not in call.world.commits:
        raise Refusal(422, f"No ref found for: {ref}")
    if body.get("auto_merge", True):
        return Answer(202, {"message": f"Auto-merged main into {ref} on deployment."})
    contexts = {status.context: status.state for status in call.world.statuses.get(ref, ())}
    required = body.get("required_contexts")
    if any(contexts.get(name) != "success" for name in (contexts if required is None else required)):
        raise Refusal(409, f"Conflict: Commit status checks failed for {ref}", [{"contexts": []}])
    task, environment = body.get("task", "deploy"), body.get("environment", "production")
    made = call.world.deploy(ref, task, environment, call.viewer.login)
    made.production = body.get("production_environment", made.production)
    made.transient, made.description = body.get("transient_environment", False), body.get("description")
    return Answer(201, call.shapes.deployment(made))


@route("DELETE", "/deployments/{deployment}")
def delete_deployment(call: Call, deployment: str) -> Answer:
    found = _known(call.world.deployments, deployment)
    if len(call.world.deployments) > 1 and found.state in (None, "success", "in_progress", "queued", "pending"):
        raise Refusal(
            422, "We cannot delete an active deployment unless it is the only deployment in a given repository."
        )
    del call.world.deployments[found.id]
    return Answer(204)


@route("GET", "/deployments/{deployment}/statuses")
def list_deployment_statuses(call: Call, deployment: str) -> Answer:
    found = _known(call.world.deployments, deployment)
    return Answer(items=[call.shapes.deployment_status(status, found) for status in _newest_first(found.statuses)])


@route("POST", "/deployments/{deployment}/statuses")
def create_deployment_status(call: Call, deployment: str) -> Answer:
    found, body = _known(call.world.deployments, deployment), call.body
    if body.get("state") not in DEPLOYMENT_STATES:
        raise _invalid("DeploymentStatus", "state", "missing_field")
    for name in ("environment_url", "log_url"):
        if body.get(name) and not re.match(r"https?://", body[name]):
            raise _invalid("DeploymentStatus", name, "custom", f"{name} must use http(s) scheme")
    made = Status(
        call.world.next_id(), call.viewer, body["state"], call.world.now(), description=body.get("description")
    )
    made.environment_url, made.log_url = body.get("environment_url") or "", body.get("log_url") or ""
    found.statuses.append(made)
    if made.state == "success" and body.get("auto_inactive", True):
        for other in call.world.deployments.values():
            if (
                other is not found
                and other.environment == found.environment
                and not (other.transient or other.production)
            ):
                other.statuses.append(Status(call.world.next_id(), call.viewer, "inactive", call.world.now()))
    return Answer(201, call.shapes.deployment_status(made, found))


# --- Workflow runs ---


@route("GET", "/actions/runs/{run}")
def get_run(call: Call, run: str) -> Answer:
    return Answer(json=call.shapes.run(_known(call.world.runs, run)))
