"""What is thrown at envctl: any JSON, valid things with something wrong in them, and how many examples of each."""

from __future__ import annotations

import copy
import json
import os
import re
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# A hundred of each in `make test`; `make chaos` asks for more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))


def examples(share: float = 1.0) -> settings:
    """Return settings for a test; `share` is for what takes longer, or shorter, than most."""
    return settings(
        max_examples=max(10, int(EXAMPLES * share)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


TEXT = st.text(max_size=40)
# Numbers without bound, surrogates in escapes, text in every script: what JSON allows.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from([10**400, -0.0, "\ud800", "\0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
DEEP = st.integers(1, 20_000).map(lambda depth: "[" * depth + "]" * depth)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def damaged(draw: st.DrawFn, valid: Any) -> Any:
    """A copy of `valid` with one to three values replaced, removed or added somewhere in it."""
    value = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        value = _damage(draw, value)
    return value


def _damage(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        what = draw(st.integers(0, 6))
        if what == 0:
            del value[key]
        elif what == 1:
            value[draw(TEXT)] = draw(JSON)
        else:
            value[key] = _damage(draw, value[key])
        return value
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        value[place] = _damage(draw, value[place])
        return value
    return draw(JSON)


@st.composite
def lacking(draw: st.DrawFn, valid: Any, always: str = "") -> Any:
    """A copy of an answer of AWS as botocore may hand it over: its types are as documented, but fields can be missing,
    lists empty, texts anything and numbers whatever a number can be. Fields that the regular expression `always`
    matches are there, and their texts stand as they are."""
    if isinstance(valid, dict):
        kept = [key for key in valid if re.fullmatch(always, key) or draw(st.integers(0, 9))]
        as_is = [key for key in kept if re.fullmatch(always, key) and isinstance(valid[key], str)]
        return {key: valid[key] if key in as_is else draw(lacking(valid[key], always)) for key in kept}
    if isinstance(valid, list):
        return [draw(lacking(value, always)) for value in valid for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])))]
    if draw(st.integers(0, 4)):
        return valid
    if isinstance(valid, str):
        return draw(TEXT)
    if isinstance(valid, float):
        return draw(st.floats())
    return draw(st.integers(-(2**31), 2**31 - 1)) if type(valid) is int else valid
