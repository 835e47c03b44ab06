"""The environment is installed once, healed when half installed, and failures are one line."""

import shutil
from pathlib import Path

import pytest

from local import bootstrap, installing


def project(folder: Path) -> Path:
    for name in bootstrap.INGREDIENTS:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return folder


def test_any_change_of_a_lock_or_the_python_asks_for_an_installation(tmp_path: Path) -> None:
    before = bootstrap.fingerprint(project(tmp_path), (3, 11))
    assert bootstrap.fingerprint(tmp_path, (3, 11)) == before
    assert bootstrap.fingerprint(tmp_path, (3, 12)) != before
    (tmp_path / "locks" / "dev.lock").write_text("changed")
    assert bootstrap.fingerprint(tmp_path, (3, 11)) != before


def test_an_interrupted_installation_has_no_stamp_and_is_done_again(tmp_path: Path) -> None:
    stamp = tmp_path / "installed"
    assert not bootstrap.is_installed(stamp, "abc")
    stamp.write_text("another\n")
    assert not bootstrap.is_installed(stamp, "abc")
    stamp.write_text("abc\n")
    assert bootstrap.is_installed(stamp, "abc")


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("ensurepip is not\navailable", "apt install python3-venv"),
        ("Temporary failure in name resolution", "Check the network"),
        ("OSError: [Errno 28] No space left on device", "free about 2 GB"),
        ("first\nERROR: no matching distribution\n\n", "no matching distribution"),
        ("", "no output"),
    ],
)
def test_a_failed_step_is_one_line_with_advice(output: str, advice: str) -> None:
    line = bootstrap.explain(output, "installing")
    assert advice in line
    assert "\n" not in line


def test_a_failing_command_stops_the_installation_with_its_reason() -> None:
    with pytest.raises(bootstrap.BootstrapError, match="a step failed: told why"):
        bootstrap.step("a step", ["sh", "-c", "echo told why >&2; exit 3"])


def _package(site: Path, name: str) -> None:
    record = site / f"{name}-1.0.dist-info"
    (site / name).mkdir(parents=True)
    (site / name / "__init__.py").touch()
    record.mkdir()
    (record / "RECORD").write_text(f"{name}/__init__.py,,\n../../../bin/{name}.py,,\n")


def test_a_package_whose_module_was_deleted_is_found(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    _package(site, "whole")
    _package(site, "torn")
    assert installing.damaged_packages(tmp_path) == []
    shutil.rmtree(site / "torn")
    assert [record.name for record in installing.damaged_packages(tmp_path)] == [
        "torn-1.0.dist-info"
    ]
