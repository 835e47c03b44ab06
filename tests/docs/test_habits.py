"""The files that tools of developers read name what exists."""

from pathlib import Path

import pytest
import yaml

from local.layout import PROJECT

HOOKS = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))


def test_every_hook_is_local() -> None:
    assert [repository["repo"] for repository in HOOKS["repos"]] == ["local"]


@pytest.mark.parametrize("hook", HOOKS["repos"][0]["hooks"], ids=lambda hook: hook["id"])
def test_a_hook_calls_a_tool_that_is_installed(hook: dict[str, str]) -> None:
    command, *arguments = hook["entry"].split()
    assert (PROJECT / command).exists()
    assert all((PROJECT / one).exists() for one in arguments if "/" in one)


def test_the_workflow_calls_what_the_tests_are() -> None:
    steps = WORKFLOW["jobs"]["run"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands == [".ci/run"]
    assert Path(PROJECT / commands[0]).stat().st_mode & 0o100
    for step in steps:
        if "uses" in step:
            assert "@v" in step["uses"]


def test_the_editor_knows_the_length_that_ruff_allows() -> None:
    settings = (PROJECT / ".editorconfig").read_text(encoding="utf-8")
    pyproject = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert "max_line_length = 100" in settings
    assert "line-length = 100" in pyproject
