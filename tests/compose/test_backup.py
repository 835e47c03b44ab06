"""The commands of docs/containers.md save a stack's volumes and bring them back elsewhere."""

import re
import subprocess
from pathlib import Path

import pytest

from local.containers import PROJECT
from local.summary import FIRST_CUSTOMER
from tests.compose import checks
from tests.compose.pipeline import count, eventually, predict, served, settled
from tests.compose.progress import Progress
from tests.compose.project import Project

DOCS = (PROJECT / "docs" / "containers.md").read_text(encoding="utf-8")


def block(heading: str) -> str:
    """Return the commands under a heading of the docs."""
    (found,) = re.findall(rf"^## {heading}\n.*?```sh\n(.*?)```", DOCS, re.MULTILINE | re.DOTALL)
    return str(found)


def run(project: Project, commands: str, folder: Path) -> None:
    """Run commands of the docs as they stand there, for a project, in a folder."""
    names = {
        "COMPOSE_PROJECT_NAME": project.name,
        "COMPOSE_FILE": ":".join(map(str, project.files)),
        "API_PORT": str(project.api_port),
        "AIRFLOW_PORT": str(project.airflow_port),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env={**project.engine.environment, **names},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("trained")
def test_a_backup_is_restored_into_empty_volumes(
    stack: Project, tmp_path: Path, progress: Progress
) -> None:
    rows = settled(stack, "prediction_logs")
    progress.say("backing up, and restoring into a project of its own")
    run(stack, block("Back up"), tmp_path)
    restored = stack.changed("re", {})
    try:
        run(restored, block("Restore"), tmp_path)
        restored.compose("up", "--detach", "--no-build", "--no-deps", "--wait", "serving")
        assert count(restored, "prediction_logs") == rows
        assert count(restored, "customers") == count(stack, "customers")
        assert served(restored) == served(stack)
        before = predict(stack, FIRST_CUSTOMER).number("probability_churn")
        assert predict(restored, FIRST_CUSTOMER).number("probability_churn") == before
        assert eventually(lambda: count(restored, "prediction_logs") == rows + 1)
        assert checks.writable(restored, "serving", "/srv/models") == []
    finally:
        restored.remove()
