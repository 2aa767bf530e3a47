"""Credentials that end while Terraform works leave half an environment: noticed before it begins."""

from __future__ import annotations

from orchestrator import durations, expiry
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice
from orchestrator.lifecycle.context import Context
from orchestrator.manifest import Manifest, OperationKind

_HINT = (
    "Get new ones that last longer: session-seconds in the workflows of `envctl init`, role-duration-seconds of "
    "aws-actions/configure-aws-credentials, --duration-seconds of `aws sts assume-role`; the role's MaxSessionDuration "
    "is the most that any may ask for."
)


def refuse_short_credentials(context: Context, record: Manifest | None, kind: OperationKind) -> None:
    """Raise EnvctlError (credentials) when they end before `kind` usually does; when it is close, say so."""
    if context.credentials_end is None:
        return
    left, usual = context.credentials_end - context.now(), expiry.usual(record, kind)
    in_words = durations.in_words(usual.total_seconds())
    if left.total_seconds() <= 0:
        raise EnvctlError(ExitCode.CREDENTIALS, "The AWS credentials have expired.", _HINT)
    left_words = durations.in_words(left.total_seconds())
    if left < usual:
        raise EnvctlError(
            ExitCode.CREDENTIALS,
            f"The AWS credentials expire in {left_words}, and this usually takes {in_words}: it would be cut off.",
            _HINT,
        )
    if left < 2 * usual:
        context.emit(Notice(f"The AWS credentials expire in {left_words}; this usually takes {in_words}."))
