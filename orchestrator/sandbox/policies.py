"""IAM's policy language, as much of it as this project writes: may this request be made? Pure.

The rules are those of the IAM user guide ("Policy evaluation logic", "IAM JSON policy elements: Condition
operators"). An operator that is not known raises: to guess would be to allow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

Values = str | tuple[str, ...]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """One action on one resource; `context` holds condition keys, a tuple where a key has several values."""

    action: str
    resource: str = "*"
    context: Mapping[str, Values] = field(default_factory=dict)
    principal: str | None = None

    def values(self, key: str) -> tuple[str, ...] | None:
        """Return the values of a condition key, or None when the request has none. Keys ignore case."""
        for name, value in self.context.items():
            if name.lower() == key.lower():
                return (value,) if isinstance(value, str) else value
        return None


def parse(text: str) -> Document:
    """Return the document of a policy's JSON."""
    document: Document = json.loads(text)
    return document


def permitted(policies: Iterable[Document], request: Request, boundary: Document | None = None) -> bool:
    """Return whether identity policies, and the boundary if there is one, permit the request."""
    if boundary is not None and decision([boundary], request) != "allow":
        return False
    return decision(policies, request) == "allow"


def decision(policies: Iterable[Document], request: Request) -> Literal["allow", "deny", "none"]:
    """Return what the statements say together: an explicit deny wins, and no word at all is none."""
    effects = {each["Effect"] for policy in policies for each in statements(policy) if _concerns(each, request)}
    if "Deny" in effects:
        return "deny"
    return "allow" if "Allow" in effects else "none"


def statements(policy: Document) -> Iterator[Mapping[str, Any]]:
    found = policy["Statement"]
    yield from (found if isinstance(found, list) else [found])


def listed(value: Any) -> list[str]:
    """Return what may stand alone or in a list as a list."""
    return [str(each) for each in value] if isinstance(value, list) else [_text(value)]


def _concerns(statement: Mapping[str, Any], request: Request) -> bool:
    return (
        _names(statement, "Action", request.action.lower(), lambda pattern: pattern.lower())
        and _names(statement, "Resource", request.resource, lambda pattern: pattern)
        and _trusts(statement.get("Principal"), request.principal)
        and all(
            _holds(operator, key, listed(wanted), request)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, wanted in pairs.items()
        )
    )


def _names(statement: Mapping[str, Any], element: str, value: str, spell: Callable[[str], str]) -> bool:
    if f"Not{element}" in statement:
        return not any(_like(spell(pattern), value) for pattern in listed(statement[f"Not{element}"]))
    if element not in statement:  # a trust policy names no resource
        return True
    return any(_like(spell(pattern), value) for pattern in listed(statement[element]))


def _trusts(principals: Any, principal: str | None) -> bool:
    if principals is None or principals == "*":
        return True
    return any(principal in listed(each) for each in principals.values())


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text), re.DOTALL)


def _like(pattern: str, value: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
}


def _holds(operator: str, key: str, wanted: list[str], request: Request) -> bool:
    quantifier, _, name = operator.rpartition(":")
    given = request.values(key)
    if name == "Null":
        return (given is None) == (wanted == ["true"])
    name, lenient = name.removesuffix("IfExists"), name.endswith("IfExists")
    # "Not" stands after the type: StringNotLike is not(StringLike), and holds when the key is missing.
    negated = "Not" in name
    test = _TESTS[name.replace("Not", "")]

    def one(value: str) -> bool:
        return any(test(each, value) for each in wanted) != negated

    if quantifier == "ForAllValues":
        return all(one(value) for value in given or ())
    if given is None:
        return lenient or (negated and quantifier != "ForAnyValue")
    return any(one(value) for value in given) if quantifier == "ForAnyValue" or not negated else all(map(one, given))
