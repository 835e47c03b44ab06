"""Each fault is planted, and the check that passes on the real stack reports it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.containers import COMPOSE_FILE
from local.databases import AIRFLOW, PIPELINE, SERVING
from tests.compose import checks, rights
from tests.compose.pipeline import eventually
from tests.compose.progress import StepError
from tests.compose.project import Project


@contextmanager
def planted(
    project: Project, name: str, service: Mapping[str, Any], *, wait: bool = True
) -> Iterator[Project]:
    """Start the service alone, beside the real stack, with a fault in it."""
    often = {"healthcheck": {"interval": "1s"}}
    faulty = project.changed(name, {"services": {"serving": {**often, **service}}})
    up = ("up", "--detach", "--no-build", "--no-deps", *(("--wait",) if wait else ()), "serving")
    try:
        faulty.compose(*up)
        yield faulty
    finally:
        faulty.remove()


def command_of(project: Project) -> list[str]:
    """Return the command of the service's image."""
    ask = ("inspect", "--format", '{{join .Config.Cmd "\\n"}}', project.images()["serving"])
    return project.engine.docker(*ask).strip().splitlines()


@pytest.fixture
def edited(project: Project, tmp_path: Path) -> Project:
    """A copy of the tree's files that may be damaged; nothing of it is started."""
    folder = tmp_path / "tree"
    kept = (COMPOSE_FILE, ".env", ".env.example", "docker")
    folder.mkdir()
    for name in kept:
        source = project.folder / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    return replace(project, folder=folder, files=(folder / COMPOSE_FILE,))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_is_reported_of_the_secrets_as_they_are(project: Project) -> None:
    assert checks.missing_secrets(project) == []
    assert checks.unguarded_secrets(project) == []


def test_a_missing_secret_is_reported_and_compose_does_not_start(edited: Project) -> None:
    secret = edited.secrets["AIRFLOW_JWT_SECRET"]
    edit(edited.folder / ".env", f"AIRFLOW_JWT_SECRET={secret}\n", "")
    assert checks.missing_secrets(edited) == ["AIRFLOW_JWT_SECRET has no value"]
    with pytest.raises(StepError, match=r"AIRFLOW_JWT_SECRET.*run `make env`"):
        edited.compose("up", "--detach", "--no-build")


def test_a_secret_that_compose_does_not_ask_for_is_reported(edited: Project) -> None:
    asked = "${CHURN_API_KEYS:?run `make env`}"
    edit(edited.folder / COMPOSE_FILE, asked, "${CHURN_API_KEYS:-}")
    assert checks.unguarded_secrets(edited) == ["CHURN_API_KEYS may be missing"]


def test_a_refusal_that_does_not_name_the_remedy_is_reported(edited: Project) -> None:
    edit(edited.folder / COMPOSE_FILE, ":?run `make env`}", ":?}")
    assert "the refusal without AIRFLOW_FERNET_KEY does not say what to do" in (
        checks.unguarded_secrets(edited)
    )


def test_a_service_bound_to_loopback_is_reported(project: Project) -> None:
    command = ["127.0.0.1" if word == "0.0.0.0" else word for word in command_of(project)]  # noqa: S104
    with planted(project, "lo", {"command": command}) as faulty:
        assert checks.unwell(faulty, ["serving"]) == []  # its own probe cannot see it
        assert checks.unreachable(faulty, "serving") == ["serving listens on 127.0.0.1:8000 only"]


def test_a_container_running_as_root_is_reported(project: Project) -> None:
    with planted(project, "ro", {"user": "0:0"}, wait=False) as faulty:
        assert checks.unconfined(faulty, "serving") == ["serving: a process runs as root"]


def test_capabilities_privileges_and_a_writable_root_are_reported(project: Project) -> None:
    service = {
        "cap_add": ["NET_RAW"],
        "security_opt": ["no-new-privileges:false"],
        "read_only": False,
    }
    with planted(project, "ca", service, wait=False) as faulty:
        found = " ".join(checks.unconfined(faulty, "serving"))
        assert "CapBnd is" in found
        assert "new privileges may be gained" in found
        assert "the root file system is not read-only" in found


def test_a_health_check_that_never_passes_is_reported(project: Project) -> None:
    test = ["CMD", "python", "/app/probe.py", "8000", "/nowhere"]
    check = {"test": test, "interval": "1s", "retries": 2, "start_period": "1ms"}
    with planted(project, "he", {"healthcheck": check}, wait=False) as faulty:
        assert eventually(
            lambda: checks.unwell(faulty, ["serving"]) == ["serving: running, unhealthy"]
        )
        assert checks.probe(faulty, "serving") != 0
        with pytest.raises(StepError, match="unhealthy"):
            faulty.compose("up", "--detach", "--no-build", "--no-deps", "--wait", "serving")


def test_a_health_check_that_always_passes_is_reported(project: Project) -> None:
    check = {"test": ["CMD", "true"], "interval": "1s"}
    with planted(project, "bl", {"healthcheck": check}) as faulty:
        checks.signal(faulty, "serving", "STOP", main_only=False)
        assert checks.blind(faulty, ["serving"]) == ["serving: called well while it stands still"]
        checks.signal(faulty, "serving", "CONT", main_only=False)


def test_a_model_volume_that_the_service_may_write_to_is_reported(project: Project) -> None:
    models = {"type": "volume", "source": "models", "target": "/srv/models", "read_only": False}
    with planted(project, "wr", {"volumes": [models]}) as faulty:
        (finding,) = checks.writable(faulty, "serving", "/srv/models")
        assert "/srv/models is not mounted read-only" in finding


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("role", "right", "finding"),
    [
        (SERVING, "DELETE ON prediction_logs", "DELETE prediction_logs in churn"),
        (SERVING, "UPDATE ON customers", "UPDATE customers in churn"),
        (SERVING, "pg_execute_server_program", "COPY TO PROGRAM in churn"),
        (PIPELINE, "UPDATE ON model_events", "UPDATE model_events in churn"),
        (AIRFLOW, "CONNECT ON DATABASE churn", "enters churn"),
    ],
)
def test_a_right_too_many_is_reported(stack: Project, role: str, right: str, finding: str) -> None:
    psql = ("exec", "-T", "postgres", "psql", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d")
    try:
        stack.compose(*psql, "churn", "-c", f"GRANT {right} TO {role}")
        assert rights.surplus(role, rights.of(stack, role)) == [f"{role}: {finding}"]
    finally:
        stack.compose(*psql, "churn", "-c", f"REVOKE {right} FROM {role}")
    assert rights.surplus(role, rights.of(stack, role)) == []
