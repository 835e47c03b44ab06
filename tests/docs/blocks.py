"""The code blocks of the documents, and the commands that they hold.

A block in one of COMMANDS is run as it is printed. A comment before it names the test that does so
instead: `<!-- run by PATH::TEST -->`, or `<!-- not run: REASON; see PATH::TEST -->`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from local.layout import PROJECT

COMMANDS: Final = frozenset({"console", "sh", "sql", "python"})
SHOWN: Final = frozenset({"text", "json", "csv", "yaml", "nginx", "caddyfile"})
PAGES: Final = (
    PROJECT / "README.md",
    PROJECT / "README.pt-BR.md",
    *sorted((PROJECT / "docs").glob("*.md")),
)
_MARKER: Final = re.compile(
    r"<!-- (?:run by|not run: (?P<reason>[^;]+); see) (?P<test>\S+::test_\w+) -->"
)


@dataclass(frozen=True)
class Block:
    """A code block, the test that a comment before it names, and the JSON that is shown after."""

    page: str
    line: int
    language: str
    text: str
    marker: str = ""

    @property
    def where(self) -> str:
        """The place in the document."""
        return f"{self.page}:{self.line}"

    @property
    def test(self) -> str:
        """The test that runs the block elsewhere, empty if none is named."""
        found = _MARKER.fullmatch(self.marker)
        return found["test"] if found else ""

    @property
    def commands(self) -> str:
        """What a reader types: for a console, the lines after `$ ` with their continuations."""
        if self.language != "console":
            return self.text
        lines, typed = [], False
        for line in self.text.splitlines():
            starts = line.startswith("$ ")
            if starts or typed:
                lines.append(line.removeprefix("$ "))
            typed = (starts or typed) and line.endswith("\\")
        return "\n".join(lines)


def blocks(path: Path) -> tuple[Block, ...]:
    """Return every code block of a document."""
    return tuple(_found(path.name, _parse(path.read_text(encoding="utf-8"))))


def find(page: str, words: str) -> Block:
    """Return the one block of commands of a page with these words."""
    (path,) = (one for one in PAGES if one.name == page)
    (found,) = (one for one in blocks(path) if one.language in COMMANDS and words in one.text)
    return found


def shown_after(page: str, words: str) -> Block:
    """Return the block that follows the one of commands with these words: what they print."""
    (path,) = (one for one in PAGES if one.name == page)
    (after,) = (b for a, b in pairwise(blocks(path)) if a == find(page, words))
    return after


def _parse(text: str) -> Sequence[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def _found(page: str, tokens: Sequence[Token]) -> Iterator[Block]:
    before = ""
    for token in tokens:
        if token.type in ("fence", "code_block"):
            line = (token.map or [0])[0] + 1
            yield Block(page, line, token.info.strip(), token.content, before)
        before = token.content.strip() if token.type == "html_block" else ""
