"""Outcome -> JSON envelope or text. Pure; colours are a style that is handed in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from orchestrator import durations
from orchestrator.errors import EnvctlError
from orchestrator.events import Resource
from orchestrator.identity import Environment
from orchestrator.manifest import Manifest, PinnedSnapshot, iso
from orchestrator.outcome import Decided, Outcome

SCHEMA = "envctl/v1"
# A symbol and a word for each status: never a colour alone.
SYMBOLS = {
    "ready": "✓",
    "destroyed": "✓",
    "creating": "…",
    "updating": "…",
    "destroying": "…",
    "paused": "‖",
    "unhealthy": "!",
    "failed": "✗",
}
COLOURS = {"✓": "green", "…": "cyan", "‖": "cyan", "!": "yellow", "✗": "red"}
Style = Callable[[str, str], str]
SLOWEST = 3


def plain(text: str, colour: str) -> str:
    """The style without colours."""
    return text


def envelope(outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Return the JSON object of the contract; absent parts are None."""
    snapshot, error = outcome.snapshot, outcome.error
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "command": outcome.command,
        "ok": outcome.ok,
        "environment": _environment(outcome.environment, outcome.manifest, outcome.status),
        "snapshot": _snapshot(snapshot, now) if snapshot else None,
        "changes": asdict(outcome.changes) if outcome.changes is not None else None,
        "resources": [_resource(r) for r in outcome.resources] if outcome.resources is not None else None,
        "outputs": outcome.outputs,
        "timings": _timings(outcome.timings) if outcome.timings is not None else None,
        "cost": asdict(outcome.cost) if outcome.cost is not None else None,
        "left": [asdict(item) for item in outcome.left] if outcome.left is not None else None,
        "error": _error(error) if error else None,
    }
    if outcome.command == "list":
        found = outcome.environments
        body["environments"] = None if found is None else [_environment(e, m, None) for e, m in found]
    if outcome.decisions is not None:
        body["decisions"] = [_decision(decided) for decided in outcome.decisions]
    if outcome.checks is not None:
        body["checks"] = [{"name": c.name, "ok": c.ok, "detail": c.detail, "hint": c.hint} for c in outcome.checks]
    return body


def _environment(
    environment: Environment | None, manifest: Manifest | None, status: str | None
) -> dict[str, Any] | None:
    if environment is None:
        return None
    return {
        "name": environment.name,
        "pr": environment.pr,
        "repository": environment.repository,
        "commit": manifest.commit if manifest else None,
        "status": status or (manifest.status if manifest else None),
        "url": manifest.url if manifest else None,
        "region": environment.region,
        "created_at": iso(manifest.created_at) if manifest else None,
        "expires_at": iso(manifest.expires_at) if manifest else None,
        "data_at": _time(manifest.data_at) if manifest else None,
        "paused_at": _time(manifest.paused_at) if manifest else None,
        "paused_by": manifest.paused_by if manifest else None,
        "state": {"bucket": environment.bucket, "key": environment.state_key},
    }


def _decision(decided: Decided) -> dict[str, Any]:
    return {
        "environment": _environment(decided.environment, decided.manifest, decided.status),
        "action": decided.action,
        "reason": decided.reason,
        "hint": decided.hint,
        "exit_code": int(decided.exit_code),
    }


def _time(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _snapshot(snapshot: PinnedSnapshot, now: datetime) -> dict[str, Any]:
    return {
        "arn": snapshot.arn,
        "id": snapshot.id,
        "kind": snapshot.kind,
        "engine": snapshot.engine,
        "engine_version": snapshot.engine_version,
        "created_at": iso(snapshot.created_at),
        "age_s": round((now - snapshot.created_at).total_seconds()),
        "age": durations.in_words((now - snapshot.created_at).total_seconds()),
        "reason": snapshot.reason,
    }


def _resource(resource: Resource) -> dict[str, Any]:
    return {
        "address": resource.address,
        "type": resource.type,
        "action": resource.action,
        "status": resource.phase,
        "elapsed_s": resource.elapsed_s,
    }


def _timings(timings: dict[str, float]) -> dict[str, float | None]:
    names = ("init_s", "plan_s", "apply_s", "health_s", "verify_s", "total_s")
    # The steps that only destroy has count as its apply.
    merged = dict(timings)
    if "destroy_s" in merged:
        merged["apply_s"] = merged.pop("destroy_s")
    return {name: merged.get(name) for name in names}


def _error(error: EnvctlError) -> dict[str, Any]:
    return {
        "code": error.code.name.lower(),
        "message": error.message,
        "hint": error.hint,
        "address": error.address,
    }


def text(outcome: Outcome, now: datetime, style: Style = plain) -> str:
    """Return what a person reads on stdout; empty when there is only an error to tell."""
    if outcome.command == "list":
        return _table(outcome, now, style)
    if outcome.command == "outputs":
        return "".join(f"{key} = {_value(value)}\n" for key, value in sorted((outcome.outputs or {}).items()))
    if outcome.command == "doctor":
        return _checks(outcome, style)
    if outcome.command == "plan":
        return _plan(outcome, now, style)
    if outcome.decisions is not None and outcome.environment is None:
        return _decisions(outcome.decisions, style)
    if outcome.command == "bootstrap":
        return _bootstrap(outcome, style)
    return _summary(outcome, now, style)


def failure(error: EnvctlError, style: Style = plain) -> str:
    """Return an error as a paragraph for stderr."""
    mark = style("✗", "red")
    where = f" [{error.address}]" if error.address and error.address not in error.message else ""
    hint = f"\n  {style('→', 'cyan')} {error.hint}" if error.hint else ""
    return f"{mark} {error.message}{where}{hint}\n"


def _status(status: str, style: Style) -> str:
    symbol = SYMBOLS.get(status, "?")
    return style(f"{symbol} {status}", COLOURS.get(symbol, "yellow"))


def _summary(outcome: Outcome, now: datetime, style: Style) -> str:
    environment, record = outcome.environment, outcome.manifest
    lines: list[str] = []
    status = outcome.status or (record.status if record else None)
    if environment and status:
        url = record.url if record and status != "destroyed" else None
        lines.append(f"{_status(status, style)}  {style(environment.name, 'bold')}" + (f"  {url}" if url else ""))
    if record and status != "destroyed":
        lines += _facts(record, now)
        if outcome.cost is not None:
            lines.append(_row("costs", f"about ${outcome.cost.hourly_usd:.2f} an hour (estimate, see docs/costs.md)"))
    if outcome.changes is not None and outcome.command != "plan":
        lines.append(_row("changes", _counts(outcome)))
    slow = [r for r in outcome.resources or () if r.phase == "done" and r.elapsed_s >= 1][:SLOWEST]
    if slow:
        lines.append(_row("slowest", ", ".join(f"{r.address} {durations.in_words(r.elapsed_s)}" for r in slow)))
    if outcome.timings:
        steps = [
            f"{n.removesuffix('_s')} {durations.in_words(s)}" for n, s in outcome.timings.items() if n != "total_s"
        ]
        total = durations.in_words(outcome.timings["total_s"])
        lines.append(_row("time", f"{total} ({', '.join(steps)})" if steps else total))
    if outcome.left is not None:
        lines += _left(outcome, style)
    lines += [_row("note", note) for note in outcome.notes]
    following = _next(outcome, status)
    if following:
        lines.append(_row("next", following))
    return "".join(f"{line}\n" for line in lines)


def _facts(record: Manifest, now: datetime) -> list[str]:
    snapshot = record.snapshot
    age = durations.in_words((now - snapshot.created_at).total_seconds())
    left = (record.expires_at - now).total_seconds()
    lines = [
        _row("snapshot", f"{snapshot.id}, {age} old, {snapshot.engine} {snapshot.engine_version}"),
        _row("", f"taken {iso(snapshot.created_at)} of {_of_kind(snapshot.kind)}"),
        _row("", f"chosen as {snapshot.reason}"),
    ]
    if record.replacing:
        lines.append(_row("data", "is being replaced by that of this snapshot; `envctl up` completes it"))
    elif record.data_at:
        restored = durations.in_words((now - record.data_at).total_seconds())
        lines.append(_row("data", f"restored {restored} ago ({iso(record.data_at)})"))
    if record.paused_at:
        since = durations.in_words((now - record.paused_at).total_seconds())
        lines.append(_row("paused", f"for {since}, by {'the schedule' if record.paused_by == 'schedule' else 'hand'}"))
    if record.commit:
        lines.append(_row("commit", record.commit))
    if record.outputs.get("database_endpoint"):
        lines.append(
            _row("database", f"{record.outputs['database_endpoint']}:{record.outputs.get('database_port', '')}")
        )
    if record.outputs.get("bastion_instance_id"):
        target = record.outputs["bastion_instance_id"]
        lines.append(_row("bastion", f"aws ssm start-session --target {target} --region {record.region}"))
    when = f"in {durations.in_words(left)}" if left > 0 else f"{durations.in_words(-left)} ago"
    lines.append(_row("expires", f"{when} ({iso(record.expires_at)})"))
    if record.operation and record.operation.outcome and record.status not in ("ready",):
        lines.append(_row("last", record.operation.outcome))
    return lines


def _of_kind(kind: str) -> str:
    return {"cluster": "an Aurora cluster", "instance": "an RDS instance"}.get(kind, kind)


def _row(label: str, value: str) -> str:
    return f"  {label:<9} {value}"


_DONE = {"create": "added", "update": "changed", "replace": "replaced", "delete": "destroyed"}


def _counts(outcome: Outcome) -> str:
    """Return what was done, not what was planned."""
    resources = outcome.resources or ()
    done = Counter(r.action for r in resources if r.phase == "done")
    parts = [f"{done[action]} {word}" for action, word in _DONE.items() if done[action]]
    failed = sum(r.phase != "done" for r in resources)
    if failed:
        parts.append(f"{failed} not finished")
    if parts:
        return ", ".join(parts)
    return "none: everything is as it should be" if outcome.command in ("up", "resume") and outcome.ok else "none"


def _left(outcome: Outcome, style: Style) -> list[str]:
    if not outcome.left:
        said = "✓ nothing in EC2, load balancing, auto scaling, RDS, logs, alarms, IAM and secrets"
        return [_row("left", style(said, "green"))] if outcome.error is None else []
    return [
        _row("left", style(f"✗ {len(outcome.left)}", "red")),
        *(f"    {i.arn} ({i.why})" for i in outcome.left),
    ]


def _next(outcome: Outcome, status: str | None) -> str | None:
    if outcome.environment is None or outcome.error is not None:
        return None
    pr = outcome.environment.pr
    if outcome.command == "up":
        return f"envctl show --pr {pr} · envctl destroy --pr {pr}"
    return None


def _plan(outcome: Outcome, now: datetime, style: Style) -> str:
    marks = {
        "create": ("+", "green"),
        "update": ("~", "yellow"),
        "replace": ("±", "red"),
        "delete": ("-", "red"),
    }
    lines = []
    for resource in outcome.resources or ():
        mark, colour = marks.get(resource.action, ("?", "yellow"))
        lines.append(f"  {style(mark, colour)} {resource.address}")
    changes = outcome.changes
    if changes:
        lines.append(
            f"Plan: {changes.add} to add, {changes.change} to change, {changes.replace} to replace, "
            f"{changes.destroy} to destroy."
        )
    else:
        lines.append("✓ No changes: everything is as it should be.")
    if outcome.snapshot:
        age = durations.in_words((now - outcome.snapshot.created_at).total_seconds())
        pinned = "pinned at creation" if outcome.manifest else "would be pinned"
        lines.append(_row("snapshot", f"{outcome.snapshot.id}, {age} old ({pinned}: {outcome.snapshot.reason})"))
    lines += [_row("note", note) for note in outcome.notes]
    return "".join(f"{line}\n" for line in lines)


def _bootstrap(outcome: Outcome, style: Style) -> str:
    if outcome.error or not outcome.outputs:
        return ""
    roles = outcome.outputs["role_arns"]
    lines = [
        style("✓ The account is ready.", "green"),
        _row("bucket", str(outcome.outputs["bucket"])),
        *(_row(name, str(roles[name])) for name in ("preview", "reaper", "plan")),
        _row("boundary", str(outcome.outputs["permissions_boundary_arn"])),
        _row("next", "`envctl init` with --preview-role and --reaper-role, and in envctl.toml:"),
        "    [terraform]",
        f"    permissions_boundary_arn = {json.dumps(outcome.outputs['permissions_boundary_arn'])}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _table(outcome: Outcome, now: datetime, style: Style) -> str:
    if not outcome.environments:
        return "There are no environments.\n"
    header = ("PR", "STATUS", "DATA", "EXPIRES", "URL")
    rows = []
    for environment, record in outcome.environments:
        left = (record.expires_at - now).total_seconds()
        rows.append(
            (
                f"#{environment.pr}",
                f"{SYMBOLS.get(record.status, '?')} {record.status}",
                f"{durations.in_words((now - record.snapshot.created_at).total_seconds())} old",
                f"in {durations.in_words(left)}" if left > 0 else f"{durations.in_words(-left)} ago",
                record.url or "-",
            )
        )
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [style("  ".join(c.ljust(w) for c, w in zip(header, widths, strict=True)).rstrip(), "bold")]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[1] = style(cells[1], COLOURS.get(row[1][0], "yellow"))
        lines.append("  ".join(cells).rstrip())
    return "".join(f"{line}\n" for line in lines)


def _decisions(decisions: tuple[Decided, ...], style: Style) -> str:
    """Return one line for each pull request; what did not end well has its exit code."""
    if not decisions:
        return "There are no environments and no open pull requests.\n"
    width = max(len(f"#{decided.environment.pr}") for decided in decisions)
    lines = []
    for decided in decisions:
        mark = style("✗", "red") if decided.exit_code else style("✓", "green")
        ended = f" (exit {int(decided.exit_code)})" if decided.exit_code else ""
        number = f"#{decided.environment.pr}".ljust(width)
        lines.append(f"{mark} {number}  {style(decided.action.ljust(7), 'bold')}  {decided.reason}{ended}")
    return "".join(f"{line}\n" for line in lines)


def _checks(outcome: Outcome, style: Style) -> str:
    lines = []
    for check in outcome.checks or ():
        mark = style("✓ ok", "green") if check.ok else style("✗ no", "red")
        lines.append(f"{mark}  {check.name:<13} {check.detail}")
        if not check.ok and check.hint:
            lines.append(f"{'':20}{style('→', 'cyan')} {check.hint}")
    return "".join(f"{line}\n" for line in lines)


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value)
