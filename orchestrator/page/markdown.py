"""Text from anywhere -> GitHub Markdown that shows exactly this text and does nothing else.

A title, a login, a snapshot's id, an error of Terraform's: whoever wrote it wrote it for somebody else's page.
Everything that is shown goes through here (the templates cannot leave it out, see `body`), and comes out

- on one line, without control characters, escape sequences of terminals and invisible or reordering ones,
- with every character that means something to Markdown, to its tables or to HTML as a character reference,
- with `@`, `#`, `GH-1`, `://` and `www.` broken by a zero-width space: GitHub looks for people, issues and
  links in the rendered page, where a character reference no longer protects.

It is safe behind other text of a line, not at the beginning of one: `-`, `+` and `1.` stay what they are.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Where a zero-width space goes: after @ and #, within ://, www. and GH-1.
_BREAKS = re.compile(r"(?<=[@#])|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=gh)(?=-[0-9])", re.IGNORECASE)
_ZERO_WIDTH = "&#8203;"
_REFERENCES = {ord(mark): f"&#{ord(mark)};" for mark in "&<>`*_~[]|\\$"}
_CODE = re.compile(r"`([^`]+)`")
# What a URL may hold to become a link: nothing that ends it in Markdown or HTML, and no `user:password@`.
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%/?&=+-]*)?")
_LONGEST_URL = 500


class Markdown(str):
    """Text that is Markdown already, escaped or written by us: it is shown as it is."""

    __slots__ = ()


def clean(text: str, limit: int = 1000) -> str:
    """Return `text` as one line of visible characters, at most `limit` of them."""
    text = _TERMINAL.sub("", text[: 4 * limit])
    # Cf: invisible or reordering, Cs: half of a pair, which nobody can send; Cc, Zl, Zp: control and line ends.
    kinds = ((character, unicodedata.category(character)) for character in text)
    visible = "".join(" " if kind in ("Cc", "Zl", "Zp") else c for c, kind in kinds if kind not in ("Cf", "Cs"))
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + ELLIPSIS


def text(value: object, limit: int = 1000) -> Markdown:
    """Return `value` as inert text; what stands between backticks becomes code, as our own hints mean it."""
    parts = _CODE.split(clean(str(value), limit))
    return Markdown("".join(code(part, limit) if index % 2 else _inert(part) for index, part in enumerate(parts)))


def code(value: object, limit: int = 300) -> Markdown:
    """Return `value` as inert code within a line."""
    shown = clean(str(value), limit)
    return Markdown(f"<code>{_inert(shown)}</code>" if shown else "")


def link(url: str, label: str | None = None) -> Markdown:
    """Return a link to `url`, named `label` or by itself; a URL of a strange form is only shown."""
    if len(url) > _LONGEST_URL or not _URL.fullmatch(url):
        return code(url)
    return Markdown(f"[{_inert(clean(label))}]({url})" if label else f"<{url}>")


def _inert(line: str) -> str:
    # A NUL stands for the zero-width space until the rest is escaped: `clean` lets none through.
    return _BREAKS.sub("\0", line).translate(_REFERENCES).replace("\0", _ZERO_WIDTH)
