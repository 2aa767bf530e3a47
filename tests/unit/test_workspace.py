import os
import stat
import subprocess
import sys

import pytest

from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.workspace import Workspace

HOLDER = """
import sys, pathlib
from orchestrator.workspace import Workspace
with Workspace(pathlib.Path(sys.argv[1]), 42).held():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path, 42)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_lies_below_one_directory_of_the_pull_request(tmp_path, workspace):
    place = tmp_path / ".envctl" / "pr-42"
    files = (workspace.tfvars, workspace.backend, workspace.data, workspace.plan, workspace.stamp, workspace.cli_config)
    assert {path.parent for path in files} == {place}
    assert len(set(files)) == len(files)


def test_nothing_is_made_before_something_is_written(tmp_path, workspace):
    assert workspace.read(workspace.tfvars) is None
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_read_and_its_owners_alone(workspace):
    workspace.write(workspace.tfvars, "é\n")
    assert workspace.read(workspace.tfvars) == "é\n"
    assert mode(workspace.tfvars) == 0o600
    assert mode(workspace.directory) == 0o700


def test_a_write_replaces_the_whole_file_and_leaves_no_other(workspace):
    workspace.write(workspace.tfvars, "long " * 100)
    before = workspace.tfvars.stat().st_ino
    workspace.write(workspace.tfvars, "short")
    assert workspace.read(workspace.tfvars) == "short"
    assert workspace.tfvars.stat().st_ino != before  # renamed over, never written in place
    assert os.listdir(workspace.directory) == [workspace.tfvars.name]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(workspace):
    workspace.write(workspace.tfvars, "old")
    with pytest.raises(UnicodeEncodeError):
        workspace.write(workspace.tfvars, "new \ud800")
    assert workspace.read(workspace.tfvars) == "old"
    assert os.listdir(workspace.directory) == [workspace.tfvars.name]


def test_a_directory_that_cannot_be_made_is_the_users_to_mend(tmp_path, workspace):
    (tmp_path / ".envctl").write_text("in the way")
    with pytest.raises(EnvctlError, match="cannot be written: Not a directory") as caught:
        workspace.write(workspace.tfvars, "x")
    assert caught.value.code is ExitCode.USAGE


def test_a_file_that_cannot_be_replaced_is_the_users_to_mend(workspace):
    workspace.tfvars.mkdir(parents=True)
    with pytest.raises(EnvctlError, match="cannot be written: Is a directory") as caught:
        workspace.write(workspace.tfvars, "x")
    assert caught.value.code is ExitCode.USAGE


def test_one_run_at_a_time(workspace):
    with (
        workspace.held(),
        pytest.raises(EnvctlError, match="at work on pr-42") as caught,
        Workspace(workspace.directory.parents[1], 42).held(),
    ):
        pass
    assert caught.value.code is ExitCode.LOCKED
    with workspace.held():
        pass


def test_other_pull_requests_are_free(tmp_path, workspace):
    with workspace.held(), Workspace(tmp_path, 4).held():
        pass


def test_a_killed_run_holds_nothing(tmp_path, workspace):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(EnvctlError), workspace.held():
            pass
        holder.kill()
    with workspace.held():
        pass


def test_an_error_while_it_is_held_goes_through_unchanged(workspace):
    with pytest.raises(OSError, match="of its own"), workspace.held():
        raise OSError("of its own")
