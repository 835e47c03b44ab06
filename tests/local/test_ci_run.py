"""`.ci/run` runs every part, also after one that failed, and its exit status shows a failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.layout import PROJECT

PARTS = ["check", "test-all", "test-compose"]
MAKE = """#!/bin/sh
echo "$@" >>"$TARGETS"
[ "$1" != "$FAILING" ]
"""


def _run(folder: Path, *, failing: str) -> tuple[int, list[str]]:
    """Run a copy of it with a `make` that fails for one target; return the status and targets."""
    programs, targets = folder / "bin", folder / "targets"
    programs.mkdir()
    for name in ("make", "chromium"):  # with a chromium on the path, none is installed
        (programs / name).write_text(MAKE)
        (programs / name).chmod(0o700)
    (folder / ".ci").mkdir()
    script = shutil.copy2(PROJECT / ".ci" / "run", folder / ".ci")
    path = f"{programs}:{os.environ['PATH']}"
    environment = {"PATH": path, "TARGETS": str(targets), "FAILING": failing}
    done = subprocess.run([script], env=environment, cwd="/", timeout=60, check=False)
    return done.returncode, targets.read_text().splitlines()


@pytest.mark.parametrize("failing", PARTS)
def test_it_fails_when_one_part_fails_and_runs_the_others(tmp_path: Path, failing: str) -> None:
    assert _run(tmp_path, failing=failing) == (1, PARTS)


def test_it_succeeds_when_every_part_does(tmp_path: Path) -> None:
    assert _run(tmp_path, failing="") == (0, PARTS)


PYTEST = """#!/bin/sh
echo "$2" >>"$MARKED"
[ "$2" != "$FAILING" ]
"""


@pytest.mark.parametrize("failing", ["not stack", "stack", ""])
def test_every_test_is_run_also_after_a_failure_which_make_reports(
    tmp_path: Path, failing: str
) -> None:
    marked, pytest_ = tmp_path / "marked", tmp_path / "pytest"
    pytest_.write_text(PYTEST)
    pytest_.chmod(0o700)
    done = subprocess.run(
        [shutil.which("make") or "make", "--silent", f"VENV={tmp_path}", "PYTHON=true", "test-all"],
        env={"PATH": os.environ["PATH"], "MARKED": str(marked), "FAILING": failing},
        cwd=PROJECT,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert marked.read_text().splitlines() == ["not stack", "stack"]
    assert (done.returncode == 0) == (failing == "")
