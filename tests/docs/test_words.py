"""Documents, messages, docstrings and comments use the field's own words."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.layout import PROJECT
from tests.docs.tracked import listed

INSTEAD = {
    r"told|tells|says|said": "reports, shows, states",
    r"asked": "requested, targeted",
    r"leavers?|stayers?|who (?:has |had )?(?:left|stayed)": "churned, retained customers",
    r"in use|gone back from": "champion or live version, promoted, rolled back",
    r"(?:careful|fast) way": "slow path, fast path",
    r"torn|spoilt|gutted": "truncated, corrupt, invalid",
    r"doors?|edge|outlet|incoming|tether|guard|leftovers?|crew": "the standard name of the part",
    r"bills|stakes|drawn in": "monthly charges, payoff, shrunk",
    r"evidence": "known mask, known fields",
    r"mend(?:s|ed)?": "fix",
    r"of a day to come": "future date",
    r"further columns?": "extra columns",
    r"beside": "next to, also",
    r"nobody|whoever|of whom": "no customer, no one, each customer who",
}
_WORDS = {re.compile(rf"\b(?:{words})\b", re.IGNORECASE): what for words, what in INSTEAD.items()}
_PRODUCT = ("include/", "serving/", "local/", "dags/", "plugins/", "docker/")


def _files() -> list[Path]:
    files = listed()
    documents = [name for name in files if name.endswith(".md") and "pt-BR" not in name]
    code = [n for n in files if n.startswith(_PRODUCT) and n.endswith((".py", ".sql", ".sh"))]
    return [PROJECT / name for name in (*documents, *code)]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what people read in a file, with its lines: of Python, comments and strings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), start=1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def _found(path: Path) -> Iterator[str]:
    for line, text in _texts(path):
        for words, instead in _WORDS.items():
            for found in words.finditer(text):
                yield f"{path.relative_to(PROJECT)}:{line}: {found[0]!r}; write: {instead}"


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_file_uses_the_words_of_the_field(path: Path) -> None:
    assert not list(_found(path))


def _names(path: Path) -> Iterator[str]:
    """Yield the names of the tests of a module as sentences."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.replace("_", " ")


def test_the_names_of_tests_use_the_words_of_the_field() -> None:
    names = (name for path in (PROJECT / "tests").rglob("test_*.py") for name in _names(path))
    assert [name for name in names if any(words.search(name) for words in _WORDS)] == []


def test_each_word_would_be_found() -> None:
    for sentence in ("as it is told", "the bills of those who left", "A torn file.", "Nobody."):
        assert any(words.search(sentence) for words in _WORDS)
