"""How many environments at once, from what the kernel and its control groups say of memory."""

import pytest

from orchestrator.memory import BYTES_EACH, available_bytes, parallel_bound

MB = 1024**2


@pytest.mark.parametrize(
    ("available", "wanted", "allowed"),
    [
        (0, 4, 1),
        (BYTES_EACH - 1, 4, 1),
        (2 * BYTES_EACH, 4, 2),
        (7_000 * MB, 4, 4),  # a runner of GitHub's
        (100 * BYTES_EACH, 1, 1),
        (None, 4, 2),
        (None, 1, 1),
    ],
)
def test_the_bound(available, wanted, allowed):
    assert parallel_bound(available, wanted) == allowed


@pytest.fixture
def machine(tmp_path):
    """A Linux with 8 GB available; `machine(path, text)` writes one of its files."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return tmp_path

    write("proc/meminfo", f"MemTotal: 16000000 kB\nMemFree: 10 kB\nMemAvailable: {8192 * 1024} kB\n")
    return write


def limited(machine, group, limit, used, files=0):
    machine(f"{group}/memory.max", limit)
    machine(f"{group}/memory.current", str(used * MB))
    return machine(f"{group}/memory.stat", f"anon 1\ninactive_file {files * MB}\n")


def test_without_limits_it_is_what_the_kernel_calls_available(machine):
    root = machine("proc/self/cgroup", "0::/user.slice\n")
    assert available_bytes(root) == 8192 * MB
    assert available_bytes(limited(machine, "sys/fs/cgroup/user.slice", "max", 100)) == 8192 * MB


def test_the_tightest_limit_of_all_groups_around_counts(machine):
    machine("proc/self/cgroup", "1:name=systemd:/x\n0::/pod/container\n")
    limited(machine, "sys/fs/cgroup/pod", str(2048 * MB), 1024, files=512)
    root = limited(machine, "sys/fs/cgroup/pod/container", str(4096 * MB), 100)
    assert available_bytes(root) == (2048 - 1024 + 512) * MB


def test_the_first_version_of_control_groups(machine):
    machine("sys/fs/cgroup/memory/memory.limit_in_bytes", str(1024 * MB))
    machine("sys/fs/cgroup/memory/memory.usage_in_bytes", str(2000 * MB))
    assert available_bytes(machine("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 0\n")) == 0


def test_where_there_is_no_proc_it_is_guessed(tmp_path):
    assert available_bytes(tmp_path) > 0
