"""No block of a document is left out: it is run as printed, or names the test that does so."""

import re

import pytest

from local.layout import PROJECT
from tests.docs.blocks import COMMANDS, PAGES, SHOWN, Block, blocks

ALL = [block for page in PAGES for block in blocks(page)]


def test_there_are_blocks_on_most_pages() -> None:
    assert len([one for one in ALL if one.language in COMMANDS]) > 30
    assert {one.page for one in ALL} >= {"README.md", "README.pt-BR.md", "registry.md", "api.md"}


@pytest.mark.parametrize("block", ALL, ids=lambda one: one.where)
def test_a_block_names_its_language(block: Block) -> None:
    assert block.language in COMMANDS | SHOWN, "indent nothing: use a fence with a language"


@pytest.mark.parametrize(
    "block", [one for one in ALL if one.language not in COMMANDS], ids=lambda one: one.where
)
def test_a_block_that_is_only_shown_holds_no_command(block: Block) -> None:
    assert not re.search(r"^\$ ", block.text, re.MULTILINE)


@pytest.mark.parametrize(
    "block", [one for one in ALL if one.marker.startswith("<!--")], ids=lambda one: one.where
)
def test_a_block_that_is_run_elsewhere_names_a_test_that_exists(block: Block) -> None:
    assert block.test, f"{block.where}: {block.marker} is no marker (tests/docs/blocks.py)"
    file, _, name = block.test.partition("::")
    assert re.search(rf"^def {name}\(", (PROJECT / file).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_the_command_churn_is_called_by_its_name_alone(page: object) -> None:
    """`. .venv/bin/activate` puts it on PATH, once per terminal; no page calls it otherwise."""
    text = next(one for one in PAGES if one == page).read_text(encoding="utf-8")
    assert ".venv/bin/churn" not in text
    if any(
        re.search(r"(?:^|[|&(] ?|\$ )churn ", one.text, re.MULTILINE) for one in blocks_of(page)
    ):
        assert ". .venv/bin/activate" in text or "operating.md#the-command-churn" in text


def blocks_of(page: object) -> list[Block]:
    return [one for one in ALL if one.page == getattr(page, "name", "") and not one.test]
