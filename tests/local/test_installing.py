"""What an installer prints becomes a count; where uv cannot install, pip does."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local import bootstrap, installing
from local.console import Console
from local.installing import Output

_PREPARING = "⠙ Preparing packages... (0/0)\n⠙ Preparing packages... (12/230)\nnumpy 1 MiB/2 MiB"
_PIP = "Collecting a==1\n  Downloading a-1.whl\nCollecting b==2\nRequirement already satisfied: c\n"


@pytest.mark.parametrize(
    ("text", "progress"),
    [
        ("", "looking the packages up"),
        ("⠋ Resolving dependencies...", "looking the packages up"),
        (_PREPARING, "12 of 230 downloaded"),
        ("[226/227] scipy\nInstalled 227 packages in 1s\n", "all 227 installed, compiling them"),
        (f"{_PREPARING}\n░░ [0/0] Installing\n███░ [41/230] numpy==2.4.6", "41 of 230 installed"),
    ],
)
def test_the_progress_of_uv_is_a_count(text: str, progress: str) -> None:
    assert installing.uv_progress(text) == progress


def test_the_progress_of_pip_is_a_count(tmp_path: Path) -> None:
    for name in ("a-1", "b-2", "pip-26"):
        (tmp_path / f"{name}.dist-info").mkdir()
    assert installing.pip_progress(_PIP, total=3, packages=tmp_path) == "2 of 3 downloaded"
    text = f"{_PIP}Installing collected packages: a, b, c\n"
    assert installing.pip_progress(text, total=9, packages=tmp_path) == "3 of 9 installed"


@pytest.mark.slow
def test_uv_shows_its_bars_on_the_terminal_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = _small_project(tmp_path, monkeypatch)
    output = Output()
    command = [*bootstrap.uv("sync"), "--require-hashes", str(lock)]
    environment = {**os.environ, **bootstrap.SILENT, **_only("UV", tmp_path)}
    assert installing.run(command, folder=tmp_path, environment=environment, output=output) == 0
    assert installing.uv_progress(output.text) == "all 2 installed, compiling them"


@pytest.mark.slow
def test_where_uv_finds_nothing_pip_installs_and_no_advice_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _small_project(tmp_path, monkeypatch)
    for name, value in {"UV_NO_INDEX": "1", **_only("PIP", tmp_path)}.items():
        monkeypatch.setenv(name, value)
    bootstrap.install_locked()
    printed = capsys.readouterr().out
    assert re.search(r"uv cannot install them here \(.+\); trying pip\n", printed)
    assert "installing 2 packages with pip" in printed
    assert "make again" not in printed
    found = subprocess.run([bootstrap.python(), "-c", "import one, two"], check=False)
    assert found.returncode == 0


@pytest.mark.slow
def test_where_pip_finds_nothing_either_the_installation_stops_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_project(tmp_path, monkeypatch)
    for name in ("UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, str(tmp_path / "locks"))
    with pytest.raises(bootstrap.BootstrapError, match=r"2 packages with pip failed: .*make again"):
        bootstrap.install_locked()


@pytest.mark.slow
def test_a_silent_step_shows_every_five_seconds_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "CONSOLE", Console())
    script = "printf '(3/9)'; sleep 5.5; printf '[4/9]'; sleep 5.5"
    with bootstrap.CONSOLE.beating():
        bootstrap.step("installing", ["sh", "-c", script], installing.uv_progress)
    lines = [line.partition("] ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "installing",
        "... installing: 3 of 9 downloaded (5 s)",
        "... installing: 4 of 9 installed (10 s)",
    ]


def _only(program: str, folder: Path) -> dict[str, str]:
    """Let an installer look into one folder and nowhere else."""
    return {f"{program}_NO_INDEX": "1", f"{program}_FIND_LINKS": str(folder / "wheels")}


def _small_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an environment with pip and this one's uv, and a lock of two small packages."""
    environment, lock = folder / ".venv", folder / "locks" / "dev.lock"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    packages = environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    here = Path(sys.prefix)
    (environment / "bin" / "uv").symlink_to(here / "bin" / "uv")
    (packages / "uv").symlink_to(here / packages.relative_to(environment) / "uv")
    (folder / "wheels").mkdir()
    lock.parent.mkdir()
    lock.write_text("".join(_wheel(folder / "wheels", name) for name in ("one", "two")))
    for name, value in {"PROJECT": folder, "ENVIRONMENT": environment, "LOCK": lock}.items():
        monkeypatch.setattr(bootstrap, name, value)
    return lock


def _wheel(folder: Path, name: str) -> str:
    """Write a wheel of one module; return its line of a lock."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    record = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{record}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{record}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{file},{_record_hash(text)},{len(text)}" for file, text in files.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{record}/RECORD", "\n".join([*lines, f"{record}/RECORD,,", ""]))
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def _record_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
