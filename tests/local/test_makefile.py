"""The targets that the documents name are there, and the help lists them."""

import re
import shutil
import subprocess

from local.layout import PROJECT
from tests.docs.blocks import PAGES


def test_every_target_that_a_page_names_is_in_the_makefile() -> None:
    known = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        (page.name, target)
        for page in PAGES
        for target in re.findall(
            r"(?:`|\$ |^|; |&& )make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE
        )
    }
    assert len({target for _, target in named}) > 8
    assert {one for one in named if one[1] not in known} == set()


def test_make_alone_lists_every_target_with_a_word_on_it() -> None:
    listed = subprocess.run(
        [shutil.which("make") or "make", "-s"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for target in ("run", "up", "down", "status", "psql", "env", "test"):
        assert re.search(rf"^  make {target} +\S", listed, re.MULTILINE), target
