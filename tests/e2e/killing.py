"""Ending a run as a lost machine does: it and everything it started, at once, without a word."""

from __future__ import annotations

import signal
import subprocess
import time

from chaos.killer import generations

GONE_WITHIN_S = 10.0


def kill_at(process: subprocess.Popen[str], sign: str) -> None:
    """Send SIGKILL to `process`, Terraform and the provider when it says `sign` on stderr; return when all are gone."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if sign in line:
            break
    else:
        raise AssertionError(f"it never said {sign!r}:\n{''.join(seen)}")
    family = [each for level in generations(process.pid) for each in level]
    process.kill()
    for each in family:
        each.send(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + GONE_WITHIN_S
    while any(each.lives() for each in family):
        assert time.monotonic() < deadline
        time.sleep(0.05)
