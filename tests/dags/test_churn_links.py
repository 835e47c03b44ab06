from pathlib import Path

import pytest

from tests.dags.conftest import PROJECT, run_python_for_json

_VIEWS = """
import json
from airflow.plugins_manager import get_plugin_info
plugins = get_plugin_info({"name", "external_views"})
(ours,) = [plugin for plugin in plugins if plugin["name"] == "churn_links"]
print(json.dumps(ours["external_views"]))
"""
PLUGINS = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins")}


def _views(home: Path, **environment: str) -> object:
    return run_python_for_json(_VIEWS, home, {**PLUGINS, **environment})


def _view(name: str, href: str) -> dict[str, str]:
    return {"name": name, "href": href, "destination": "nav", "category": "browse"}


@pytest.mark.parametrize("url", ["http://localhost:8000", "https://churn.example.org:9000/api"])
def test_the_links_lead_to_the_service(url: str, tmp_path: Path) -> None:
    assert _views(tmp_path, CHURN_API_URL=url) == [
        _view("Churn API", f"{url}/docs"),
        _view("Churn live model", f"{url}/model"),
    ]


def test_without_an_address_the_links_lead_to_the_local_stack(tmp_path: Path) -> None:
    assert _views(tmp_path) == [
        _view("Churn API", "http://localhost:8000/docs"),
        _view("Churn live model", "http://localhost:8000/model"),
    ]
