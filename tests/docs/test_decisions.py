"""Every decision is a file of the agreed form, and stands in the index."""

import re
from itertools import chain
from pathlib import Path

import pytest

from local.layout import PROJECT

FOLDER = PROJECT / "docs" / "decisions"
FILES = sorted(FOLDER.glob("[0-9]*.md"))
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
FORM = re.compile(
    r"# (?P<number>\d{3})\. (?P<title>.+)\n\nDate: \d{4}-\d\d-\d\d\n"
    r"(\nSuperse(des|ded by) .+\n)*"
    r"\n## Decision\n\n[^#]+(\n## Measurement\n\n[^#]+)?(\n## Alternatives\n\n[^#]+)?"
)


@pytest.mark.parametrize("path", FILES, ids=lambda one: one.name)
def test_a_decision_has_the_form_and_is_in_the_index(path: Path) -> None:
    found = FORM.fullmatch(path.read_text(encoding="utf-8"))
    assert found, f"{path.name}: see docs/decisions/README.md for the form"
    assert path.name.startswith(f"{found['number']}-")
    assert f"| [{found['number']}]({path.name}) | {found['title']}" in INDEX


def test_numbers_are_consecutive() -> None:
    assert [int(path.name[:3]) for path in FILES] == [*range(1, len(FILES) + 1)]


def test_a_link_of_a_decision_leads_to_a_file() -> None:
    texts = (path.read_text(encoding="utf-8") for path in (*FILES, FOLDER / "README.md"))
    links = chain.from_iterable(re.findall(r"\]\(([^)#]+)\)", text) for text in texts)
    assert [link for link in links if not (FOLDER / link).is_file()] == []
