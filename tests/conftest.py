"""What holds for every test: none of them can reach a real account, a real configuration or a real pull request."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from github_server import GitHubServer

INHERITED = ("AWS_", "ENVCTL_", "GITHUB_", "TF_")
"""What a developer's shell or a CI runner sets that could lead a test out of its sandbox."""


@pytest.fixture(autouse=True)
def _no_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Fake credentials, an empty home, no instance metadata, and nothing of the shell the tests were started from."""
    for name in list(os.environ):
        if name.startswith(INHERITED):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, value in {
        "HOME": home,
        "AWS_CONFIG_FILE": home / "no-config",
        "AWS_SHARED_CREDENTIALS_FILE": home / "no-credentials",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of this repository."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def _one_github() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        yield server


@pytest.fixture
def github(_one_github: GitHubServer) -> GitHubServer:
    """A GitHub with an empty repository, acme/shop, that GitHub Actions and a `dev` work in."""
    _one_github.begin()
    return _one_github
