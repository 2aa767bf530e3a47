"""envctl.toml, ENVCTL_* and flags -> one frozen, valid Config.

Flags win over the environment, the environment over the file, the file over the defaults. All problems
are reported at once, each with its key and what is allowed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from orchestrator import git
from orchestrator.config import Config
from orchestrator.errors import EnvctlError, ExitCode

DEFAULT_FILE = "envctl.toml"
PREFIX = "ENVCTL_"
# Of the provider, against AWS itself.
ENOUGH_RETRIES = 25
# Variables that are not configuration keys: which file, which pull request, which binary.
OTHER_VARIABLES = frozenset({"ENVCTL_CONFIG", "ENVCTL_PR", "ENVCTL_TERRAFORM"})


def load(
    path: Path | None,
    environ: Mapping[str, str],
    directory: Path,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
) -> tuple[Config, Path]:
    """Return the configuration and the directory that its relative paths begin at.

    `path` is what `-c` or ENVCTL_CONFIG named (it must exist); without it `envctl.toml` in `directory`
    is read if it is there. `overrides` are values of command line flags by section and key.
    Raises EnvctlError (usage) that lists every problem.
    """
    file = path or directory / DEFAULT_FILE
    values, label = _file_values(file, required=path is not None)
    problems: list[str] = []
    origin = _apply_environment(values, environ, problems)
    for section, keys in (overrides or {}).items():
        for key, value in keys.items():
            _section_of(values, section)[key] = value
            origin[(section, key)] = "the command line"
    values.setdefault("project", {})
    if isinstance(values["project"], dict) and not values["project"].get("repository"):
        found = environ.get("GITHUB_REPOSITORY") or git.repository(directory)
        if found:
            values["project"]["repository"] = found
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        problems.extend(_describe(error, origin))
        config = None
    if config and not environ.get("AWS_ENDPOINT_URL") and config.terraform.max_retries < ENOUGH_RETRIES:
        problems.append(
            f"terraform.max_retries: must be at least {ENOUGH_RETRIES} (given: {config.terraform.max_retries}); AWS "
            "throttles a busy account for minutes, and only an emulator (AWS_ENDPOINT_URL) can do with fewer"
        )
    if problems or config is None:
        raise _refusal(label, problems)
    return config, file.resolve().parent if label else directory


def problems(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the values of a configuration, by section and key; nothing if it is valid."""
    try:
        Config.model_validate(values)
    except ValidationError as error:
        return _describe(error, {})
    return []


def _file_values(file: Path, required: bool) -> tuple[dict[str, Any], str]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream), file.name
    except FileNotFoundError:
        if not required:
            return {}, ""
        raise EnvctlError(
            ExitCode.USAGE,
            f"The configuration file {str(file)!r} does not exist.",
            "Name another with -c or ENVCTL_CONFIG.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise EnvctlError(
            ExitCode.USAGE,
            f"{str(file)!r} cannot be read: {reason}.",
            "Name another with -c or ENVCTL_CONFIG.",
        ) from None
    except (ValueError, RecursionError) as error:  # tomllib lets numbers and nesting without end through
        raise EnvctlError(
            ExitCode.USAGE, f"{file.name} is not valid TOML: {error}.", "Mend the line that it names."
        ) from None


def _section_of(values: dict[str, Any], section: str) -> dict[str, Any]:
    found = values.setdefault(section, {})
    # A file that says `web = 3`: it stays, and the model says so when it is validated.
    return found if isinstance(found, dict) else {}


def _apply_environment(
    values: dict[str, Any], environ: Mapping[str, str], problems: list[str]
) -> dict[tuple[str, str], str]:
    origin: dict[tuple[str, str], str] = {}
    sections = Config.model_fields
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in OTHER_VARIABLES:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        known = _keys(section)
        if section == "tags" and key:
            key = name.partition("__")[2]  # tag keys are case-sensitive
        elif section not in sections or key not in known:
            problems.append(f"{name}: unknown variable{_suggest(name, _variables())}")
            continue
        _section_of(values, section)[key] = environ[name]
        origin[(section, key)] = name
    return origin


def _keys(section: str) -> list[str]:
    field = Config.model_fields.get(section)
    model = field.annotation if field else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _required(section: str) -> list[str]:
    model = cast(type[BaseModel], Config.model_fields[section].annotation)  # every required section is one
    return [name for name, field in model.model_fields.items() if field.is_required()]


def _variables() -> list[str]:
    names = [f"{PREFIX}{s}__{k}".upper() for s in Config.model_fields for k in _keys(s)]
    return [*names, *OTHER_VARIABLES]


def _suggest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _describe(error: ValidationError, origin: Mapping[tuple[str, str], str]) -> list[str]:
    lines: list[str] = []
    for item in error.errors(include_url=False):
        place = tuple(str(part) for part in item["loc"])
        if item["type"] == "missing" and len(place) == 1:  # a whole section: name what it must hold
            lines.extend(f"{place[0]}.{key}: is required" for key in _required(place[0]))
            continue
        key = ".".join(place)
        source = origin.get(place[:2])  # type: ignore[arg-type]
        named = f"{key} (from {source})" if source else key
        lines.append(f"{named}: {_explain(item, place)}")
    return lines


def _explain(item: Any, place: tuple[str, ...]) -> str:
    kind, context, given = item["type"], item.get("ctx", {}), item.get("input")
    shown = repr(given) if len(repr(given)) <= 80 else repr(given)[:77] + "..."
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        known = list(Config.model_fields) if len(place) == 1 else _keys(place[0])
        return f"unknown key{_suggest(place[-1], known) or '.'} Allowed: {', '.join(known)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a table, as in [{place[0]}] (given: {shown})"
    if kind == "value_error":  # our own words
        said = str(context["error"])
        if isinstance(given, dict):  # of several keys together, which the message names
            return said
    elif kind == "string_pattern_mismatch":
        said = f"must be {_PATTERNS['.'.join(place)]}"
    else:
        said = _WORDS.get(kind, item["msg"]).format_map(context)
    told = isinstance(given, str) and shown in said
    return said if told else f"{said} (given: {shown})"


# pydantic's errors, for people who never heard of it.
_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of reasonable size",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "string_too_short": "must not be empty",
    "string_type": "must be text in quotes",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}

# What the regular expressions mean, for people.
_PATTERNS = {
    "project.name": "1 to 12 of a-z 0-9 -, a letter first",
    "project.repository": "'owner/name'",
    "project.region": "a region such as us-east-1",
    "state.bucket": "a bucket's name: 3 to 63 of a-z 0-9 . -",
    "state.prefix": "a key prefix such as environments, without a slash at either end",
    "terraform.permissions_boundary_arn": "the ARN of an IAM policy, or nothing",
    "database.source_account": "an account's 12 digits, or nothing",
    "database.source_parameter": "the name or the ARN of an SSM parameter, as in /envctl/shop-prod/latest-snapshot",
    "database.source": "an RDS identifier: letters, digits and -, a letter first",
    "database.instance_class": "a class such as db.t4g.medium or db.serverless",
    "database.kms_key_arn": "the ARN of a KMS key, or nothing",
    "web.instance_type": "an instance type such as t3.micro",
    "web.health_check_path": "a path such as /healthz",
    "web.artifact": "'s3://bucket/key.tar.gz', with {pr} and {commit} in the key, or nothing for the built-in page",
    "web.certificate_arn": "the ARN of an ACM certificate, or nothing",
    "github.label": "a label: 1 to 50 letters, digits, spaces and . _ : / -",
    "web.ami": "an image id such as ami-0123456789abcdef0, or nothing",
}


def _refusal(label: str, problems: list[str]) -> EnvctlError:
    where = label or "the configuration (no envctl.toml here; ENVCTL_* variables only)"
    listed = "\n".join(f"  - {problem}" for problem in problems)
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return EnvctlError(
        ExitCode.USAGE,
        f"{count} in {where}:\n{listed}",
        "Mend envctl.toml or the ENVCTL_* variables; `envctl config schema` prints every key.",
    )
