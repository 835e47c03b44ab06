"""Every setting of the code is documented and reaches every process, and no other is named."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from churn.core.errors import ChurnError
from local.containers import COMPOSE_FILE, PROJECT, required_variables
from local.environment import common_environment
from local.network import free_ports
from local.programs import POSTGRES, SERVICES, find_program
from local.stack import DEFAULT_PORTS, create_stack, inherited
from tests import settings

COMPOSE = (PROJECT / COMPOSE_FILE).read_text(encoding="utf-8")
PARSED: Mapping[str, Any] = yaml.safe_load(COMPOSE)
PASSED: Mapping[str, str] = PARSED["x-settings"]
EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text("utf-8") for path in (PROJECT / "docs").glob("*.md")}
TABLE = dict(re.findall(r"^\| `(\w+)` \| ?(.*?) ?\|", PAGES["settings.md"], re.MULTILINE))
# Settings with places of their own; every other one has to be passed on by both stacks.
PORTS = set(DEFAULT_PORTS)
SET_BY_THE_STACKS = {
    "CHURN_DATABASE_URL", "CHURN_MODEL_STORE", "CHURN_DATA", "CHURN_SPOOL", "CHURN_API_URL",
}  # fmt: skip
WITHOUT_DOCKER = {"CHURN_HOME", "CHURN_POSTGRES_BIN", "CHURN_API_KEYS_FILE", "POSTGRES_PORT"}
CONTAINERS_ONLY = {"AIRFLOW_BASE_URL", "AIRFLOW_ADMIN_USER"}
SECRET_ADDRESSES: Mapping[str, str] = PARSED["x-addresses"]
SENDS_MESSAGES = {"airflow-scheduler", "airflow-dag-processor"}
SECRETS = set(required_variables(COMPOSE))

CODE = settings.in_code() - (SECRETS - {"CHURN_API_KEYS"})
PASSED_ON = sorted(CODE - PORTS - SET_BY_THE_STACKS - WITHOUT_DOCKER - SECRETS)
FOR_EVERY_PART = [name for name in PASSED_ON if name not in SECRET_ADDRESSES]
each_setting = pytest.mark.parametrize("name", PASSED_ON)


def commented() -> dict[str, str]:
    """Return the settings that the example names with their defaults."""
    return dict(re.findall(r"^# ([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def defaults() -> dict[str, str]:
    """Return the defaults of the documents' table."""
    found = {name: re.match(r"`([^`]+)`", text) for name, text in TABLE.items()}
    return {name: one[1] for name, one in found.items() if one}


def test_there_are_settings_to_compare() -> None:
    assert len(PASSED_ON) > 25
    assert {"CHURN_EVALUATED_ROWS", "CHURN_PROMOTION_LEVEL", "CHURN_API_SECONDS"} <= set(PASSED_ON)


def test_the_page_of_settings_has_each_setting_of_the_code_and_no_other() -> None:
    assert set(TABLE) == CODE | CONTAINERS_ONLY


def test_the_example_names_each_setting_that_the_containers_take_and_no_other() -> None:
    taken = set(re.findall(r"\$\{(\w+):-", COMPOSE)) | set(PASSED)
    assert set(commented()) == taken
    assert taken - CONTAINERS_ONLY - PORTS - {"CHURN_API_URL"} == set(PASSED_ON)
    assert set(SECRET_ADDRESSES) == {"CHURN_ALERT_URLS", "CHURN_ALERT_ESCALATE_URLS"}


@pytest.mark.parametrize("page", ["README.md", "README.pt-BR.md", ".env.example", *sorted(PAGES)])
def test_no_page_names_a_setting_that_is_not_there(page: str) -> None:
    text = PAGES.get(page) or (PROJECT / page).read_text(encoding="utf-8")
    named = set(re.findall(rf"(?<![\w/]){settings.NAME.pattern}(?!\w)", text))
    families = {name for name in named if name.endswith("_")}
    known = CODE | SECRETS | CONTAINERS_ONLY | set(settings.NOT_SETTINGS) | {"CHURN_BENCH_LARGE"}
    assert named - families <= known
    assert families <= set(settings.FAMILIES)


@pytest.mark.parametrize("name", sorted(SECRET_ADDRESSES))
def test_addresses_of_messages_reach_the_parts_that_send_and_no_other(name: str) -> None:
    assert SECRET_ADDRESSES[name] == f"${{{name}:-}}"
    services = PARSED["services"].items()
    given = {service for service, content in services if name in content["environment"]}
    assert given == SENDS_MESSAGES


@pytest.mark.parametrize("name", FOR_EVERY_PART)
def test_compose_passes_a_setting_to_every_part(name: str) -> None:
    assert PASSED.get(name) == f"${{{name}:-}}", f"{name} is missing in x-settings"
    for service, content in PARSED["services"].items():
        if service != "postgres":
            assert content["environment"].get(name) == PASSED[name], service


@each_setting
def test_an_empty_setting_is_the_default(name: str) -> None:
    assert settings.read({name: ""}) == settings.read({})


@each_setting
def test_a_setting_is_read_with_the_others(name: str) -> None:
    """A setting that is read anywhere else would escape the comparisons of this file."""
    try:
        assert settings.read({name: "1e-7"}) != settings.read({})
    except ChurnError as refused:
        assert name in str(refused)  # noqa: PT017


@pytest.mark.parametrize("name", sorted({*commented(), *defaults()} & set(PASSED_ON)))
def test_a_default_that_is_written_down_is_the_codes(name: str) -> None:
    written = {commented().get(name, ""), defaults().get(name, "")}
    assert len(written) == 1, written
    assert settings.read({name: written.pop()}) == settings.read({})


@pytest.mark.parametrize("page", ["registry.md", "service.md", "prediction_log.md"])
def test_a_default_in_the_table_of_another_page_is_the_codes(page: str) -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)`[^|]*\| `?([^|`]*?)`? \|", PAGES[page], re.MULTILINE))
    found = {name: text.replace(",", "") for name, text in rows.items() if name in PASSED_ON}
    assert len(found) > 3
    for name, text in found.items():
        value = "" if text == "none" else text
        assert settings.read({name: value}) == settings.read({}), name


@pytest.mark.parametrize("name", sorted(PORTS))
def test_a_port_that_is_written_down_is_the_codes(name: str) -> None:
    assert defaults()[name] == str(DEFAULT_PORTS[name])
    if name not in WITHOUT_DOCKER:
        assert commented()[name] == str(DEFAULT_PORTS[name])
        assert f"${{{name}:-{DEFAULT_PORTS[name]}}}" in COMPOSE


@each_setting
def test_the_docker_free_stack_passes_a_setting_to_every_part(name: str, tmp_path: Path) -> None:
    ports = dict(zip(DEFAULT_PORTS, map(str, free_ports(len(DEFAULT_PORTS))), strict=True))
    stack = create_stack({"CHURN_HOME": str(tmp_path / "home"), **ports})
    given = inherited({**os.environ, name: "as given"})
    for part in set(SERVICES) - {POSTGRES}:
        program = find_program(part, stack).environment
        assert {**given, **common_environment(stack), **program}[name] == "as given", part
