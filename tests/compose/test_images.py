"""What is in the images, looked at in the images."""

import json
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.markers import Marker

from local.containers import PROJECT
from tests.compose.project import Project

TARGETS = ("airflow", "serving")
UNWANTED = {"apache-airflow", "apache-airflow-core", "pandas", "scikit-learn", "joblib", "pip"}
_LISTED = """
import json, importlib.metadata as m
print(json.dumps({one.name: one.version for one in m.distributions(path=["%s"])}))
"""
_PACKAGES = "/opt/venv/lib/python3.12/site-packages"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==([^ ;\\]+)(?: ; (.*?))? \\$", re.MULTILINE)
# The official base image has a pip for those who build on it; it can write nothing here.
_TOOLS = "for one in gcc cc g++ c++ clang ld as make cargo uv; do command -v $one; done; true"
_CACHES = (
    "find / -xdev ( -path /proc -o -path /sys -o -name ensurepip ) -prune -o "
    "( -name *.whl -o -path */.cache/* -o -path /tmp/* -o -path /var/cache/apt/*.bin ) -print"
)

each_target = pytest.mark.parametrize("target", TARGETS)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(target: str) -> dict[str, str]:
    """Return what the lock says for the images' Python."""
    lock = (PROJECT / "locks" / f"{target}.lock").read_text(encoding="utf-8")
    here = {"python_version": "3.12", "python_full_version": "3.12.0", "sys_platform": "linux"}
    return {
        normal(name): version
        for name, version, marker in _PINNED.findall(lock)
        if not marker or Marker(marker).evaluate(here)
    }


def run(project: Project, target: str, *command: str) -> str:
    """Run a command as root in a new container of an image, without a network."""
    options = ("--rm", "--network", "none", "--user", "0", "--entrypoint", command[0])
    image = project.images()[target]
    return project.engine.docker("run", *options, image, *command[1:])


def installed(project: Project, target: str) -> dict[str, str]:
    listed = json.loads(run(project, target, "python", "-c", _LISTED % _PACKAGES))
    return {normal(name): version for name, version in listed.items()}


@each_target
def test_an_image_holds_what_its_lock_lists_and_nothing_else(project: Project, target: str) -> None:
    assert installed(project, target) == pinned(target)


@each_target
def test_an_image_has_the_versions_of_the_docker_free_stack(project: Project, target: str) -> None:
    here = {normal(one.name): one.version for one in distributions()}
    inside = installed(project, target)
    shared = inside.keys() & here.keys()
    assert len(shared) > 20
    assert {name: inside[name] for name in shared} == {name: here[name] for name in shared}


def test_the_two_images_agree_on_every_version_they_share(project: Project) -> None:
    airflow, serving = (installed(project, target) for target in TARGETS)
    shared = airflow.keys() & serving.keys()
    assert {"fastapi", "numpy", "psycopg"} <= shared
    assert {name: airflow[name] for name in shared} == {name: serving[name] for name in shared}


def test_the_serving_image_has_nothing_of_the_pipeline(project: Project) -> None:
    assert not installed(project, "serving").keys() & UNWANTED
    files = set(run(project, "serving", "ls", "/app").split())
    assert files == {"include", "probe.py", "serving"}


@each_target
def test_an_image_has_no_compiler_and_no_cache(project: Project, target: str) -> None:
    assert run(project, target, "sh", "-c", _TOOLS).split() == []
    assert run(project, target, *_CACHES.split()).split() == []


@each_target
def test_an_image_is_labelled_and_runs_as_a_user_without_rights(
    project: Project, target: str
) -> None:
    image = json.loads(project.engine.docker("inspect", project.images()[target]))[0]["Config"]
    labels = {name.rpartition(".")[2]: value for name, value in image["Labels"].items()}
    assert labels["title"] == f"churn-{target}"
    assert {"description", "licenses", "vendor", "version"} <= labels.keys()
    assert not image["User"].startswith("0")


def test_building_leaves_no_image_without_a_name(project: Project) -> None:
    if project.engine.folder is None:
        pytest.skip("the machine's own engine may have images of others")
    assert project.engine.docker("image", "ls", "--filter", "dangling=true", "--quiet") == ""


@each_target
def test_no_file_of_an_image_lends_its_owners_rights(project: Project, target: str) -> None:
    """Its base has a few such programs; no-new-privileges makes them powerless, ours adds none."""
    found = run(project, target, "find", "/app", "/opt", "/srv", "-perm", "/6000").split()
    assert found == []


@each_target
def test_an_image_was_sent_nothing_secret(project: Project, target: str) -> None:
    assert "/app/.env" not in run(project, target, "find", "/app", "/srv", "-name", "*.env")
    history = project.engine.docker("history", "--no-trunc", project.images()[target])
    assert not [value for value in project.secrets.values() if len(value) > 20 and value in history]


def test_the_docs_state_the_sizes_with_the_command_that_prints_them() -> None:
    text = (Path(PROJECT) / "docs" / "containers.md").read_text(encoding="utf-8")
    assert "docker image ls" in text
    for target in TARGETS:
        assert re.search(rf"`churn-{target}` \| \d+ MB", text), target
