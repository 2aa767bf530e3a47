"""The JSON of what is on this GitHub, as far as anyone reads it."""

from __future__ import annotations

from typing import Any

from .world import Comment, Deployment, Person, Pull, Reaction, Run, Status, World

Json = dict[str, Any]


class Shapes:
    """`api` is the address of the REST API, without a slash at its end."""

    def __init__(self, world: World, api: str) -> None:
        self.world = world
        self.api = api

    @property
    def root(self) -> str:
        return f"{self.api}/repos/{self.world.repository}"

    @property
    def page(self) -> str:
        return f"https://github.test/{self.world.repository}"

    def person(self, person: Person | None) -> Json | None:
        if person is None:
            return None
        return {"login": person.login, "id": person.id, "node_id": _node("U", person.id), "type": person.kind}

    def repository(self) -> Json:
        owner, name = self.world.repository.split("/")
        return {
            "id": self.world.repository_id,
            "node_id": _node("R", self.world.repository_id),
            "name": name,
            "full_name": self.world.repository,
            "private": True,
            "owner": {"login": owner, "id": 1, "type": "Organization"},
            "html_url": self.page,
            "url": self.root,
            "fork": False,
            "default_branch": "main",
        }

    def _head_repository(self, pull: Pull) -> Json | None:
        if pull.head_repository == self.world.repository_id:
            return self.repository()
        if pull.head_repository is None:
            return None
        login = pull.author.login if pull.author else "ghost"
        fork = {"id": pull.head_repository, "full_name": f"{login}/{self.repository()['name']}", "fork": True}
        return {**self.repository(), **fork, "owner": self.person(pull.author)}

    def pull(self, pull: Pull) -> Json:
        author = self.person(pull.author)
        owner = self.world.repository.split("/")[0]
        return {
            "url": f"{self.root}/pulls/{pull.number}",
            "id": pull.id,
            "node_id": _node("PR", pull.id),
            "html_url": f"{self.page}/pull/{pull.number}",
            "issue_url": f"{self.root}/issues/{pull.number}",
            "comments_url": f"{self.root}/issues/{pull.number}/comments",
            "statuses_url": f"{self.root}/statuses/{pull.head}",
            "number": pull.number,
            "state": pull.state,
            "locked": False,
            "title": pull.title,
            "user": author,
            "body": pull.body,
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged_at,
            "merged": pull.merged_at is not None,
            "draft": pull.draft,
            "labels": [
                {"id": index, "name": name, "color": "ededed", "default": False, "description": None}
                for index, name in enumerate(pull.labels, 1)
            ],
            "head": {
                "label": f"{author['login'] if author else 'ghost'}:{pull.branch}",
                "ref": pull.branch,
                "sha": pull.head,
                "user": author,
                "repo": self._head_repository(pull),
            },
            "base": {
                "label": f"{owner}:main",
                "ref": "main",
                "sha": "0" * 40,
                "user": {"login": owner, "id": 1, "type": "Organization"},
                "repo": self.repository(),
            },
            "author_association": "CONTRIBUTOR",
        }

    def comment(self, comment: Comment) -> Json:
        return {
            "id": comment.id,
            "node_id": _node("IC", comment.id),
            "url": f"{self.root}/issues/comments/{comment.id}",
            "html_url": f"{self.page}/pull/{comment.number}#issuecomment-{comment.id}",
            "issue_url": f"{self.root}/issues/{comment.number}",
            "user": self.person(comment.author),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "author_association": "NONE",
            "body": comment.body,
        }

    def reaction(self, reaction: Reaction) -> Json:
        return {
            "id": reaction.id,
            "node_id": _node("REA", reaction.id),
            "user": self.person(reaction.author),
            "content": reaction.content,
            "created_at": reaction.created_at,
        }

    def commit_status(self, status: Status, commit: str) -> Json:
        return {
            "url": f"{self.root}/statuses/{commit}",
            "id": status.id,
            "node_id": _node("SC", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": None,
            "context": status.context,
            "created_at": status.created_at,
            "updated_at": status.created_at,
            "creator": self.person(status.author),
        }

    def deployment(self, deployment: Deployment) -> Json:
        url = f"{self.root}/deployments/{deployment.id}"
        return {
            "url": url,
            "id": deployment.id,
            "node_id": _node("DE", deployment.id),
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": {},
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.person(deployment.author),
            "created_at": deployment.created_at,
            "updated_at": deployment.statuses[-1].created_at if deployment.statuses else deployment.created_at,
            "statuses_url": f"{url}/statuses",
            "repository_url": self.root,
            "transient_environment": deployment.transient,
            "production_environment": deployment.production,
        }

    def deployment_status(self, status: Status, deployment: Deployment) -> Json:
        return {
            "url": f"{self.root}/deployments/{deployment.id}/statuses/{status.id}",
            "id": status.id,
            "node_id": _node("DES", status.id),
            "state": status.state,
            "creator": self.person(status.author),
            "description": status.description or "",
            "environment": deployment.environment,
            "target_url": status.log_url,
            "created_at": status.created_at,
            "updated_at": status.created_at,
            "deployment_url": f"{self.root}/deployments/{deployment.id}",
            "repository_url": self.root,
            "environment_url": status.environment_url,
            "log_url": status.log_url,
        }

    def run(self, run: Run) -> Json:
        return {
            "id": run.id,
            "node_id": _node("WFR", run.id),
            "name": "preview",
            "event": "pull_request",
            "status": run.status,
            "conclusion": run.conclusion,
            "run_attempt": run.attempt,
            "run_number": 1,
            "url": f"{self.root}/actions/runs/{run.id}",
            "html_url": f"{self.page}/actions/runs/{run.id}",
        }

    def event(self, action: str, number: int, sender: Person, comment: Comment | None = None) -> Json:
        """The payload of a pull_request event, or of issue_comment when a comment is given."""
        pull = self.pull(self.world.pulls[number])
        about: Json = {"action": action, "repository": self.repository(), "sender": self.person(sender)}
        if comment is None:
            return {**about, "number": number, "pull_request": pull}
        issue = {key: pull[key] for key in ("number", "state", "title", "user", "body", "labels")}
        issue["pull_request"] = {"url": pull["url"]}
        return {**about, "issue": issue, "comment": self.comment(comment)}


def _node(kind: str, number: int) -> str:
    return f"{kind}_kwDO{number:08x}"
