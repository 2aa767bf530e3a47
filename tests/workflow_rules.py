"""What every workflow must keep to, whether it is this project's own or written by `envctl init`.

The rules are an allowlist: an expression that is not known to be harmless is a problem, so that no title, branch,
label, body or login can come in by a new name.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

BIN = Path(sys.executable).parent
DEFAULT_BRANCH = "${{ github.event.repository.default_branch }}"
PRIVILEGED = {"pull_request_target", "issue_comment", "schedule", "workflow_dispatch"}
"""Events whose runs hold a token and a role, whoever caused them."""

# Numbers, ids and commits that GitHub made; what people with write access configured; our own inputs.
HARMLESS = re.compile(
    r"github\.(event\.pull_request\.number|event\.comment\.id|event\.repository\.default_branch|token|run_id|ref)"
    r"|inputs\.[a-z-]+|vars\.ENVCTL_[A-Z_]+|matrix\.python|steps\.[a-z]+\.outcome"
)
# An `if` compares on GitHub's side; nothing of it is ever written anywhere.
COMPARED = re.compile(
    r"github\.(event_name|repository|event\.action|event\.issue\.pull_request|event\.comment\.body"
    r"|event\.pull_request\.(head\.repo\.full_name|user\.type))"
)
WORDS = {"always", "startsWith", "contains"}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
VERSION_COMMENT = re.compile(r"uses: \S+@[0-9a-f]{40} # v?\d+\.\d+\.\d+$")
UNEXPLAINED = re.compile(r"zizmor: ignore\[[a-z-]+\]\s*$", re.MULTILINE)


def events(workflow: dict[Any, Any]) -> dict[str, Any]:
    """Return what starts a workflow; YAML 1.1 reads its key `on` as True."""
    found = workflow.get(True, workflow.get("on", {}))
    return {name: value or {} for name, value in found.items()} if isinstance(found, dict) else {}


def steps(document: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a workflow or of a composite action."""
    for job in document.get("jobs", {}).values():
        yield from job.get("steps", [])
    yield from document.get("runs", {}).get("steps", [])


def problems(text: str) -> list[str]:
    """Return what is wrong with a workflow or a composite action."""
    document = yaml.safe_load(text)
    return [
        *_expressions(text, document),
        *_pins(text),
        *(problem for step in steps(document) for problem in _step(step, document)),
        *(problem for name, job in document.get("jobs", {}).items() for problem in _job(name, job)),
        *_workflow(text, document),
    ]


def _expressions(text: str, document: dict[Any, Any]) -> Iterator[str]:
    for expression in re.findall(r"\$\{\{(.*?)\}\}", text, re.DOTALL):
        yield from (f"unknown in an expression: {word}" for word in _names(expression) if not HARMLESS.fullmatch(word))
    conditions = [step.get("if") for step in steps(document)]
    conditions += [job.get("if") for job in document.get("jobs", {}).values()]
    for condition in filter(None, conditions):
        for word in _names(condition):
            if not (HARMLESS.fullmatch(word) or COMPARED.fullmatch(word) or word in WORDS):
                yield f"unknown in a condition: {word}"


def _names(expression: str) -> list[str]:
    return re.findall(r"[A-Za-z_][\w.*\[\]-]*", re.sub(r"'[^']*'", "", expression))


def _pins(text: str) -> Iterator[str]:
    for line in text.splitlines():
        used = re.match(r"\s*(?:- )?uses: (\S+)", line)
        if used is None or used[1].startswith("$/"):
            continue
        if not PINNED.fullmatch(used[1]):
            yield f"not pinned by a full commit: {used[1]}"
        elif "/.github/workflows/" not in used[1] and not VERSION_COMMENT.search(line):
            yield f"its version is not named: {used[1]}"
    if "secrets." in text or "secrets:" in text:
        yield "a secret"
    if UNEXPLAINED.search(text):
        yield "a finding is ignored without a reason"


def _step(step: dict[str, Any], document: dict[Any, Any]) -> Iterator[str]:
    if "name" not in step:
        yield "a step without a name"
    if "${{" in step.get("run", ""):
        yield "an expression inside a run"
    inputs = step.get("with", {})
    if step.get("uses", "").startswith("actions/checkout@"):
        if inputs.get("persist-credentials") is not False:
            yield "a checkout that leaves the token behind"
        if inputs.get("ref") not in (None, DEFAULT_BRANCH):
            yield f"a checkout of {inputs['ref']}"
        follows_event = {"pull_request", "pull_request_target", "issue_comment"} & events(document).keys()
        if follows_event and _privileged(document) and inputs.get("ref") != DEFAULT_BRANCH:
            yield "a checkout that is not the default branch's"
    if step.get("uses", "").startswith("actions/cache") or "cache" in inputs:
        yield "a cache"


def _privileged(document: dict[Any, Any]) -> bool:
    return bool(PRIVILEGED & events(document).keys())


def _job(name: str, job: dict[str, Any]) -> Iterator[str]:
    if not job.get("name"):
        yield f"{name}: no name"
    if not isinstance(job.get("permissions"), dict):
        yield f"{name}: no permissions of its own"
    if "uses" in job:
        return
    if job.get("runs-on") != "ubuntu-24.04":
        yield f"{name}: runs on {job.get('runs-on')}"
    if not job.get("timeout-minutes"):
        yield f"{name}: no timeout"


def _workflow(text: str, document: dict[Any, Any]) -> Iterator[str]:
    if "jobs" in document and document.get("permissions") != {}:
        yield "permissions for every job"
    for name, job in document.get("jobs", {}).items():
        if not _privileged(document) or "uses" in job:
            continue
        if job.get("concurrency", {}).get("cancel-in-progress") is not False:
            yield f"{name}: a run in progress can be cancelled"
        for step in job["steps"]:
            if "run" in step and not re.fullmatch(r"exec envctl [^\n;|&]+", step["run"]):
                yield f"{name}: a shell stands between GitHub and envctl: {step['run']}"


def schema_errors(kind: str, *files: Path) -> str:
    """Return what GitHub's schema (`github-workflows` or `github-actions`) says against the files."""
    command = [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{kind}", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def zizmor_findings(directory: Path) -> str:
    """Return what zizmor's most pedantic persona finds in the workflows and actions under `directory`."""
    command = [BIN / "zizmor", "--persona", "pedantic", "--offline", "--no-config", "--no-progress", directory]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return "" if done.returncode == 0 else done.stdout + done.stderr
