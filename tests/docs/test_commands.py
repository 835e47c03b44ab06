"""Every command of the documents is run as it is printed."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from churn.registry.store import CARD, ModelStore, read_version
from local import databases
from local.databases import PIPELINE, Database
from local.layout import PROJECT
from local.postgres import Server
from tests.docs import site as sites
from tests.docs.blocks import COMMANDS, PAGES, Block, blocks, find, shown_after
from tests.docs.site import Site

pytestmark = pytest.mark.slow

RUN_HERE = {
    page.name: [one for one in blocks(page) if one.language in COMMANDS and not one.marker]
    for page in PAGES
}


@dataclass(frozen=True)
class Trained:
    """A site with two versions, and the name of its database."""

    site: Site
    database: str


@pytest.fixture(scope="module")
def trained(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    name = f"churn_docs_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        databases.create_database(connection, Database(name=name, owner=PIPELINE))
        try:
            url = postgres_server.url(name, role=PIPELINE)
            site = sites.make(tmp_path_factory.mktemp("docs") / "churn", url)
            sites.train_twice(site)
            yield Trained(site, name)
        finally:
            databases.drop_database(connection, name)


@pytest.fixture
def site(trained: Trained, postgres_server: Server, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / f"site-{secrets.token_hex(4)}"
    with sites.copied(trained.site, postgres_server, trained.database, folder) as site:
        yield site


@pytest.mark.parametrize("page", [name for name, found in RUN_HERE.items() if found])
def test_the_commands_of_a_page_run_as_they_are_printed(site: Site, page: str) -> None:
    text = next(one for one in PAGES if one.name == page).read_text(encoding="utf-8")
    here = sites.renamed(site, text)
    for block in RUN_HERE[page]:
        assert block.commands.strip(), f"{block.where} holds no command"
        here.run(block)


def test_the_answer_that_is_shown_is_the_one_that_is_given(site: Site) -> None:
    given = _json(site.run(find("api.md", '"gender": 1')))
    shown = _json(shown_after("api.md", '"gender": 1').text)
    assert _paths(shown) == _paths(given)
    assert given["prediction"] == shown["prediction"]


def test_the_problem_that_is_shown_is_the_one_that_is_given(site: Site) -> None:
    given = _json(site.run(find("api.md", '"tenur"')))
    shown = _json(shown_after("api.md", '"tenur"').text)
    assert _paths(shown) == _paths(given)
    for name in ("type", "title", "status"):
        assert given[name] == shown[name]
    assert str(given["detail"]).startswith(str(shown["detail"]).removesuffix("…"))


def test_the_figures_of_the_readme_are_those_of_the_models_card(trained: Trained) -> None:
    """The first version is of the shipped file; `churn models show` prints its card."""
    store = ModelStore(trained.site.folder / ".local" / "models")
    card = read_version(store.published(store.versions()[0])).files[CARD].decode()
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w -]+) \| (0\.\d{4}) \((.*?)\) \| (\S+) \|$", text, re.MULTILINE)
    assert len(rows) >= 5
    for name, mean, interval, majority in rows:
        pattern = rf"^\| {name}.*\| {mean} \({interval}\) \|.*\| {majority} \|$"
        assert re.search(pattern, card, re.MULTILINE), name


def test_a_block_that_fails_is_found(site: Site) -> None:
    for language, text in {"console": "$ churn load none.csv", "sql": "SELECT 1 FROM none"}.items():
        with pytest.raises(AssertionError):
            site.run(Block("page", 1, language, text))


def _json(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def _paths(value: object, path: str = "") -> set[str]:
    if isinstance(value, dict):
        return {one for key, part in value.items() for one in _paths(part, f"{path}.{key}")}
    if isinstance(value, list):
        return {one for part in value for one in _paths(part, f"{path}[]")}
    return {path}
