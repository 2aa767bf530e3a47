"""SSM Parameter Store: one parameter, read and written."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.aws.session import Session, client_error, code_of, translated


@dataclass(frozen=True)
class Parameter:
    """A parameter as it was at one moment; `version` grows by one with each write."""

    arn: str
    value: str
    version: int


def read(session: Session, name: str) -> Parameter | None:
    """Return the parameter of that name or ARN, or None where there is none. One call."""
    ssm = session.client("ssm")
    with translated(f"reading the parameter {name}"):
        try:
            found = ssm.get_parameter(Name=name)["Parameter"]
        except client_error() as error:
            if code_of(error) == "ParameterNotFound":
                return None
            raise
    return Parameter(found["ARN"], found["Value"], found["Version"])


def write(session: Session, name: str, value: str) -> int:
    """Write `value` whatever is there, and return the parameter's new version.

    SSM knows no condition. Whoever read version n and gets n + 1 here knows that nobody wrote in between.
    """
    with translated(f"writing the parameter {name}"):
        return int(
            session.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)["Version"]
        )
