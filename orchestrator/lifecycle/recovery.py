"""Making the account and Terraform's state agree again after a run that did not end well.

A run that was killed, interrupted or cut off leaves things that its state does not know (the call was made,
its answer lost), and things that the state distrusts though they are sound (a database whose restore
finished after Terraform had gone). The former are deleted, the latter trusted; nothing is made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from orchestrator.aws import databases, inventory, power, sweep
from orchestrator.aws.found import Found
from orchestrator.aws.store import Stored
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.events import Notice
from orchestrator.lifecycle.context import Context
from orchestrator.manifest import Manifest
from orchestrator.outcome import Leftover
from orchestrator.state import State

# AWS lists what it is still deleting: interfaces of a NAT gateway, a managed secret, a terminated volume.
# What has not changed for a while is not being deleted.
STILL_S = 45.0
POLL_S = 5.0
# A database that is being made, or deleted, does not move for many minutes and is moving all the same.
TIMEOUT_S = 300.0
BUSY_TIMEOUT_S = 3600.0
_BUSY = ("InvalidDBClusterStateFault", "InvalidDBInstanceState", "InvalidDBInstanceStateFault")
_DATA = ("rds:DBCluster", "rds:DBInstance")
_DATABASES = ("aws_rds_cluster", "aws_rds_cluster_instance", "aws_db_instance")


def in_doubt(stored: Stored | None) -> bool:
    """Return whether the last run may have left something that the state does not know. Pure."""
    return stored is None or stored.manifest.status not in ("ready", "unhealthy", "paused")


def recover(context: Context, record: Manifest | None, check: Callable[[], None]) -> bool:
    """Before an `up` that follows a run in doubt: delete what the state does not know, trust what is sound.

    Return whether anything was done. Raises EnvctlError (not clean) rather than delete a database that
    people have, or without a record may have, worked with. `check` as in `clear_doubles`.
    """
    known = context.store.state(context.environment)

    def look() -> tuple[Found, ...]:
        found = _strangers(context, known, None, handmade=False)
        check()
        return found

    orphans = look()
    if record is None or (record.applied_at and not record.replacing):
        data = [item.arn for item in orphans if item.type in _DATA]
        # A read replica only shows the data of another one: it can be made again.
        shown = _showing(context) if data else frozenset()
        lost = next((arn for arn in data if arn not in shown), None)
        if lost:
            raise unknown_database(context, lost)
    if orphans:
        with context.watch.step("recover", f"deleting {_count(orphans)} that an earlier run left in no state"):
            until_gone(context, look)
    trusted = _trust(context, known)
    return bool(orphans) or trusted


def database_is_gone(context: Context) -> bool:
    """Before an `up` that makes a database: return whether the environment has none, so that its data is restored.

    Raises EnvctlError (not clean) when one lives that the state does not know: the new one could only take its place.
    """
    living = power.standing(power.databases(context.session, context.environment))
    known = context.store.state(context.environment) or State()
    named = {database.identifier for database in known.databases}
    strange = next(
        (each for each in living if each.id not in named and not known.knows(each.type, each.id, each.arn)), None
    )
    if strange and known.readable:
        raise unknown_database(context, strange.arn)
    return not living


def _showing(context: Context) -> frozenset[str]:
    found = power.databases(context.session, context.environment)
    return frozenset(database.arn for database in found if not database.holds_data)


def unknown_database(context: Context, arn: str) -> EnvctlError:
    """Return the refusal to do what would cost the data of a database that lives and is in no state."""
    name, pr = context.environment.name, context.environment.pr
    return EnvctlError(
        ExitCode.NOT_CLEAN,
        f"The state of {name} does not know its database {arn}, and deleting it would lose its data.",
        "See whether state.bucket and state.prefix are what they were, or bring an older version of the state back. "
        f"If nobody has worked with it, delete it, or `envctl destroy --pr {pr}`.",
    )


def clear_doubles(context: Context, check: Callable[[], None]) -> tuple[Leftover, ...]:
    """After an apply that made something: delete what it made without knowing; return what would not go.

    EC2 may make a thing, answer with an error, and make another one when the provider asks again: the apply ends
    well and the first one would live, and count against the account's limits, as long as the environment.
    `check` raises when the lock is not ours any more: then the state may be that of another life. Raises EnvctlError.
    """
    known = context.store.state(context.environment)
    if known is None or known.empty:
        return ()  # what was just applied is in it: one without that is not what Terraform saved

    def look() -> tuple[Found, ...]:
        found = inventory.tagged_in_ec2(context.session, context.environment)
        check()
        return _unknown_with_tags(context, known, found)

    doubles = look()
    if not doubles:
        return ()
    with context.watch.step("recover", f"deleting {_count(doubles)} that AWS made and did not tell Terraform of"):
        return until_gone(context, look)


def clear_strangers(context: Context, vpc: str | None) -> None:
    """Before a destroy: delete what is the environment's own and Terraform does not know of.

    Terraform would wait for such a thing up to half an hour before it gave up on what it hangs on.
    """
    known = context.store.state(context.environment)
    strangers = _strangers(context, known, vpc, handmade=True)
    if strangers:
        with context.watch.step("sweep", f"deleting {_count(strangers)} that Terraform does not know of"):
            until_gone(context, lambda: _strangers(context, known, vpc, handmade=True))


def until_gone(
    context: Context, look: Callable[[], tuple[Found, ...]], delete: bool = True, patient: bool = True
) -> tuple[Leftover, ...]:
    """Sweep in passes until nothing is found or nothing moves; return what is left, with what AWS says of it.

    `delete`: sweep, or only look. Without `patient` it is not waited for what is not being deleted.
    """
    began = moved = context.watch.clock()
    before: tuple[Leftover, ...] | None = None
    while True:
        found = look()
        if not found:
            return ()
        swept = sweep.sweep(context.session, context.environment, found) if delete else sweep.Pass((), {})
        refused = swept.refused
        left = tuple(_explained(item.leftover, refused) for item in found)
        now = context.watch.clock()
        patient = patient or bool(swept.own)
        if left != before and patient:
            before, moved = left, now
            context.emit(Notice(f"Still listed: {len(left)}, the first is {left[0].arn} ({left[0].why})."))
        busy = any(item.moving for item in found) or any(why.startswith(_BUSY) for why in refused.values())
        limit = BUSY_TIMEOUT_S if busy else TIMEOUT_S
        if not patient or now - began >= limit or (not busy and now - moved >= STILL_S):
            return left
        context.sleep(POLL_S)


def _strangers(context: Context, known: State | None, vpc: str | None, handmade: bool) -> tuple[Found, ...]:
    """Return what stands in the account by itself and is in no state.

    `handmade`: what people made inside the environment's VPC counts as well, else only what carries its tags.
    """
    found = inventory.find(context.session, context.environment, vpc)
    if handmade:
        lent = _lent_addresses(context, known)
        return sweep.owned(context.session, context.environment, (*_unknown(known, found), *lent))
    return _unknown_with_tags(context, known, found)


def _lent_addresses(context: Context, known: State | None) -> list[Found]:
    """Return the addresses that people brought into the VPC. One that Terraform names is the team's, and stays theirs:
    released, an address that a partner's firewall knows cannot be had back. Without a state nobody knows whose it is.
    """
    if known is None or not known.readable:
        return []
    found = inventory.lent_addresses(context.session, context.environment)
    return [address for address in found if address.id not in known.addresses]


def _unknown_with_tags(context: Context, known: State | None, found: Iterable[Found]) -> tuple[Found, ...]:
    """Return what of `found` carries the environment's tags and no state knows; a stack's things are the stack's."""
    unknown = (item for item in _unknown(known, found) if "aws:cloudformation:stack-id" not in (item.tags or {}))
    return tuple(item for item in unknown if sweep.carries_tags(context.session, context.environment, item))


def _unknown(known: State | None, found: Iterable[Found]) -> list[Found]:
    if known is not None and not known.readable:
        return []  # it may know everything: Terraform says what is wrong with it
    state = known or State()
    return [item for item in found if item.parent is None and not state.knows(item.type, item.id, item.arn)]


def _trust(context: Context, known: State | None) -> bool:
    """Untaint each database that AWS has finished meanwhile; return whether there was one."""
    trusted = False
    for tainted in known.tainted if known else ():
        if tainted.type not in _DATABASES or not tainted.id:
            continue
        with context.watch.step("recover", f"waiting for {tainted.address}, which an earlier run left half-made"):
            sound = _wait_until_available(context, tainted.type == "aws_rds_cluster", tainted.id)
        if sound:
            context.engine.untaint(tainted.address)
            trusted = True
    return trusted


def _wait_until_available(context: Context, cluster: bool, identifier: str) -> bool:
    began = context.watch.clock()
    while True:
        status = databases.status(context.session, cluster, identifier)
        if status == "available":
            return True
        ended = status is None or status.startswith(
            ("failed", "incompatible", "inaccessible", "deleting", "restore-error")
        )
        if ended or context.watch.clock() - began > BUSY_TIMEOUT_S:
            return False
        context.sleep(POLL_S)


def _explained(item: Leftover, refused: dict[str, str]) -> Leftover:
    return replace(item, why=f"{item.why}; {refused[item.arn]}") if item.arn in refused else item


def _count(items: Iterable[object]) -> str:
    number = len(tuple(items))
    return "1 thing" if number == 1 else f"{number} things"
