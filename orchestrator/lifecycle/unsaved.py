"""A state that Terraform could not save: kept in the bucket, compared, and pushed before anything else is done."""

from __future__ import annotations

from contextlib import suppress

from orchestrator import state as states
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice, Run
from orchestrator.lifecycle.context import Context

# What Terraform calls its own trouble with the backend, as opposed to that with the resources.
_SAVING = ("Failed to save state", "Failed to persist state to backend", "Error saving state")


def local(context: Context) -> bytes | None:
    """Return the state that a run of this checkout could not save, one that was killed included."""
    context.engine.keep_unsaved_state()
    file = context.workspace.errored
    return file.read_bytes() if file.exists() else None


def refuse(context: Context) -> None:
    """Raise EnvctlError when there is a state that could not be saved: nobody else knows what exists."""
    if local(context) is not None or context.store.errored(context.environment) is not None:
        raise _unsaved(context, "it has not been saved yet", "`envctl up` or `envctl destroy` saves it first.")


def save(context: Context) -> bool:
    """Save a state that an earlier run could not; return whether there was one. Terraform must be initialised.

    Raises EnvctlError when it cannot be saved, or when it is not a later one of the state that is there. Of two that
    could not be saved the one that knows all of the other is meant.
    """
    mine, theirs = local(context), context.store.errored(context.environment)
    if mine is None and theirs is None:
        return False
    body = fuller(mine, theirs)
    if body is None:
        why = "there is another one in the bucket, and neither is known to hold all that the other does"
        raise _unsaved(context, why, "Compare the two by hand: leave the right one in its place, and delete the other.")
    kept, current = states.parse(body), context.store.state(context.environment)
    follows = current is not None and kept.lineage == current.lineage and kept.serial > current.serial
    if body != theirs and (current is None or not current.readable or follows):
        # One that could never be saved is not put where it would keep everybody from the environment.
        if current and follows and not current.ids <= kept.ids and _overtaken(context):
            # Nor is it kept in the bucket: any checkout would save it from there.
            why = "another run has begun since, and the state that is there knows things that it does not"
            raise _unsaved(context, why, "Compare the two by hand.")
        context.store.keep_errored(context.environment, body)
    if not kept.readable:
        raise _unsaved(context, "it cannot be read", "Bring an older version of the object back.")
    # A state that knows all of it makes it superfluous: it was saved, but S3 answered an error or we were killed
    # before it was forgotten (pushed into an empty place, it has a new lineage).
    saved = current is not None and current.readable and kept.ids <= current.ids
    if current is not None and current.lineage != kept.lineage and not saved:
        raise _unsaved(context, "it is of another lineage than the state that is there", "Compare the two by hand.")
    if current is None or follows:
        file = context.workspace.errored
        if body != mine:
            context.workspace.write(file, body.decode())
        context.engine.push_state(file)
    elif not saved:
        raise _unsaved(context, "it is older than the state that is there", "Compare the two by hand.")
    context.workspace.errored.unlink(missing_ok=True)
    context.store.purge([context.environment.errored_key])
    context.emit(Notice("The state that could not be saved is saved."))
    return True


def fuller(mine: bytes | None, theirs: bytes | None) -> bytes | None:
    """Return the one of two states that knows all that the other one does, None when that is not certain. Pure."""
    if mine is None or theirs is None or mine == theirs:
        return theirs if mine is None else mine
    one, other = states.parse(mine), states.parse(theirs)
    if not one.readable or not other.readable:
        return None
    if one.ids == other.ids:
        return mine if one.serial >= other.serial else theirs
    if one.ids > other.ids:
        return mine
    return theirs if other.ids > one.ids else None


def _overtaken(context: Context) -> bool:
    """Return whether a run has begun since this checkout's state was left: the last one may not be what left it."""
    stored = context.store.read(context.environment)
    operation = stored.manifest.operation if stored else None
    return operation is not None and operation.started_at.timestamp() > context.workspace.errored.stat().st_mtime


def after(context: Context, run: Run) -> None:
    """After a run: save its state if it could not, and let the facts judge a run that failed at nothing else.

    It may also have been killed, when all was done and saved.
    """
    succeeded = run.complete and not run.errors
    if local(context) is not None:
        try:
            save(context)
        except EnvctlError as error:
            context.emit(Notice(error.message))
            return
        succeeded = bool(run.errors) and all(error.summary.startswith(_SAVING) for error in run.errors)
    if succeeded and run.exit_code != 0:
        with suppress(EnvctlError):  # then the exit code stands, and the next run sees what there is
            run.outputs = context.engine.outputs()
            run.exit_code = 0


def _unsaved(context: Context, why: str, hint: str) -> EnvctlError:
    place = f"s3://{context.environment.bucket}/{context.environment.errored_key}"
    if context.workspace.errored.exists():
        place = f"{str(context.workspace.errored)!r} and {place}"
    return EnvctlError(
        ExitCode.TERRAFORM,
        f"An earlier run of {context.environment.name} could not save its state ({place}): {why}.",
        hint,
    )
