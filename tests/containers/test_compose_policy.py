"""House rules of docker-compose.yaml, each with a message that names the service."""

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import pytest
import yaml

from local import containers, envfile
from local.binaries import WHEEL, candidates, major_version
from local.containers import COMPOSE_FILE, PROJECT

TEXT = (PROJECT / COMPOSE_FILE).read_text(encoding="utf-8")
COMPOSE: Mapping[str, Any] = yaml.safe_load(TEXT)
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"airflow-init"}
HEALTHCHECK_IN_IMAGE = {"serving"}
EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN")

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def mounts(service: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the source of each mount and whether it is read-only."""
    for volume in service.get("volumes", ()):
        if isinstance(volume, str):
            yield volume.split(":")[0], volume.endswith(":ro")
        else:
            yield volume["source"], volume.get("read_only", False)


def test_the_services_are_the_parts_of_the_stack() -> None:
    airflow = {
        f"airflow-{part}" for part in ("api-server", "scheduler", "dag-processor", "triggerer")
    }
    assert set(SERVICES) == {"postgres", "serving"} | airflow | ONE_SHOT


def test_every_secret_is_refused_when_missing_with_a_word_on_what_to_do() -> None:
    for name, rest in re.findall(r"\$\{(\w+)([^}]*)", TEXT):
        if SECRET.search(name):
            assert rest.startswith(":?"), f"{name} may be empty"
            assert "make env" in rest, f"the message for {name} does not say what to do"


def test_no_secret_is_written_into_the_file() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            for password in re.findall(r"://\w+:(.*)@", str(value)):
                assert password.startswith("${"), f"{name}: {key} holds a password"
            if SECRET.search(key):
                assert value.startswith("${"), f"{name}: {key} is written out"


def test_the_example_names_every_required_variable_and_gives_none_a_value() -> None:
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    assert sorted(lines) == [f"{name}=" for name in containers.required_variables(TEXT)]


def test_every_airflow_part_gets_the_same_keys() -> None:
    parts = [service["environment"] for name, service in SERVICES.items() if "airflow" in name]
    for key in ("CORE__FERNET_KEY", "API_AUTH__JWT_SECRET", "API__SECRET_KEY"):
        assert len({part[f"AIRFLOW__{key}"] for part in parts}) == 1, key


def test_every_airflow_setting_exists_in_the_installed_airflow() -> None:
    spec = find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations
    known = f"{next(iter(spec.submodule_search_locations))}/config_templates/config.yml"
    with open(known, encoding="utf-8") as file:  # noqa: PTH123
        sections = yaml.safe_load(file)
    shared = (PROJECT / "docker" / "airflow.env").read_text(encoding="utf-8")
    for section, option in set(re.findall(r"\bAIRFLOW__([A-Z_]+?)__([A-Z_]+)\b", shared + TEXT)):
        assert option.lower() in sections[section.lower()]["options"], f"{section}.{option}"


@each_service
def test_a_service_is_healed_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
    for limit in ("mem_limit", "cpus", "pids_limit"):
        assert limit in service, f"{name} has no {limit}"


@each_service
def test_a_service_has_a_health_check(name: str) -> None:
    check = SERVICES[name].get("healthcheck", {})
    if name in ONE_SHOT:
        assert check == {"disable": True}
    elif name in HEALTHCHECK_IN_IMAGE:
        assert not check, f"{name}: the image has its own"
    else:
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(check), name


@each_service
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("user", "") not in {"root", "0", 0}
    forbidden = {"privileged", "ulimits", "cap_add", "devices", "pid", "ipc", "network_mode"}
    assert not forbidden & set(service), name


@each_service
def test_an_image_is_tagged_and_never_latest_nor_pinned_by_digest(name: str) -> None:
    tag = SERVICES[name]["image"].partition(":")[2]
    assert tag, f"{name}: no tag"
    assert tag != "latest"
    assert "@" not in tag


def test_an_image_is_built_once_and_never_pulled() -> None:
    ours = [one for one in SERVICES.values() if one["image"].startswith("churn-")]
    built = [one["image"] for one in ours if "build" in one]
    assert len(built) == len(set(built)) == len({one["image"] for one in ours})
    assert {one["pull_policy"] for one in ours if "build" not in one} == {"never"}


def test_our_images_carry_the_version_of_the_project() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    ours = [one["image"] for one in SERVICES.values() if one["image"].startswith("churn-")]
    assert {image.partition(":")[2] for image in ours} == {version}
    assert f'image.version="{version}"' in (PROJECT / "Dockerfile").read_text()


@each_service
def test_a_port_is_published_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:"), f"{name} publishes {port}"


def test_only_services_with_a_port_are_on_the_front_network() -> None:
    front = {name for name, service in SERVICES.items() if "front" in service["networks"]}
    assert front == {name for name, service in SERVICES.items() if service.get("ports")}
    assert all("back" in service["networks"] for service in SERVICES.values())
    assert COMPOSE["networks"]["back"]["internal"] is True


def test_only_the_parts_that_send_messages_and_publish_no_port_have_a_way_out() -> None:
    out = {name for name, service in SERVICES.items() if "out" in service["networks"]}
    assert out == {"airflow-scheduler", "airflow-dag-processor"}


def test_airflows_server_listens_on_every_interface_of_its_container() -> None:
    command = " ".join(SERVICES["airflow-api-server"]["command"])
    assert "--host 0.0.0.0" in command


def test_the_models_are_written_by_the_scheduler_alone() -> None:
    users = {name: dict(mounts(service)).get("models") for name, service in SERVICES.items()}
    assert {name: read_only for name, read_only in users.items() if read_only is not None} == {
        "airflow-scheduler": False,
        "serving": True,
    }


def test_the_customers_data_is_mounted_read_only() -> None:
    users = [dict(mounts(service)) for service in SERVICES.values()]
    assert [user["./data"] for user in users if "./data" in user] == [True]


def test_every_named_volume_is_declared_and_used() -> None:
    sources = {source for service in SERVICES.values() for source, _ in mounts(service)}
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_airflow_starts_after_its_database_is_migrated() -> None:
    for name in sorted(set(SERVICES) - ONE_SHOT - {"postgres", "serving"}):
        waits = SERVICES[name]["depends_on"]
        assert waits["airflow-init"]["condition"] == "service_completed_successfully", name
        assert waits["postgres"]["condition"] == "service_healthy", name


def test_only_the_pipeline_and_the_service_know_a_password_of_the_churn_database() -> None:
    def knows(name: str, password: str) -> bool:
        return password in str(SERVICES[name].get("environment"))

    assert {n for n in SERVICES if knows(n, "CHURN_PIPELINE")} == {"postgres", "airflow-scheduler"}
    assert {n for n in SERVICES if knows(n, "CHURN_SERVING")} == {"postgres", "serving"}


@pytest.fixture
def compose() -> tuple[str, ...]:
    command = containers.compose_command(os.environ)
    if not command:
        pytest.skip("SKIPPED OUT LOUD: no `docker compose` (version 2) on this machine")
    return (*command, *containers.compose_arguments(PROJECT))


@pytest.mark.parametrize("missing", containers.required_variables(TEXT))
def test_compose_refuses_to_start_without(missing: str, compose: tuple[str, ...]) -> None:
    environment = containers.environment_with_dummies(TEXT, os.environ)
    del environment[missing]
    refused = subprocess.run(compose, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert missing in refused.stderr
    assert "make env" in refused.stderr


@pytest.mark.parametrize("name", ["common", "airflow"])
def test_a_setting_that_both_stacks_share_stands_in_one_place(name: str) -> None:
    shared = set(envfile.read(PROJECT / "docker" / f"{name}.env"))
    elsewhere = f"{TEXT}{(PROJECT / 'Dockerfile').read_text(encoding='utf-8')}"
    elsewhere += (PROJECT / "local" / "environment.py").read_text(encoding="utf-8")
    for key in shared:
        assert not re.search(rf"\b{key.removeprefix('AIRFLOW__')}\b", elsewhere), key


@each_service
def test_every_program_of_ours_gets_the_shared_settings(name: str) -> None:
    if name != "postgres":
        assert "docker/common.env" in SERVICES[name]["env_file"]


def test_both_stacks_have_the_same_major_version_of_postgresql() -> None:
    (tag,) = re.findall(r"^    image: postgres:(\d+)$", TEXT, re.MULTILINE)
    assert WHEEL[1] == f"pginstall{tag}"
    assert major_version(next(candidates())) == int(tag)
