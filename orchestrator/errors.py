"""Every failure that a person can cause or meet, as one type.

Anything else that is raised is a bug in envctl and ends with exit code 1.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to its caller; part of the contract, never renumbered."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    CREDENTIALS = 3
    TERRAFORM = 4
    LOCKED = 5
    UNHEALTHY = 6
    POLICY = 7
    NOT_CLEAN = 8
    CHANGES = 10
    INTERRUPTED = 130


class EnvctlError(Exception):
    """A failure with the exit code it ends in and a hint at what to do about it.

    `message` says in one sentence what is wrong, `hint` what the reader can do, `address` which
    Terraform resource it is about (if any).
    """

    def __init__(self, code: ExitCode, message: str, hint: str = "", address: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.address = address

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class NoRoom(EnvctlError):
    """There is no room for one more environment now, by a limit of the team's or a quota of AWS's.

    Nothing is wrong with the environment itself: when another has gone, the same request succeeds.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(ExitCode.POLICY, message, hint)
