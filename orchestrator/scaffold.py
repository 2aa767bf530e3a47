"""What `envctl init` writes into another repository, and how that differs from what is there. Pure."""

from __future__ import annotations

import copy
import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from orchestrator import config_source

CONFIG = config_source.DEFAULT_FILE
WORKFLOWS = {name: f".github/workflows/envctl-{name}.yml" for name in ("preview", "reap", "comment")}
PATHS = (CONFIG, *WORKFLOWS.values())
TEMPLATES = Path(__file__).parent / "templates" / "init"

_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}"


@dataclass(frozen=True)
class Answers:
    """What has to be known. `envctl` is the repository that the workflows are called from, `ref` its commit."""

    project: str
    region: str
    bucket: str
    source: str
    preview_role: str
    reaper_role: str
    envctl: str
    ref: str


@dataclass(frozen=True)
class Question:
    """One thing to know: its field of `Answers`, how it is asked for, and what an answer must be.

    `key` is the configuration's key that it fills; without one, `pattern` is what it must match, in words `must`.
    """

    field: str
    text: str
    key: str = ""
    pattern: str = ""
    must: str = ""

    @property
    def option(self) -> str:
        return f"--{self.field.replace('_', '-')}"


QUESTIONS = (
    Question("project", "Project, the beginning of every name (at most 12 characters)", "project.name"),
    Question("region", "AWS region", "project.region"),
    Question("bucket", "S3 bucket for the state", "state.bucket"),
    Question("source", "Production's database, cluster or instance", "database.source"),
    Question("preview_role", "ARN of the preview role", pattern=_ROLE, must="the ARN of an IAM role"),
    Question("reaper_role", "ARN of the reaper role", pattern=_ROLE, must="the ARN of an IAM role"),
    Question(
        "envctl",
        "Repository of envctl on GitHub",
        pattern=r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+",
        must="'owner/name'",
    ),
    Question("ref", "Commit of envctl", pattern=r"[0-9a-f]{40}", must="a full commit id: 40 of 0-9 a-f"),
)
# Valid for every key, so that each answer can be judged before the others are there.
_SAMPLE: dict[str, dict[str, str]] = {
    "project": {"name": "shop", "region": "us-east-1"},
    "state": {"bucket": "acme-preview-state"},
    "database": {"source": "shop-prod"},
}


@dataclass(frozen=True)
class Change:
    """One file: as it is (None: not there) and as it would be."""

    path: str
    before: str | None
    after: str

    @property
    def status(self) -> str:
        if self.before is None:
            return "new"
        return "unchanged" if self.before == self.after or self._holds_the_same() else "different"

    @property
    def diff(self) -> str:
        """The change as a unified diff; empty when there is none."""
        if self.status == "unchanged":
            return ""
        old, new = (self.before or "").splitlines(), self.after.splitlines()
        name = "/dev/null" if self.before is None else f"a/{self.path}"
        return "\n".join(difflib.unified_diff(old, new, name, f"b/{self.path}", lineterm=""))

    def _holds_the_same(self) -> bool:
        """Whether a configuration says all that ours would say: what people add to it is theirs."""
        if self.path != CONFIG or self.before is None:
            return False
        old, new = _toml(self.before), tomllib.loads(self.after)
        return all(
            _get(old, f"{section}.{key}") == value for section, keys in new.items() for key, value in keys.items()
        )


def problem(question: Question, answer: str) -> str | None:
    """Return what is wrong with one answer, in words, or None."""
    if not question.key:
        return None if re.fullmatch(question.pattern, answer) else f"must be {question.must} (given: {answer!r})"
    values = copy.deepcopy(_SAMPLE)
    section, _, key = question.key.partition(".")
    values[section][key] = answer
    found = config_source.problems(values)
    return found[0].removeprefix(f"{question.key}: ") if found else None


def render(answers: Answers) -> dict[str, str]:
    """Return {path: text} of all that is written. The answers must be without `problem`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    class Bare(str):
        """Text that is written without quotes."""

    # JSON's strings are strings of TOML and of YAML as well: whatever is in a value, it stays a value.
    environment = Environment(  # noqa: S701 - neither HTML nor XML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=lambda value: value if isinstance(value, Bare) else json.dumps(value),
    )
    environment.filters["bare"] = Bare
    values = {field.name: getattr(answers, field.name) for field in fields(answers)}
    names = {CONFIG: CONFIG} | {path: f"{name}.yml" for name, path in WORKFLOWS.items()}
    return {path: environment.get_template(f"{name}.j2").render(values) for path, name in names.items()}


def changes(before: Mapping[str, str | None], after: Mapping[str, str]) -> tuple[Change, ...]:
    """Return each file as it is and as it would be."""
    return tuple(Change(path, before.get(path), text) for path, text in after.items())


def remembered(before: Mapping[str, str | None]) -> dict[str, str]:
    """Return the answers that files written earlier hold, by field: nobody is asked twice."""
    config = _toml(before.get(CONFIG) or "")
    found = {question.field: _get(config, question.key) for question in QUESTIONS if question.key}
    for field, name in (("preview_role", "preview"), ("reaper_role", "reap")):
        role = re.search(rf'^ +role: "({_ROLE})"$', before.get(WORKFLOWS[name]) or "", re.MULTILINE)
        found[field] = role[1] if role else None
    return {field: value for field, value in found.items() if isinstance(value, str)}


def project_name(repository: str) -> str | None:
    """Return a project's name made from `owner/name`, if one can be."""
    words = re.sub(r"[^a-z0-9]+", "-", repository.rpartition("/")[2].lower()).lstrip("-0123456789").rstrip("-")
    whole = words[:13].rpartition("-")[0]  # as many whole words as fit
    name = words if len(words) <= 12 else (whole or words[:12])
    return name if problem(QUESTIONS[0], name) is None else None


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _get(values: Mapping[str, Any], key: str) -> object:
    section, _, name = key.partition(".")
    found = values.get(section)
    return found.get(name) if isinstance(found, dict) else None
