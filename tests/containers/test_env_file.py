"""`make env` writes the containers' secrets once, and completes what an older file lacks."""

import hashlib
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from churn.core import api_keys
from local import dotenv, envfile
from local.containers import COMPOSE_FILE, PROJECT, required_variables
from local.errors import StackError

REQUIRED = required_variables((PROJECT / COMPOSE_FILE).read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / dotenv.EXAMPLE, tmp_path)
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_required_secret_is_written_for_its_owner_alone(project: Path) -> None:
    list(dotenv.write(project))
    values = envfile.read(project / ".env")
    assert {name for name in REQUIRED if len(values.get(name, "")) >= 40} == set(REQUIRED)
    assert mode(project / ".env") == 0o600


def test_no_two_secrets_are_alike_and_none_needs_quoting(project: Path) -> None:
    list(dotenv.write(project))
    values = envfile.read(project / ".env")
    assert len({values[name] for name in REQUIRED}) == len(REQUIRED)
    for name in set(REQUIRED) - {"CHURN_API_KEYS", "AIRFLOW_FERNET_KEY"}:
        assert re.fullmatch(r"[0-9a-f]+", values[name]), name


def test_the_api_key_is_shown_and_only_its_hash_is_kept(project: Path) -> None:
    told = " ".join(dotenv.write(project))
    shown = told.split()[-1]
    text = (project / ".env").read_text(encoding="utf-8")
    (key,) = api_keys.from_entries(envfile.read(project / ".env")["CHURN_API_KEYS"]).keys
    assert shown not in text
    assert key.sha256 == hashlib.sha256(shown.encode()).hexdigest()


def test_a_complete_file_is_left_as_it_is_and_reported(project: Path) -> None:
    list(dotenv.write(project))
    before = (project / ".env").read_bytes()
    (told,) = dotenv.write(project)
    assert "is there and complete; nothing was changed" in told
    assert (project / ".env").read_bytes() == before


def test_an_older_file_gets_what_it_lacks_and_keeps_the_rest(project: Path) -> None:
    file = project / ".env"
    file.write_text("# mine\nPOSTGRES_PASSWORD=old\nAIRFLOW_JWT_SECRET=\nAPI_PORT=9000", "utf-8")
    told = " ".join(dotenv.write(project))
    values = envfile.read(file)
    assert values["POSTGRES_PASSWORD"] == "old"
    assert values["API_PORT"] == "9000"
    assert all(values[name] for name in REQUIRED)
    assert file.read_text(encoding="utf-8").startswith("# mine\n")
    assert "AIRFLOW_JWT_SECRET" in told
    assert "POSTGRES_PASSWORD" not in told
    assert file.read_text(encoding="utf-8").count("AIRFLOW_JWT_SECRET=") == 1


def test_a_file_that_others_may_read_is_closed(project: Path) -> None:
    list(dotenv.write(project))
    (project / ".env").chmod(0o644)
    list(dotenv.write(project))
    assert mode(project / ".env") == 0o600


def test_a_line_that_is_no_setting_stops_before_anything_is_written(project: Path) -> None:
    (project / ".env").write_text("what is this\n", encoding="utf-8")
    with pytest.raises(StackError, match="line 1: expected KEY=VALUE"):
        list(dotenv.write(project))
    assert (project / ".env").read_text(encoding="utf-8") == "what is this\n"


def test_it_needs_nothing_but_python() -> None:
    command = [sys.executable, "-S", "-c", "import local.dotenv"]
    path = {"PYTHONPATH": f"{PROJECT / 'include'}:{PROJECT}"}
    subprocess.run(command, env=path, check=True, cwd=PROJECT)
