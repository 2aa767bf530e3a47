"""What a situation of docs/operations.md is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chaos.proxy import Proxy, Watch
from chaos.rules import Rule, Rules
from github_server import GitHubServer
from world import Account, Envctl, FakeTerraform, Result


class Stage:
    """What a situation is made of."""

    def __init__(self, envctl: Envctl, account: Account, terraform: FakeTerraform, patch: pytest.MonkeyPatch) -> None:
        self.envctl = envctl
        self.account = account
        self.terraform = terraform
        self.patch = patch
        self._github: GitHubServer | None = None

    def up(self, *more: str) -> Result:
        return self.envctl("up", "--pr", "42", "--yes", *more)

    def destroy(self, *more: str) -> Result:
        return self.envctl("destroy", "--pr", "42", "--yes", *more)

    def up_with(self, **rule: Any) -> Result:
        """Bring it up through a proxy with one fault."""
        with self.proxy(**rule):
            return self.up()

    @contextmanager
    def proxy(self, watch: Watch = lambda call, moment: None, **rule: Any) -> Iterator[None]:
        """Let all calls to AWS go through a proxy, with one fault at most; `watch` is told of each."""
        with Proxy(self.account.endpoint, Rules((Rule(**rule),) if rule else ()), watch) as proxy:
            self.patch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
            yield
            self.patch.setenv("AWS_ENDPOINT_URL", self.account.endpoint)

    @property
    def github(self) -> GitHubServer:
        """GitHub, with an open pull request 42; it is started when it is first asked for."""
        if self._github is None:
            self._github = GitHubServer()
            self._github.__enter__()
            for name, value in self._github.environ.items():
                self.patch.setenv(name, value)
            self._github.open_pr(42)
        return self._github

    def sync(self, *more: str) -> Result:
        assert 42 in self.github.pulls
        return self.envctl("sync", "--pr", "42", "--yes", *more)

    def credentials_for(self, minutes: float) -> None:
        """Let the credentials in the environment end then."""
        end = datetime.now(UTC) + timedelta(minutes=minutes)
        self.patch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())

    def fill(self) -> None:
        """A root that uses envctl's network, in an account whose VPCs are all taken."""
        root = self.envctl.directory / "terraform" / "env" / "main.tf"
        root.write_text('terraform {\n  backend "s3" {}\n}\nmodule "network" {\n  source = "../modules/network"\n}\n')
        for number in range(4):  # every account has one from birth
            self.account.client("ec2").create_vpc(CidrBlock=f"10.{number}.0.0/16")

    def end(self) -> None:
        if self._github is not None:
            self._github.__exit__(None, None, None)
