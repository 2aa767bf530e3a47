"""Pull request + Config -> Environment: its name, its keys, its tags. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.config import REGION, Config
from orchestrator.errors import EnvctlError, ExitCode

# GitHub numbers issues and pull requests with a signed 32-bit integer.
MAXIMUM_PR = 2**31 - 1
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Environment:
    """Everything about an environment that follows from its pull request alone."""

    name: str
    pr: int
    project: str
    repository: str
    region: str
    bucket: str
    prefix: str
    tags: dict[str, str]

    @property
    def state_key(self) -> str:
        return f"{self.prefix}terraform.tfstate"

    @property
    def lock_key(self) -> str:
        """Where Terraform's S3 backend keeps its lock (`use_lockfile`)."""
        return f"{self.state_key}.tflock"

    @property
    def errored_key(self) -> str:
        """Where a state is kept that could not be saved."""
        return f"{self.prefix}errored.tfstate"

    @property
    def bundle_key(self) -> str:
        """Where the code that was applied is kept."""
        return f"{self.prefix}bundle.tar.gz"

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that is kept of the environment, in the order in which it may be forgotten: the lock last."""
        return *self.kept_keys, self.lock_key

    @property
    def kept_keys(self) -> tuple[str, ...]:
        """What one life of the environment leaves to the next: all but the lock of whoever is at work on it."""
        return self.state_key, self.errored_key, self.bundle_key, self.manifest_key

    @property
    def manifest_key(self) -> str:
        return f"{self.prefix}manifest.json"

    @property
    def absence_key(self) -> str:
        """Where it is noted that there is no environment on purpose."""
        return f"{self.prefix}absence.json"


def identify(pr: int, config: Config, region: str) -> Environment:
    """Return the environment of pull request `pr`. Raises EnvctlError (usage) without a repository."""
    repository = repository_of(config)
    name = f"{config.project.name}-pr-{pr}"
    return Environment(
        name=name,
        pr=pr,
        project=config.project.name,
        repository=repository,
        region=region,
        bucket=config.state.bucket,
        prefix=f"{repository_prefix(config)}pr-{pr}/",
        tags={
            **config.tags,
            "envctl:environment": name,
            "envctl:project": config.project.name,
            "envctl:repository": repository,
            "envctl:pr": str(pr),
        },
    )


def region_name(text: str) -> str:
    """Parse a region that the environment names. Raises EnvctlError (usage) for anything but a name of one."""
    if re.fullmatch(REGION, text):
        return text
    raise EnvctlError(
        ExitCode.USAGE, f"{text[:40]!r} is not a region such as us-east-1.", "Check AWS_REGION, or set project.region."
    )


def repository_of(config: Config) -> str:
    """Return `owner/name`. Raises EnvctlError (usage) when neither config, GitHub nor git names it."""
    if config.project.repository:
        return config.project.repository
    raise EnvctlError(
        ExitCode.USAGE,
        "The repository is not known: there is no project.repository, no GITHUB_REPOSITORY and no git remote 'origin'.",
        'Set repository = "owner/name" under [project] in envctl.toml.',
    )


def repository_prefix(config: Config) -> str:
    """Return the key prefix that all environments of the repository share, with its slash."""
    return f"{config.state.prefix}/{repository_of(config)}/"


def pr_number(text: str) -> int:
    """Parse a pull request's number. Raises EnvctlError (usage) for anything but 1 to 2147483647."""
    # Not str.isdecimal: that accepts digits of every script, and int() spaces and underscores.
    if re.fullmatch(r"[1-9][0-9]{0,9}", text) and int(text) <= MAXIMUM_PR:
        return int(text)
    shown = text if len(text) <= 40 else text[:37] + "..."
    raise EnvctlError(
        ExitCode.USAGE,
        f"{shown!r} is not a pull request number: it must be between 1 and {MAXIMUM_PR}.",
        "Give the number alone, as in --pr 42.",
    )


def commit_id(text: str) -> str:
    """Parse a commit id. Raises EnvctlError (usage) for anything but 7 to 64 hexadecimal digits."""
    if _COMMIT.fullmatch(text.lower()):
        return text.lower()
    shown = text if len(text) <= 40 else text[:37] + "..."
    raise EnvctlError(
        ExitCode.USAGE,
        f"{shown!r} is not a commit id: 7 to 64 hexadecimal digits.",
        "Give an id as `git rev-parse HEAD` prints it.",
    )
