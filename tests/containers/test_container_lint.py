"""`python -m local.containers` finds what is wrong, also on a machine without Docker."""

import os
import shutil
from pathlib import Path

import pytest

from local import containers
from local.containers import PROJECT, Check

FILES = ("Dockerfile", "docker-compose.yaml", "docker")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in FILES:
        source = PROJECT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    return tmp_path


@pytest.fixture
def without_docker(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    return {**os.environ, "PATH": str(folder)}


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_projects_own_files_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert containers.main() == 0, capsys.readouterr().out


def test_a_machine_without_docker_skips_one_check_and_reports_why(
    project: Path, without_docker: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert containers.main(project, without_docker) == 0
    skipped = [line for line in capsys.readouterr().out.splitlines() if line.startswith("skip")]
    assert len(skipped) == 1
    assert "no `docker compose`" in skipped[0]


def test_a_base_image_without_a_tag_fails(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(project / "Dockerfile", "FROM debian\nUSER 1\n")
    assert containers.main(project) == 1
    assert "FAIL  hadolint Dockerfile" in capsys.readouterr().out


def test_a_misspelt_key_of_a_service_fails(
    project: Path, without_docker: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = project / "docker-compose.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("mem_limit", "memory_limit"))
    assert containers.main(project, without_docker) == 1
    assert "memory_limit" in capsys.readouterr().out


def test_a_broken_shell_script_fails_by_name(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(project / "docker" / "airflow-init.sh", "if true\n")
    assert containers.main(project) == 1
    assert "FAIL  bash -n docker/airflow-init.sh" in capsys.readouterr().out


def test_a_tool_that_is_not_installed_fails_and_is_named() -> None:
    outcome = containers.run(Check("lint", ("/nowhere/hadolint",)), {})
    assert not outcome.passed
    assert "/nowhere/hadolint did not start" in str(outcome)


def test_required_variables_are_found_once_each() -> None:
    assert containers.required_variables("${B:?x} ${A:?y} ${B:?x} ${C:-z} ${D}") == ("A", "B")
