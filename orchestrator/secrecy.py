"""Secrets that Terraform is handed through the environment, and text without them. Pure.

Terraform hides sensitive values itself, but not in what a provider or AWS says: "expected type to be one of
[...], got hunter2". What they say goes into the record, the log and the comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ALWAYS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
_HIDDEN = "(sensitive value)"
# Shorter ones cannot be told from other words.
_SHORTEST = 6
# A block of the top level ends where the next one begins.
_VARIABLE = re.compile(r'^variable\s+"(?P<name>[\w-]+)"\s*\{(?P<body>.*?)(?=^\w|\Z)', re.MULTILINE | re.DOTALL)
_SENSITIVE = re.compile(r"\bsensitive\s*=\s*true\b")
_TEXTS = re.compile(r'"((?:[^"\\]|\\.)+)"')


def secrets(code: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values in the environment of the variables that a root's `code` calls sensitive, and of credentials.

    Of a list or an object each text in it is one. The longest come first: one may be a part of another.
    """
    names = {found["name"] for text in code for found in _VARIABLE.finditer(text) if _SENSITIVE.search(found["body"])}
    values = [environ.get(f"TF_VAR_{name}", "") for name in names]
    values += [text for value in values if value.lstrip()[:1] in ("[", "{") for text in _TEXTS.findall(value)]
    values += [environ.get(name, "") for name in _ALWAYS]
    return tuple(sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True))


def without(text: str, hidden: Iterable[str]) -> str:
    """Return `text` with each of `hidden` made unreadable."""
    for value in hidden:
        text = text.replace(value, _HIDDEN)
    return text
