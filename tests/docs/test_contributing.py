"""The walk-throughs of CONTRIBUTING.md, each followed in a copy of the tree."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from local.layout import PROJECT
from tests.docs.blocks import Block, blocks
from tests.docs.tracked import GIT, listed

PAGE = PROJECT / "CONTRIBUTING.md"
_HEADING = re.compile(r"^### (.+)$", re.MULTILINE)


def _walk_throughs() -> dict[str, list[Block]]:
    """Return the blocks under each heading of the third level."""
    text = PAGE.read_text(encoding="utf-8")
    starts = {text.count("\n", 0, found.start()): found[1] for found in _HEADING.finditer(text)}
    found: dict[str, list[Block]] = {heading: [] for heading in starts.values()}
    for block in blocks(PAGE):
        before = [line for line in starts if line < block.line]
        if before:
            found[starts[max(before)]].append(block)
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the files that git knows, with the environment of the original."""
    copy = tmp_path / "churn"
    for name in listed("--cached", "--others", "--exclude-standard"):
        if (PROJECT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((PROJECT / name).read_bytes())
    (copy / ".venv").symlink_to(PROJECT / ".venv")
    return copy


def test_there_are_four_walk_throughs_with_a_diff_and_commands_each() -> None:
    found = _walk_throughs()
    assert len(found) == 4
    for heading, steps in found.items():
        assert {"diff", "sh"} <= {step.language for step in steps}, heading


def test_the_targets_of_make_that_are_named_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", PAGE.read_text(encoding="utf-8")))
    assert named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.slow
@pytest.mark.parametrize("heading", sorted(_walk_throughs()))
def test_a_walk_through_works_as_it_is_printed(
    heading: str, tree: Path, database_url: str, tmp_path: Path
) -> None:
    environment = os.environ | {
        "PATH": f"{PROJECT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": f"{tree / 'include'}:{tree}",
        "CHURN_DATABASE_URL": database_url,
        "CHURN_MODEL_STORE": str(tmp_path / "models"),
    }
    for step in _walk_throughs()[heading]:
        command = (
            [GIT, "apply", "-"]
            if step.language == "diff"
            else ["bash", "-eo", "pipefail", "-c", step.commands]
        )
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            input=step.text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step.where}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
