"""`doctor`: everything that an `up` will need, looked at one by one; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from orchestrator import durations, terraform
from orchestrator.aws.session import Session, translated
from orchestrator.aws.store import Store
from orchestrator.config import Config
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.lifecycle import choosing
from orchestrator.outcome import Check, Outcome
from orchestrator.toolchain import Providers, Tool


def doctor(
    config: Config,
    root: Path,
    find_tool: Callable[[], Tool],
    find_providers: Callable[[], Providers],
    session: Session,
    store: Store,
    now: Callable[[], datetime],
) -> Outcome:
    """Return one check for each need; the exit code is that of the first that failed."""

    def terraform_check() -> str:
        tool = find_tool()
        return f"{terraform.version(tool)}, {tool.origin} ({tool.command[0]})"

    def root_check() -> str:
        if not any(root.glob("*.tf")):
            raise EnvctlError(
                ExitCode.USAGE,
                f"There is no Terraform root module in {str(root)!r}.",
                "Set root under [terraform].",
            )
        return str(root)

    def identity_check() -> str:
        with translated("asking who the credentials belong to"):
            caller = session.client("sts").get_caller_identity()
        return f"{caller['Arn']} in {session.region}"

    def bucket_check() -> str:
        if not store.check():
            raise EnvctlError(
                ExitCode.USAGE,
                f"The bucket {config.state.bucket} keeps no versions.",
                "Switch versioning on: a state that is overwritten by mistake can then be had back.",
            )
        return f"{config.state.bucket}, versioned"

    def snapshot_check() -> str:
        choice = choosing.choose(session, config.database, None, now())
        chosen = choice.snapshot
        assert chosen.created_at is not None  # noqa: S101 - choose() passes over those without a time
        age = durations.in_words((now() - chosen.created_at).total_seconds())
        notes = choosing.engine_notes(session, config.database, chosen, now())
        return " ".join([f"{chosen.id}, {age} old, {chosen.engine} {chosen.engine_version} ({choice.reason})", *notes])

    checks = (
        _check("Terraform", terraform_check),
        _check("providers", lambda: find_providers().describe()),
        _check("root module", root_check),
        _check("credentials", identity_check),
        _check("state bucket", bucket_check),
        _check("snapshot", snapshot_check),
    )
    failed = [check for check in checks if not check.ok]
    error = None
    if failed:
        names = ", ".join(check.name for check in failed)
        error = EnvctlError(failed[0].code, f"{len(failed)} of {len(checks)} checks failed: {names}.", failed[0].hint)
    return Outcome("doctor", checks=checks, error=error, exit_code=error.code if error else ExitCode.DONE)


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except EnvctlError as error:
        return Check(name, False, error.message, error.hint, error.code)
