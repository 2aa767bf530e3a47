"""How a correction takes the place of what moto does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Original = Callable[..., Any]


def around(owner: type, *names: str) -> Callable[[Original], Original]:
    """Replace each method of `owner` by `wrapper(original, self, ...)`."""

    def decorate(wrapper: Original) -> Original:
        for name in names:
            original = getattr(owner, name)

            def method(*args: Any, __original: Original = original, **kwargs: Any) -> Any:
                return wrapper(__original, *args, **kwargs)

            setattr(owner, name, functools.wraps(original)(method))
        return wrapper

    return decorate


def tags_of(listed: list[dict[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping; moto spells `Key` in lower case inside EC2."""
    return {tag.get("Key") or tag["key"]: tag.get("Value", tag.get("value", "")) for tag in listed or []}
