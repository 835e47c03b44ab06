"""Settings come from the environment; clashes are told before anything is started."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from local import envfile, stack
from local.environment import airflow_environment, api_environment
from local.errors import StackError
from local.layout import LONGEST_SOCKET_PATH, create_home, find_layout
from local.network import HOST, free_ports, why_unusable
from local.stack import DEFAULT_PORTS, create_stack, inherited, open_stack


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ports = dict(zip(DEFAULT_PORTS, map(str, free_ports(len(DEFAULT_PORTS))), strict=True))
    return {"CHURN_HOME": str(tmp_path / "home"), **ports}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_started_stack_is_found_again_with_its_ports_and_secrets(
    environment: dict[str, str],
) -> None:
    made = create_stack(environment)
    assert open_stack({"CHURN_HOME": environment["CHURN_HOME"]}) == made


def test_the_churn_command_finds_the_database_and_the_model_store(
    environment: dict[str, str],
) -> None:
    made = create_stack(environment)
    known = envfile.read(made.layout.addresses)
    assert known["CHURN_DATABASE_URL"] == made.database_url("churn_pipeline")
    assert known["CHURN_MODEL_STORE"] == str(made.layout.models)
    assert known["CHURN_API_URL"] == f"http://localhost:{environment['API_PORT']}"
    assert made.layout.addresses.stat().st_mode & 0o077 == 0


def test_the_state_folder_is_closed_to_other_users(environment: dict[str, str]) -> None:
    made = create_stack(environment)
    assert made.layout.home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["API_PORT", "AIRFLOW_PORT", "POSTGRES_PORT"])
def test_a_port_of_somebody_else_is_named_with_the_variable_to_set(
    environment: dict[str, str], taken_port: int, name: str
) -> None:
    message = (
        rf"Port {taken_port} is taken by another program\. Choose others, such as {name}=(\d+)"
    )
    with pytest.raises(StackError, match=message) as refused:
        create_stack({**environment, name: str(taken_port)})
    found = re.search(message, str(refused.value))
    assert found
    assert why_unusable(int(found[1])) == ""


def test_every_port_that_is_taken_is_named_at_once(environment: dict[str, str]) -> None:
    with socket.socket() as one, socket.socket() as other:
        taken = {}
        for name, holder in (("API_PORT", one), ("POSTGRES_PORT", other)):
            holder.bind((HOST, 0))
            holder.listen()
            taken[name] = str(holder.getsockname()[1])
        with pytest.raises(StackError, match=r"API_PORT=\d+ POSTGRES_PORT=\d+"):
            create_stack({**environment, **taken})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lose the right to a low port")
@pytest.mark.skipif(
    int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80,
    reason="no port is reserved here",
)
def test_a_privileged_port_is_not_called_taken() -> None:
    code = "from local.network import why_unusable; print(why_unusable(80))"
    without = ("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service")
    answer = subprocess.run(
        (*without, sys.executable, "-c", code), capture_output=True, text=True, check=True
    )
    assert answer.stdout == "is reserved for root on this machine\n"


@pytest.mark.parametrize("text", ["0", "65536", "eighty", "-1", "8000.5", "٨٠", " 80", "9" * 9999])
@pytest.mark.parametrize("name", DEFAULT_PORTS)
def test_a_port_that_is_no_port_is_refused(
    environment: dict[str, str], name: str, text: str
) -> None:
    with pytest.raises(StackError, match=rf"{name}=.{{0,20}}: expected a port number"):
        create_stack({**environment, name: text})


@pytest.mark.parametrize(("one", "other"), list(combinations(DEFAULT_PORTS, 2)))
def test_one_port_for_two_parts_is_refused(
    environment: dict[str, str], one: str, other: str
) -> None:
    with pytest.raises(StackError, match=f"{one} and {other} are both {environment[one]}: each"):
        create_stack({**environment, other: environment[one]})


def test_the_database_has_a_fixed_port_that_a_setting_changes(environment: dict[str, str]) -> None:
    assert create_stack(environment).ports.postgres == int(environment["POSTGRES_PORT"])
    assert stack.port_in({}, "POSTGRES_PORT") == 15432


def test_a_state_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="set CHURN_HOME to a folder you may write to"):
        create_home(find_layout({"CHURN_HOME": str(tmp_path / "file" / "home")}))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_state_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, -1)
    with pytest.raises(StackError, match="belongs to user 12345"):
        create_home(find_layout({"CHURN_HOME": str(home)}))


def test_no_stack_is_reported_with_the_command_that_starts_one(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="start one with `make up`"):
        open_stack({"CHURN_HOME": str(tmp_path)})


def test_the_control_socket_fits_the_kernel_however_deep_the_folder(tmp_path: Path) -> None:
    deep = find_layout({"CHURN_HOME": str(tmp_path / ("d" * 60) / ("e" * 60))})
    assert len(str(deep.socket)) < LONGEST_SOCKET_PATH
    other = find_layout({"CHURN_HOME": str(tmp_path / ("d" * 60) / ("f" * 60))})
    assert deep.socket != other.socket


def test_the_callers_airflow_python_and_libpq_settings_do_not_leak_in() -> None:
    given = {
        "AIRFLOW__CORE__EXECUTOR": "x",
        "PGHOST": "elsewhere",
        "PYTHONPATH": "/x",
        "PATH": "/bin",
        "AIRFLOW_CONN_MY_BANK": "kept",
    }
    kept = inherited(given)
    assert {"PATH", "AIRFLOW_CONN_MY_BANK"} <= set(kept)
    assert not {"AIRFLOW__CORE__EXECUTOR", "PGHOST", "PYTHONPATH"} & set(kept)
    assert HOST in kept["NO_PROXY"]


def test_the_service_never_sees_the_pipelines_password(environment: dict[str, str]) -> None:
    made = create_stack(environment)
    values = " ".join(api_environment(made).values())
    assert made.credentials.churn_serving_password in values
    assert made.credentials.churn_pipeline_password not in values


def test_airflow_gets_one_secret_for_all_its_parts_and_listens_here_only(
    environment: dict[str, str],
) -> None:
    made = create_stack(environment)
    settings = airflow_environment(made)
    assert settings["AIRFLOW__API_AUTH__JWT_SECRET"] == made.credentials.airflow_jwt_secret
    assert settings["AIRFLOW__API__HOST"] == HOST
    assert str(made.ports.airflow) in settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]


def test_every_airflow_setting_is_one_that_airflow_knows(environment: dict[str, str]) -> None:
    settings = airflow_environment(create_stack(environment))
    known = _known_settings()
    named = {tuple(key.split("__")[1:]) for key in settings if key.startswith("AIRFLOW__")}
    assert named <= known


def _known_settings() -> set[tuple[str, ...]]:
    from importlib.util import find_spec

    import yaml

    spec = find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(next(iter(spec.submodule_search_locations)))
    sections = yaml.safe_load((folder / "config_templates" / "config.yml").read_text())
    return {
        (section.upper(), option.upper())
        for section, content in sections.items()
        for option in content["options"]
    }


def test_stack_settings_are_read_from_the_mapping_they_are_given() -> None:
    assert stack.port_in({}, "API_PORT") == 8000
    assert stack.port_in({"API_PORT": "9000"}, "API_PORT") == 9000


def test_the_status_of_a_stopped_stack_is_json_with_each_part_and_exit_code_1(
    environment: dict[str, str],
) -> None:
    create_stack(environment)
    command = [sys.executable, "-m", "local", "status", "--json"]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["serving"] is None
    assert {part["state"] for part in found["parts"]} == {"DOWN"}
    assert not any(part["healthy"] for part in found["parts"])
