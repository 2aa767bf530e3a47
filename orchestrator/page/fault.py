"""Whose fault a failure probably is: what somebody who did not build this should look at first. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.errors import EnvctlError, ExitCode


@dataclass(frozen=True)
class Fault:
    """Who, in words that follow "probably", and why it is thought so."""

    who: str
    why: str


CHANGE = Fault("this change", "everything it needs is there, but the site does not answer as it should")
DATABASE = Fault("this change", "it would replace the database, and with it the data that people work on")
CONFIGURATION = Fault(
    "the configuration", "envctl.toml, the Terraform code, or what the account holds: not this change"
)
RIGHTS = Fault(
    "the configuration", "the role that envctl works with lacks a permission or its credentials have expired"
)
CAPACITY = Fault("AWS", "it is busy, has no capacity, or a quota of the account is used up: trying again may help")
LEFT_OVER = Fault("AWS", "something there does not go away by itself")
BUG = Fault("envctl itself", "this should not happen, whatever the change is")
NOBODY = Fault("nobody", "another run or a person came in between")

# What AWS and the way to it say when the same request may succeed later, or when a quota must be raised.
_OF_AWS = (
    "throttl",
    "rate exceeded",
    "requestlimitexceeded",
    "serviceunavailable",
    "service unavailable",
    "internalfailure",
    "internal failure",
    "internalerror",
    "internal error",
    "insufficient",
    "limitexceeded",
    "quotaexceeded",
    "limit exceeded",
    "maximum number of",
    "timeout while waiting",
    "timed out",
    "request send failed",
    "connection reset",
    "no such host",
    "statuscode: 50",
)


def fault_of(error: EnvctlError) -> Fault:
    """Return the probable cause. The exit code decides; what AWS said does where Terraform or AWS refused."""
    if error.code is ExitCode.TERRAFORM:
        said = error.message.lower()
        return CAPACITY if any(word in said for word in _OF_AWS) else CONFIGURATION
    if error.code is ExitCode.POLICY:
        return DATABASE if error.address else CONFIGURATION  # policy.py names the database that a plan replaces
    return _BY_CODE.get(error.code, BUG)


_BY_CODE = {
    ExitCode.UNEXPECTED: BUG,
    ExitCode.USAGE: CONFIGURATION,
    ExitCode.CREDENTIALS: RIGHTS,
    ExitCode.LOCKED: NOBODY,
    ExitCode.UNHEALTHY: CHANGE,
    ExitCode.NOT_CLEAN: LEFT_OVER,
    ExitCode.INTERRUPTED: NOBODY,
}
