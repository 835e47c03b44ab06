"""The table of what is protected names tests that exist."""

import re

from local.containers import PROJECT

DOCS = (PROJECT / "docs" / "containers.md").read_text(encoding="utf-8")
HEADING = "| what is protected | from whom | by which test |"
_NAMED = re.compile(r"`(?:([\w/]+\.py)::)?(test_\w+)`")


def rows() -> list[list[str]]:
    """Return the cells of each row below the heading and its line."""
    table = DOCS.split(HEADING, 1)[1].split("\n\n", 1)[0].strip().splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_no_row_of_the_table_is_empty() -> None:
    assert len(rows()) > 20
    for cells in rows():
        assert len(cells) == 3
        assert all(cells), cells


def test_every_test_that_the_table_names_exists() -> None:
    for _, _, named in rows():
        found = _NAMED.findall(named)
        assert found, named
        file = ""
        for given, name in found:
            file = given or file
            path = PROJECT / (file if "/" in file else f"tests/compose/{file}")
            assert f"def {name}(" in path.read_text(encoding="utf-8"), f"{path}: {name}"
