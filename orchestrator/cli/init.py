"""`envctl init`: the configuration and the workflows, into another repository."""

from __future__ import annotations

import json as json_module
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import Json, NoColor, Quiet, Verbose
from orchestrator.cli.terminal import Terminal
from orchestrator.errors import EnvctlError, ExitCode

if TYPE_CHECKING:
    from orchestrator.scaffold import Answers, Change, Question


def _option(text: str, metavar: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar=metavar, help=text)
    return option


def init(
    project: Annotated[str | None, _option("The project; default: made from the git remote.", "NAME")] = None,
    region: Annotated[str | None, _option("AWS region; default: the AWS environment's.", "REGION")] = None,
    bucket: Annotated[str | None, _option("S3 bucket for the state.", "NAME")] = None,
    source: Annotated[str | None, _option("Production's cluster or instance.", "ID")] = None,
    preview_role: Annotated[str | None, _option("Role that makes environments.", "ARN")] = None,
    reaper_role: Annotated[str | None, _option("Role that takes them away every hour.", "ARN")] = None,
    envctl: Annotated[
        str | None, _option("Repository of envctl; default: its own checkout's remote.", "OWNER/NAME")
    ] = None,
    ref: Annotated[str | None, _option("Commit of envctl; default: its own checkout's HEAD.", "SHA")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written; write nothing.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> int:
    """Write envctl.toml and the workflows into the repository that you are in."""
    from orchestrator import scaffold, scaffold_files

    terminal = Terminal(json, quiet, verbose, no_color)
    directory = _repository()
    before = scaffold_files.read(directory, scaffold.PATHS)
    given = {
        "project": project,
        "region": region,
        "bucket": bucket,
        "source": source,
        "preview_role": preview_role,
        "reaper_role": reaper_role,
        "envctl": envctl,
        "ref": ref,
    }
    answers = _answers(terminal, given, _defaults(directory) | scaffold.remembered(before))
    changes = scaffold.changes(before, scaffold.render(answers))
    different = [change.path for change in changes if change.status == "different"]
    if not json:
        for change in changes:
            terminal.out(_shown(terminal, change, all_of_it=dry_run))
    if dry_run:
        return _finish(terminal, changes, written=False)
    if different and not force:
        if not terminal.interactive:
            return _finish(terminal, changes, written=False, error=_refusal(different))
        terminal.confirm(f"Overwrite {_named(different)}?", yes=False)
    scaffold_files.write(directory, {c.path: c.after for c in changes if c.status != "unchanged"})
    terminal.say(f"The workflows call {answers.envctl} at {answers.ref[:12]}: that commit has to be on GitHub.")
    return _finish(terminal, changes, written=True)


def _repository() -> Path:
    from orchestrator import git

    here = Path.cwd()
    top = git.top(here)
    if top is not None and top != here:
        raise EnvctlError(
            ExitCode.USAGE,
            "This is not the top directory of the repository, where GitHub looks for workflows.",
            f"Run it in {str(top)!r}.",
        )
    return here


def _defaults(directory: Path) -> dict[str, str]:
    """Return what is known without asking: from the git remote, the AWS environment and envctl's own checkout."""
    from orchestrator import git, scaffold
    from orchestrator.cli.wiring import HOME

    remote = git.repository(directory)
    own = (HOME / ".git").exists()  # else it may lie within somebody else's checkout, whose commit is none of envctl's
    found = {
        "project": scaffold.project_name(remote) if remote else None,
        "region": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        "envctl": git.repository(HOME) if own else None,
        "ref": git.head(HOME) if own else None,
    }
    return {field: value for field, value in found.items() if value}


def _answers(terminal: Terminal, given: Mapping[str, str | None], defaults: Mapping[str, str]) -> Answers:
    """Return all answers: of the options, of a person, or of the defaults. Raises EnvctlError (usage)."""
    from orchestrator import scaffold

    found: dict[str, str] = {}
    missing: list[str] = []
    wrong: list[str] = []
    for question in scaffold.QUESTIONS:
        answer = given[question.field]
        if answer is None and terminal.interactive:
            answer = _asked(terminal, question, defaults.get(question.field))
        elif answer is None:
            answer = defaults.get(question.field)
        if answer is None:
            missing.append(question.option)
            continue
        problem = scaffold.problem(question, answer)
        if problem:
            wrong.append(f"{question.option} {problem}")
        found[question.field] = answer
    if wrong or missing:
        listed = [*wrong, *(f"{option} is missing" for option in missing)]
        raise EnvctlError(
            ExitCode.USAGE,
            "Not everything that is needed is known:\n" + "\n".join(f"  - {line}" for line in listed),
            "Give these options, or run it at a terminal to be asked. Nothing was written.",
        )
    return scaffold.Answers(**found)


def _asked(terminal: Terminal, question: Question, default: str | None) -> str:
    from orchestrator import scaffold

    while True:
        answer = terminal.ask(question.text, default)
        problem = scaffold.problem(question, answer)
        if problem is None:
            return answer
        terminal.err(f"  {terminal.err_style('✗', 'red')} {problem}\n")


def _shown(terminal: Terminal, change: Change, all_of_it: bool) -> str:
    """Return a diff for what would be overwritten (with `all_of_it` also for new files)."""
    if change.status != "different" and not all_of_it:
        return ""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    lines = change.diff.splitlines()
    return "".join(f"{terminal.out_style(line, colours[line[0]]) if line[:1] in colours else line}\n" for line in lines)


def _refusal(different: list[str]) -> EnvctlError:
    return EnvctlError(
        ExitCode.USAGE,
        f"{_named(different)} {'differs' if len(different) == 1 else 'differ'} from what would be written.",
        "Nothing was written. --force overwrites.",
    )


def _named(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{', '.join(paths[:-1])} and {paths[-1]}"


def _finish(terminal: Terminal, changes: tuple[Change, ...], written: bool, error: EnvctlError | None = None) -> int:
    from orchestrator import report
    from orchestrator.cli.wiring import utc_now
    from orchestrator.outcome import Outcome

    code = error.code if error else ExitCode.DONE
    if terminal.json:
        files = [
            {"path": c.path, "status": c.status, "written": written and c.status != "unchanged", "diff": c.diff}
            for c in changes
        ]
        body = report.envelope(Outcome("init", error=error, exit_code=code), utc_now()) | {"files": files}
        terminal.out(json_module.dumps(body, indent=2) + "\n")
    elif error is None:
        done = {"new": "written", "different": "overwritten"} if written else {"new": "new", "different": "different"}
        for change in changes:
            said = done.get(change.status, change.status)
            mark = terminal.out_style("✓", "green") if written or said == "unchanged" else "→"
            terminal.out(f"{mark} {said:<11} {change.path}\n")
    if error is not None:
        terminal.err(report.failure(error, terminal.err_style))
    elif written and any(change.status != "unchanged" for change in changes):
        terminal.say("Next: `envctl doctor`, then commit these files to the default branch.")
    return int(code)
