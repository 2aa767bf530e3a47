"""A GitHub for tests: a real HTTP server that remembers, answers as GitHub does, and fails when it is told to.

    with GitHubServer() as github:
        pull = github.open_pr()
        github.push(pull.number)
        github.fail(502, path="/pulls/", times=2)

`world` is what it remembers and what a test does to it, `routes` its part of GitHub's REST API, `shapes`
the JSON of that, `faults` what can go wrong, `server` the way there. Standard library only.
"""

from .faults import Fault, primary_limit, secondary_limit
from .server import GitHubServer, Request
from .world import ACTIONS, Comment, Deployment, Pull

__all__ = [
    "ACTIONS",
    "Comment",
    "Deployment",
    "Fault",
    "GitHubServer",
    "Pull",
    "Request",
    "primary_limit",
    "secondary_limit",
]
