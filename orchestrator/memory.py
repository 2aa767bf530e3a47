"""How many environments may be applied at once: memory is what runs out first, and Linux then kills Terraform."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# Terraform, its AWS provider and our own process, measured at the height of an apply, and a third for surprises.
BYTES_EACH = 450 * 1024**2
_UNKNOWN = 2


def parallel_bound(available_bytes: int | None, wanted: int) -> int:
    """Return how many of `wanted` may run at once, at least one. None: it is not known how much there is. Pure."""
    room = _UNKNOWN if available_bytes is None else available_bytes // BYTES_EACH
    return max(1, min(wanted, room))


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return how much memory this process and its children may still take, None where nothing says it.

    On Linux that is what the kernel calls available, or less in a container (control groups, both versions).
    """
    with suppress(OSError, ValueError, StopIteration):
        meminfo = (root / "proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in meminfo if line.startswith("MemAvailable:"))
        return max(0, min([free, *_left_in_groups(root)]))
    with suppress(OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None


def _left_in_groups(root: Path) -> list[int]:
    """Return what is left below each limit that holds for us: a group's limit holds for those within it as well."""
    groups = root / "sys/fs/cgroup"
    left = [_left(groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")]
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                ours = groups / line.removeprefix("0::").strip("/")
                within = [ours, *(parent for parent in ours.parents if groups in (parent, *parent.parents))]
                left += [_left(group, "memory.max", "memory.current", "inactive_file") for group in within]
    return [number for number in left if number is not None]


def _left(group: Path, limit: str, usage: str, reclaimable: str) -> int | None:
    with suppress(OSError, ValueError):  # "max": no limit
        most, used = int((group / limit).read_text()), int((group / usage).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return most - used + int(stat.get(reclaimable, 0))  # cached files make way
    return None
