"""`envctl init` in a repository: asked or told, shown or written, all or nothing."""

import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from workflow_rules import events, problems, schema_errors, zizmor_findings

from orchestrator import scaffold, scaffold_files
from orchestrator.config_source import load
from orchestrator.errors import EnvctlError

HERE = Path(__file__).parents[2]
REF = "0123456789abcdef0123456789abcdef01234567"
FLAGS = {
    "--project": "shop",
    "--region": "eu-north-1",
    "--bucket": "acme-preview-state",
    "--source": "shop-prod",
    "--preview-role": "arn:aws:iam::123456789012:role/preview",
    "--reaper-role": "arn:aws:iam::123456789012:role/reaper",
    "--envctl": "acme/envctl",
    "--ref": REF,
}


def told(**changed):
    flags = FLAGS | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    return [word for flag, value in flags.items() if value is not None for word in (flag, value)]


@pytest.fixture
def repository(tmp_path):
    """A checkout of acme/shop-frontend, as far as its files tell."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = git@github.com:acme/shop-frontend.git\n')
    return tmp_path


def environment():
    return {name: value for name, value in os.environ.items() if name not in ("CI", "AWS_DEFAULT_REGION")} | {
        "PYTHONPATH": str(HERE)
    }


def init(directory, *arguments):
    command = [sys.executable, "-m", "orchestrator", "init", *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )


def at_a_terminal(directory, typed, *arguments):
    """Run it with a terminal of its own; return the exit code and what a person saw."""
    leader, follower = pty.openpty()
    seen = bytearray()

    def watch():
        try:
            while part := os.read(leader, 4096):
                seen.extend(part)
        except OSError:  # Linux says so when the other side is closed
            pass

    command = [sys.executable, "-m", "orchestrator", "init", *arguments]
    process = subprocess.Popen(
        command, cwd=directory, env=environment(), stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    watcher = threading.Thread(target=watch)
    watcher.start()
    os.write(leader, typed.encode())
    code = process.wait(timeout=60)
    watcher.join(timeout=10)
    os.close(leader)
    return code, seen.decode().replace("\r\n", "\n")


def files(directory):
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(directory).parts
    }


def test_told_everything_it_writes_what_github_and_envctl_take(repository):
    done = init(repository, *told())
    assert (done.returncode, done.stderr.count("✗")) == (0, 0)
    assert set(files(repository)) == set(scaffold.PATHS)
    config, _ = load(repository / "envctl.toml", {}, repository)
    assert (config.project.name, config.project.repository) == ("shop", "acme/shop-frontend")
    workflows = [repository / path for path in scaffold.WORKFLOWS.values()]
    assert schema_errors("github-workflows", *workflows) == ""
    assert zizmor_findings(repository) == ""
    for path in workflows:
        assert problems(path.read_text()) == []


@pytest.mark.parametrize("name", scaffold.WORKFLOWS)
def test_a_caller_has_the_triggers_and_permissions_of_what_it_calls(repository, name):
    init(repository, *told())
    caller = yaml.safe_load((repository / scaffold.WORKFLOWS[name]).read_text())
    called = yaml.safe_load((HERE / ".github" / "workflows" / f"{name}.yml").read_text())
    (calling,), (working,) = caller["jobs"].values(), called["jobs"].values()
    assert calling["permissions"] == working["permissions"]
    assert events(caller) | {"workflow_call": events(called)["workflow_call"]} == events(called)
    inputs = events(called)["workflow_call"]["inputs"]
    assert {key for key, value in inputs.items() if value.get("required")} <= calling["with"].keys() <= inputs.keys()
    # The same group in caller and called is a deadlock.
    assert "concurrency" not in caller
    assert "concurrency" not in calling


def test_twice_is_as_once_and_what_people_added_stays(repository):
    init(repository, *told())
    with (repository / "envctl.toml").open("a") as stream:
        stream.write('\n[limits]\nttl = "24h"\n')
    before = files(repository)
    done = init(repository, "--envctl", "acme/envctl", "--ref", REF)  # the rest is remembered
    assert (done.returncode, done.stdout.count("unchanged")) == (0, 4)
    assert files(repository) == before


def test_without_a_terminal_everything_missing_is_named_at_once(repository):
    done = init(repository, "--region", "nowhere", "--ref", REF)
    assert done.returncode == 2
    for option in ("--bucket", "--source", "--preview-role", "--reaper-role"):
        assert f"{option} is missing" in done.stderr
    assert "--region must be a region" in done.stderr
    assert "--project" not in done.stderr  # made from the remote
    assert files(repository) == {}


def test_what_differs_is_shown_and_left_alone(repository):
    init(repository, *told())
    before = files(repository)
    done = init(repository, *told(region="us-east-1"))
    assert done.returncode == 2
    assert '-region = "eu-north-1"\n+region = "us-east-1"' in done.stdout
    assert "Nothing was written" in done.stderr
    assert files(repository) == before


def test_one_that_differs_keeps_the_new_ones_away_too(repository):
    (repository / "envctl.toml").write_text("# ours\n")
    assert init(repository, *told()).returncode == 2
    assert files(repository) == {"envctl.toml": "# ours\n"}


def test_force_overwrites(repository):
    init(repository, *told())
    done = init(repository, *told(region="us-east-1"), "--force")
    assert (done.returncode, done.stdout.count("overwritten")) == (0, 4)
    assert all("us-east-1" in text for text in files(repository).values())


def test_a_dry_run_shows_all_and_writes_nothing(repository):
    done = init(repository, *told(), "--dry-run")
    assert done.returncode == 0
    assert "+++ b/.github/workflows/envctl-reap.yml" in done.stdout
    assert files(repository) == {}


def test_json_is_one_object_also_when_it_refuses(repository):
    first = json.loads(init(repository, *told(), "--json").stdout)
    assert (first["ok"], [file["written"] for file in first["files"]]) == (True, [True] * 4)
    done = init(repository, *told(region="us-east-1"), "--json")
    second = json.loads(done.stdout)
    assert (done.returncode, second["command"], second["ok"], second["error"]["code"]) == (2, "init", False, "usage")
    assert {file["status"] for file in second["files"]} == {"different"}
    assert "us-east-1" in second["files"][0]["diff"]


def test_elsewhere_than_at_the_top_it_says_where(repository):
    below = repository / "src"
    below.mkdir()
    done = init(below, *told())
    assert (done.returncode, str(repository) in done.stderr) == (2, True)
    assert files(repository) == {}


def test_a_link_out_of_the_repository_is_not_followed(repository, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (repository / ".github").symlink_to(outside)
    done = init(repository, *told(), "--force")
    assert (done.returncode, "leads out" in done.stderr) == (2, True)
    assert files(outside) == {}


@pytest.mark.parametrize("path", scaffold.PATHS)
def test_a_file_that_cannot_be_read_is_named(repository, path):
    (repository / path).mkdir(parents=True)
    done = init(repository, *told(), "--force")
    assert done.returncode == 2
    assert f"{path!r} cannot be read" in done.stderr
    assert files(repository) == {}


def test_when_one_cannot_be_written_none_is(repository):
    # A name as long as the file system allows leaves no room for the text that is laid beside it.
    with pytest.raises(EnvctlError, match="cannot be written"):
        scaffold_files.write(repository, {"envctl.toml": "x", f".github/workflows/{'a' * 254}": "y"})
    assert files(repository) == {}


def test_at_a_terminal_it_asks_until_the_answer_is_good(repository):
    answers = ["", "eu-north-1", "NO", "acme-preview-state", "shop-prod", FLAGS["--preview-role"]]
    code, seen = at_a_terminal(
        repository, "\n".join([*answers, FLAGS["--reaper-role"], ""]), "--envctl", "acme/envctl", "--ref", REF
    )
    assert code == 0, seen
    assert "[shop]" in seen  # from the remote acme/shop-frontend
    assert "must be a bucket's name" in seen
    assert set(files(repository)) == set(scaffold.PATHS)
    assert 'bucket = "acme-preview-state"' in files(repository)["envctl.toml"]


@pytest.mark.parametrize(("answer", "code", "region"), [("n", 2, "eu-north-1"), ("y", 0, "us-east-1")])
def test_at_a_terminal_a_person_decides_about_what_differs(repository, answer, code, region):
    init(repository, *told())
    ended, seen = at_a_terminal(repository, f"{answer}\n", *told(region="us-east-1"))
    assert ended == code
    assert "Overwrite" in seen
    assert f'region = "{region}"' in files(repository)["envctl.toml"]


def test_the_end_of_the_input_is_no_answer(repository):
    code, seen = at_a_terminal(repository, "\x04")
    assert (code, "The input ended" in seen) == (2, True)
    assert files(repository) == {}
