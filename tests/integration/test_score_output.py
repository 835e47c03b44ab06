"""What `churn score` writes to: replaced whole or left as it was, and never the file it reads."""

import csv
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Churn
from tests.customer_file import package
from tests.small_disk import fill, small_disk

HEADER = b"customer_id,tenure\n"
ROWS = HEADER + b"A,5\nB,70\n"
NOWHERE = "postgresql://churn@127.0.0.1:1/churn"
FORMER = b"what was there before\n"


@pytest.fixture
def churn(tmp_path: Path) -> Churn:
    """An installation without a database and with one model."""
    churn = Churn(tmp_path / "home", NOWHERE)
    churn.store.write_candidate(package().manifest, package().files)
    churn.store.publish(package().manifest.version)
    return churn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file to score."""
    made = tmp_path / "files"
    made.mkdir()
    (made / "in.csv").write_bytes(ROWS)
    return made


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _refused(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 1, finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stderr.splitlines()[-1]


def _itself(folder: Path, how: str) -> Path:
    other = folder / "other.csv"
    if how == "symbolic link":
        other.symlink_to("in.csv")
    elif how == "hard link":
        other.hardlink_to(folder / "in.csv")
    elif how == "link through a folder":
        (folder / "there").symlink_to(folder, target_is_directory=True)
        return folder / "there" / "in.csv"
    elif how == "dots":
        return folder / ".." / folder.name / "." / "in.csv"
    return other if other.exists() else folder / "in.csv"


HOWS = ["same path", "symbolic link", "hard link", "link through a folder", "dots"]


@pytest.mark.parametrize("how", HOWS)
def test_the_file_that_is_read_is_never_written_to(churn: Churn, folder: Path, how: str) -> None:
    target = _itself(folder, how)
    for source, to in ((folder / "in.csv", target), (target, folder / "in.csv")):
        assert "is the file that is read" in _refused(churn("score", source, to))
        assert (folder / "in.csv").read_bytes() == ROWS


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/proc/self/fd/1"])
def test_standard_output_that_goes_on_with_the_input_is_refused(
    churn: Churn, folder: Path, name: str
) -> None:
    path = folder / "in.csv"
    with path.open("ab") as stdout:
        done = churn.with_streams("score", path, name, stdout=stdout)
    assert done.returncode == 1
    assert path.read_bytes() == ROWS
    with path.open("rb") as stdin:
        done = churn.with_streams("score", "-", path, stdin=stdin)
    assert done.returncode == 1
    assert path.read_bytes() == ROWS


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/proc/self/fd/1"])
def test_standard_output_is_a_pipe_or_a_file_that_is_appended_to(
    churn: Churn, folder: Path, name: str
) -> None:
    piped = churn.process("score", folder / "in.csv", name)
    assert piped.stdout.count("\n") == 3
    log = folder / "log.csv"
    log.write_bytes(FORMER)
    with log.open("ab") as stdout:
        assert churn.with_streams("score", folder / "in.csv", name, stdout=stdout).returncode == 0
    assert log.read_bytes().startswith(FORMER)
    assert log.read_bytes().count(b"\n") == 4


def test_a_device_is_written_to_and_not_replaced(churn: Churn, folder: Path) -> None:
    assert churn("score", folder / "in.csv", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()
    assert "No space left on device" in _refused(churn("score", folder / "in.csv", "/dev/full"))
    with Path("/dev/full").open("wb") as stdout:
        full = churn.with_streams("score", folder / "in.csv", "-", stdout=stdout)
    assert full.returncode == 1
    assert b"Traceback" not in full.stderr


def test_a_former_file_is_replaced_whole_with_its_mode_and_through_its_link(
    churn: Churn, folder: Path
) -> None:
    target, link = folder / "out.csv", folder / "link.csv"
    target.write_bytes(FORMER * 1_000)
    target.chmod(0o640)
    link.symlink_to("out.csv")
    assert churn("score", folder / "in.csv", link).returncode == 0
    assert link.is_symlink()
    assert len(list(csv.reader(target.read_text().splitlines()))) == 3
    assert target.stat().st_mode & 0o777 == 0o640
    assert _names(folder) == {"in.csv", "out.csv", "link.csv"}


@pytest.mark.parametrize("broken", [b"\xff\xfe,x\n", HEADER + b"A,5\n" * 30_000 + b"\xe9,5\n"])
def test_a_file_that_cannot_be_read_to_its_end_leaves_the_former_output(
    churn: Churn, folder: Path, broken: bytes
) -> None:
    (folder / "in.csv").write_bytes(broken)
    (folder / "out.csv").write_bytes(FORMER)
    assert churn("score", folder / "in.csv", folder / "out.csv").returncode == 1
    assert (folder / "out.csv").read_bytes() == FORMER
    assert _names(folder) == {"in.csv", "out.csv"}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no-such-folder/out.csv", "No such file or directory"),
        ("in.csv/out.csv", "Not a directory"),
        (".", "Is a directory"),
        ("", "Is a directory"),
        ("/sys/kernel/out.csv", "cannot be written"),
        (f"{'long' * 70}.csv", "File name too long"),
    ],
)
def test_what_cannot_be_written_is_named_with_the_reason(
    churn: Churn, folder: Path, target: str, reason: str
) -> None:
    to = folder / target if target else target
    told = _refused(churn("score", folder / "in.csv", to))
    assert reason in told
    assert f"{to} cannot be written" in told
    assert _names(folder) == {"in.csv"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        yield disk


def test_a_full_disk_leaves_the_former_output_and_nothing_else(
    churn: Churn, folder: Path, disk: Path
) -> None:
    (folder / "in.csv").write_bytes(HEADER + b"A,5\n" * 40_000)
    (disk / "out.csv").write_bytes(FORMER)
    fill(disk, leave_mb=1)
    told = _refused(churn("score", folder / "in.csv", disk / "out.csv"))
    assert "No space left on device" in told
    assert "is as it was" in told
    assert (disk / "out.csv").read_bytes() == FORMER
    assert _names(disk) == {"out.csv", "ballast"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_command_leaves_the_former_output(
    churn: Churn, folder: Path, number: signal.Signals
) -> None:
    target = folder / "out.csv"
    target.write_bytes(FORMER)
    process = churn.started("score", "-", target)
    assert process.stdin
    process.stdin.write(HEADER + b"A,5\n" * 300_000)
    process.stdin.flush()
    _wait_for_temporary_file(folder)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert target.read_bytes() == FORMER
    if number == signal.SIGINT:
        assert _names(folder) == {"in.csv", "out.csv"}


def _wait_for_temporary_file(folder: Path) -> None:
    until = time.monotonic() + 30
    while not any(path.stat().st_size for path in folder.glob(".out.csv.*")):
        assert time.monotonic() < until
        time.sleep(0.02)
