"""Every entry point prints any text on a terminal of any encoding."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.layout import PROJECT

# What a user starts, by `make` or by hand; PARTS are started by the stack and print into its logs.
ENTRY_POINTS = {
    "include/churn/cli/main.py",
    "local/__main__.py",
    "local/bootstrap.py",
    "local/containers.py",
    "local/dotenv.py",
    "serving/api/__main__.py",
    "benchmarks/__main__.py",
}
PARTS = {"local/launch.py", "local/parent_death.py", "local/watchdog.py"}
TERMINALS = {
    "LANG=C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "latin-1, strict": {"PYTHONIOENCODING": "latin-1:strict"},
}
NAME = "clientes_ação_客户"
each_terminal = pytest.mark.parametrize("terminal", TERMINALS.values(), ids=TERMINALS.keys())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the commands need, in a folder that no single-byte encoding can write."""
    folder = tmp_path_factory.mktemp("terminals") / NAME
    for part in ("local", "docker", "include/churn"):
        shutil.copytree(PROJECT / part, folder / part)
    for part in (".env.example", "docker-compose.yaml", "Dockerfile"):
        shutil.copy2(PROJECT / part, folder / part)
    return folder


def run(folder: Path, terminal: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(folder / "include"), str(folder))),
        **terminal,
    }
    return subprocess.run(
        (sys.executable, *words), cwd=folder, env=environment, capture_output=True, check=False
    )


@each_terminal
@pytest.mark.parametrize(
    ("module", "arguments", "code"),
    [
        ("local", ("down",), 0),  # there is no stack in FOLDER
        ("local.dotenv", (), 0),  # FOLDER/.env was written
        ("local.containers", (), 0),
        ("local.bootstrap", (), 1),  # FOLDER/pyproject.toml is not there
        ("churn.cli.main", ("--help",), 0),
        ("serving.api", ("--help",), 0),
    ],
)
def test_a_path_that_the_terminal_cannot_show_is_escaped(
    project: Path, terminal: dict[str, str], module: str, arguments: tuple[str, ...], code: int
) -> None:
    done = run(project, terminal, "-m", module, *arguments)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert done.returncode == code, done


def test_every_entry_point_prepares_its_terminal_first() -> None:
    found = {
        str(path.relative_to(PROJECT))
        for folder in ("include", "local", "serving")
        for path in (PROJECT / folder).rglob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert found | {"include/churn/cli/main.py", "benchmarks/__main__.py"} == ENTRY_POINTS | PARTS
    for name in ENTRY_POINTS:
        tree = ast.parse((PROJECT / name).read_text(encoding="utf-8"))
        (main,) = (one for one in tree.body if getattr(one, "name", "") == "main")
        assert isinstance(main, ast.FunctionDef)
        first = " ".join(ast.unparse(line) for line in main.body[1:3])
        assert "print_any_text()" in first or "errors='backslashreplace'" in first, name
