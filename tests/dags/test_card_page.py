"""The card's page, asked as Airflow's api-server would, in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from churn.registry.store import ModelStore
from tests.customer_file import package
from tests.dags.conftest import PROJECT, run_python_for_json

_ASK = """
import json

from airflow import settings
from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.plugins_manager import get_fastapi_plugins, get_plugin_info
from fastapi import FastAPI
from fastapi.testclient import TestClient

import_all_models()
settings.configure_orm()
Base.metadata.create_all(settings.engine)
manager = create_auth_manager()
(mounted,) = [app for app in get_fastapi_plugins()[0] if app["name"] == "Churn model card"]
airflow = FastAPI()
airflow.mount(mounted["url_prefix"], mounted["app"])


def client(role):
    if role is None:
        return TestClient(airflow)
    token = manager.generate_jwt(SimpleAuthManagerUser(username="somebody", role=role))
    return TestClient(airflow, cookies={"_token": token})


def ask(role, path):
    answer = client(role).get(f"/churn-card{path}")
    kind = answer.headers.get("content-type", "")
    return {
        "status": answer.status_code,
        "kind": kind,
        "url": answer.url.path,
        "policy": answer.headers.get("content-security-policy", ""),
        "text": answer.text if "text" in kind else "",
        "start": answer.content[:8].hex(),
    }


def depends(dependant):
    return dependant.call is get_user or any(map(depends, dependant.dependencies))


app = mounted["app"].build()
(plugin,) = [p for p in get_plugin_info({"name", "external_views"}) if p["name"] == "churn_card"]
result = {
    "routes": {route.path: depends(route.dependant) for route in app.routes},
    "asked": {f"{role} {path}": ask(role, path) for role, path in ASKED},
    "view": plugin["external_views"],
}
print(json.dumps(result))
"""

_PICTURES = ("calibration", "roc-and-pr", "lift", "families", "weights", "slices")


@dataclass(frozen=True)
class Page:
    """What was answered, by role and path."""

    routes: dict[str, bool]
    asked: dict[str, dict[str, object]]
    view: list[dict[str, object]]

    def text(self, asked: str) -> str:
        return str(self.asked[asked]["text"])


@pytest.fixture(scope="module")
def version() -> str:
    return package(2).manifest.version


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, version: str) -> Page:
    """Publish two versions and ask for everything as several people."""
    home = tmp_path_factory.mktemp("card")
    store = ModelStore(home / "models")
    for day in (1, 2):
        store.write_candidate(package(day).manifest, package(day).files)
        store.publish(package(day).manifest.version)
    card = f"/versions/{version}/"
    asked = [
        *((role, path) for role in (None, "", "viewer") for path in ("/", card)),
        (None, f"{card}plots/lift.png"),
        *(("viewer", f"{card}plots/{name}.png") for name in _PICTURES),
        ("viewer", f"/versions/{package(1).manifest.version}/"),
        ("viewer", "/versions/20250101T000000Z-00000000/"),
        ("viewer", f"{card}plots/none.png"),
        ("viewer", f"{card}plots/%2e%2e%2fmodel.joblib"),
        ("viewer", "/versions/%2e%2e/"),
    ]
    return _ask(home, home / "models", asked)


def _ask(home: Path, store: Path, asked: list[tuple[str | None, str]]) -> Page:
    environment = {
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__API_AUTH__JWT_SECRET": "s" * 64,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "CHURN_MODEL_STORE": str(store),
    }
    code = f"ASKED = {asked!r}\n{_ASK}"
    result = cast("dict[str, object]", run_python_for_json(code, home, environment))
    return Page(**result)  # type: ignore[arg-type]


def test_every_route_asks_airflow_who_is_asking(page: Page) -> None:
    assert len(page.routes) == 3
    assert all(page.routes.values()), page.routes


@pytest.mark.parametrize("path", ["/", "/versions/{}/", "/versions/{}/plots/lift.png"])
def test_without_a_token_nothing_is_shown(page: Page, path: str, version: str) -> None:
    answer = page.asked[f"None {path.format(version)}"]
    assert answer["status"] == 401
    assert "customers" not in str(answer["text"])


@pytest.mark.parametrize("path", ["/", "/versions/{}/"])
def test_without_the_right_to_read_the_dag_nothing_is_shown(
    page: Page, path: str, version: str
) -> None:
    assert page.asked[f" {path.format(version)}"]["status"] == 403


def test_a_viewer_is_led_to_the_card_of_the_live_version(page: Page, version: str) -> None:
    answer = page.asked["viewer /"]
    assert (answer["status"], answer["url"]) == (200, f"/churn-card/versions/{version}/")
    assert f"<h1>Churn model {version}</h1>" in page.text("viewer /")
    assert "<th>cross-validated</th>" in page.text("viewer /")


def test_every_picture_of_the_card_is_there(page: Page, version: str) -> None:
    for name in _PICTURES:
        assert f'src="plots/{name}.png"' in page.text("viewer /")
        answer = page.asked[f"viewer /versions/{version}/plots/{name}.png"]
        assert (answer["status"], answer["kind"]) == (200, "image/png")
        assert answer["start"] == b"\x89PNG\r\n\x1a\n".hex()


def test_older_versions_can_be_read_too(page: Page) -> None:
    older = package(1).manifest.version
    assert f"href='../{older}/'" in page.text("viewer /")
    assert f"<h1>Churn model {older}</h1>" in page.text(f"viewer /versions/{older}/")


def test_what_is_not_there_is_reported(page: Page, version: str) -> None:
    gone = "viewer /versions/20250101T000000Z-00000000/"
    assert page.asked[gone]["status"] == 404
    assert "there is no version 20250101T000000Z-00000000" in page.text(gone)
    assert page.asked[f"viewer /versions/{version}/plots/none.png"]["status"] == 404


def test_nothing_but_cards_and_pictures_leaves_the_store(page: Page, version: str) -> None:
    assert page.asked[f"viewer /versions/{version}/plots/%2e%2e%2fmodel.joblib"]["status"] == 404
    assert page.asked["viewer /versions/%2e%2e/"]["status"] in (404, 409)


def test_the_page_runs_its_own_script_only_and_loads_nothing_from_elsewhere(page: Page) -> None:
    policy = str(page.asked["viewer /"]["policy"])
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; ")
    (script,) = re.findall(r"<script>(.*?)</script>", page.text("viewer /"), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'; frame-ancestors 'self'" in policy


def test_the_page_is_in_the_navigation_of_airflow(page: Page) -> None:
    (view,) = page.view
    assert view["href"] == "churn-card/"
    assert view["url_route"] == "churn-model-card"


def test_before_anything_is_published_the_page_states_it(tmp_path: Path) -> None:
    found = _ask(tmp_path, tmp_path / "none", [("viewer", "/")])
    assert found.asked["viewer /"]["status"] == 404
    assert "no model has been published yet" in found.text("viewer /")


_HEAVY = """
import json, sys
from airflow.plugins_manager import get_plugin_info
get_plugin_info({"name"})
print(json.dumps(sorted({"pandas", "sklearn", "matplotlib", "xgboost"} & set(sys.modules))))
"""


def test_a_process_of_airflow_that_loads_the_plugins_loads_nothing_heavy(tmp_path: Path) -> None:
    environment = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins")}
    assert run_python_for_json(_HEAVY, tmp_path, environment) == []
