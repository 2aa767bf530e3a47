"""What a reader of GitHub sees of Markdown: its text and its tags, as a renderer of CommonMark and tables has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ZERO_WIDTH = "\u200b"


@dataclass
class Page(HTMLParser):
    """A rendered page: every tag with its attributes, every comment, the text outside and inside of code."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    prose: str = ""
    code: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._depth = 0

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._depth += tag == "code"

    def handle_endtag(self, tag):
        self._depth -= tag == "code"

    def handle_comment(self, data):
        self.comments.append(data)

    def handle_data(self, data):
        self.text += data
        if self._depth:
            self.code += data
        else:
            self.prose += data

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.tags}

    @property
    def targets(self) -> list[str | None]:
        """Where its links and pictures lead."""
        return [value for _, attributes in self.tags for name, value in attributes.items() if name in ("href", "src")]


def page(markdown: str) -> Page:
    made = Page()
    made.feed(_MARKDOWN.render(markdown))
    made.close()
    return made
