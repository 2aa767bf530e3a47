"""Which call meets which fault: rules read from a file, drawn with a seed. Pure but for the counting.

seed = 7

[[rule]]
name = "throttled"          # as it is counted
service = "ec2"             # the name that requests are signed for: ec2, s3, rds, elasticloadbalancing ...
action = "Create*|Run*"     # patterns, any of which may match
nth = 2                     # the first matching call that it may hit
times = 20                  # how many it hits; 0: without end
probability = 0.3           # of each of them
fault = "refuse"            # see FAULTS
error = "throttled"         # a word of answers.ERRORS, or an error code together with a status
"""

from __future__ import annotations

import json
import random
import threading
import tomllib
from collections import Counter
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, get_args

Fault = Literal["delay", "refuse", "refuse-after", "reset", "reset-after", "rewrite"]
"""Answer late; refuse instead of doing it; do it and say that it failed; break the connection before or after it
was done; change words of the answer (a resource that stays `creating`)."""
FAULTS = get_args(Fault)


@dataclass(frozen=True)
class Call:
    """One request, as far as rules look at it. `number` counts the proxy's calls from 1."""

    service: str
    action: str
    method: str
    path: str
    agent: str = ""
    number: int = 0

    def __str__(self) -> str:
        place = f" {self.path}" if self.service == "s3" else ""
        return f"{self.service}:{self.action}{place}"


@dataclass(frozen=True)
class Rule:
    """A fault and the calls that it is for; `seconds` is the delay, `rewrite` pairs of old and new text."""

    fault: Fault
    name: str = ""
    service: str = "*"
    action: str = "*"
    method: str = "*"
    path: str = "*"
    agent: str = "*"
    nth: int = 1
    times: int = 1
    probability: float = 1.0
    error: str = "internal"
    status: int = 0
    message: str = ""
    seconds: float = 0.0
    rewrite: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise ValueError(f"fault {self.fault!r} is none of {', '.join(FAULTS)}")

    @property
    def label(self) -> str:
        return self.name or f"{self.fault} {self.service}:{self.action}"

    def matches(self, call: Call) -> bool:
        return all(
            _any(getattr(self, part), getattr(call, part)) for part in ("service", "action", "method", "path", "agent")
        )


def _any(patterns: str, text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns.split("|"))


class Rules:
    """Rules in order, the first that hits decides; equal seeds and equal calls give equal faults."""

    def __init__(self, rules: tuple[Rule, ...] = (), seed: int = 0) -> None:
        self._rules = rules
        self._random = [random.Random(f"{seed}/{place}") for place in range(len(rules))]
        self._matched: Counter[int] = Counter()
        self._hits: Counter[int] = Counter()
        self._lock = threading.Lock()

    def decide(self, call: Call) -> Rule | None:
        with self._lock:
            for place, rule in enumerate(self._rules):
                if not rule.matches(call):
                    continue
                self._matched[place] += 1
                late, spent = self._matched[place] >= rule.nth, rule.times and self._hits[place] >= rule.times
                if late and not spent and self._random[place].random() < rule.probability:
                    self._hits[place] += 1
                    return rule
            return None

    @property
    def hits(self) -> dict[str, int]:
        """How often each rule was applied."""
        with self._lock:
            counted: Counter[str] = Counter()
            for place, rule in enumerate(self._rules):
                counted[rule.label] += self._hits[place]
            return dict(counted)


def parse(values: dict[str, Any]) -> Rules:
    """Make rules from what a file holds. Raises ValueError that names what is wrong."""
    known = {field.name for field in fields(Rule)}
    made = []
    for raw in values.get("rule", ()):
        if raw.keys() - known:
            raise ValueError(f"a rule has no {', '.join(sorted(raw.keys() - known))}")
        if "fault" not in raw:
            raise ValueError("a rule needs a fault")
        made.append(Rule(**{**raw, "rewrite": tuple((old, new) for old, new in raw.get("rewrite", ()))}))
    return Rules(tuple(made), int(values.get("seed", 0)))


def load(file: Path) -> Rules:
    """Read rules from TOML, or from JSON of the same form."""
    text = file.read_text()
    return parse(json.loads(text) if file.suffix == ".json" else tomllib.loads(text))
