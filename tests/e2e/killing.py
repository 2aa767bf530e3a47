"""Ending a run as a lost machine does: it and everything it started, at once, without a word."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def kill_at(process: subprocess.Popen[str], sign: str) -> None:
    """Send SIGKILL to `process`, its Terraform and the provider when it says `sign` on stderr."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if sign in line:
            break
    else:
        raise AssertionError(f"it never said {sign!r}:\n{''.join(seen)}")
    family = [process.pid]
    for pid in family:  # grows while it is walked
        with suppress(FileNotFoundError):
            family += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
