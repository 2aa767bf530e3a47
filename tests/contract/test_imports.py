"""Imports go one way; each outside world is reached through one door."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import orchestrator

PACKAGE = Path(orchestrator.__file__).parent
# From the bottom up: a room may import those before it, and files of its own.
ORDER = (
    "errors",
    "durations",
    "git",
    "schedule",
    "config",
    "config_source",
    "quotas",
    "memory",
    "identity",
    "github_event",
    "comment_command",
    "pull_request",
    "snapshots",
    "manifest",
    "expiry",
    "locks",
    "state",
    "absence",
    "cost",
    "inputs",
    "secrecy",
    "events",
    "interrupts",
    "workspace",
    "bundle",
    "toolchain",
    "terraform_library",
    "terraform",
    "outcome",
    "announcement",
    "page",
    "aws",
    "github",
    "lifecycle",
    "sync",
    "report",
    "scaffold",
    "scaffold_files",
    "sandbox",
    "cli",
)
# Started as processes of their own.
PROGRAMS = ("terraform_library.py", "sandbox/server.py")
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")


def name_of(path):
    return str(path.relative_to(PACKAGE))


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path, runtime_only=False):
    """Yield the dotted names that a file imports, wherever in it."""
    tree = parsed(path)
    skipped = set()
    if runtime_only:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                skipped |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name_of(path)} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(module):
    """The files that import `module` or a part of it when they run."""
    return {
        name_of(path)
        for path in FILES
        if any(f"{name}.".startswith(f"{module}.") for name in imports(path, runtime_only=True))
    }


def test_every_file_has_its_place_in_the_order():
    assert {room_of(path) for path in FILES} == {*ORDER, "__init__"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_one_way(path):
    if room_of(path) == "__init__":
        assert not list(imports(path))
        return
    own = ORDER.index(room_of(path))
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "orchestrator" and parts[1] in ORDER:
            assert ORDER.index(parts[1]) <= own, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("operation", ["up", "destroy", "plan", "doctor"])
def test_no_operation_is_built_on_another(operation):
    users = importers(f"orchestrator.lifecycle.{operation}")
    assert not {name for name in users if name.startswith("lifecycle/")}


@pytest.mark.parametrize("module", ["boto3", "botocore"])
def test_aws_is_reached_through_aws_alone(module):
    assert {name.split("/")[0] for name in importers(module)} <= {"aws", "sandbox"}


def test_github_is_reached_through_github_alone():
    assert {name.split("/")[0] for name in importers("github")} == {"github"}
    assert not importers("requests")


def test_python_terraform_is_the_engines_alone():
    assert importers("python_terraform") == {"terraform.py"}


def test_processes_are_started_by_the_engine_alone():
    # interrupts.py takes the type of a process; nothing in it can start one.
    # sync/children.py starts this program itself, once for each environment.
    apart = {"sandbox/control.py", "sync/children.py"}
    assert importers("subprocess") - apart == {"terraform.py", "interrupts.py"}
    assert [name for name in imports(PACKAGE / "interrupts.py") if "subprocess" in name] == ["subprocess.Popen"]
    assert "Popen(" not in (PACKAGE / "interrupts.py").read_text()


def test_the_edge_alone_prints_and_exits():
    for path in FILES:
        if room_of(path) == "cli" or name_of(path) in PROGRAMS:
            continue
        for node in ast.walk(parsed(path)):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called not in ("print", "sys.exit", "exit", "sys.stdout.write", "sys.stderr.write", "os._exit"), (
                f"{name_of(path)}:{node.lineno} calls {called}"
            )


@pytest.mark.parametrize("module", ["orchestrator.cli.app", "orchestrator.cli.run"])
def test_nothing_slow_is_imported_before_the_first_line(module):
    slow = ("boto3", "botocore", "pydantic", "jinja2", "rich", "python_terraform", "moto", "github")
    code = f"import sys, {module}; print(*sorted({set(slow)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
