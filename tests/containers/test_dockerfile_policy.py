"""House rules of the Dockerfile and of what may be sent to a build."""

import json
import re

import pytest

from local.containers import PROJECT

TEXT = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
STAGES = {
    body.splitlines()[0].split()[-1]: body
    for body in re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]
}
TARGETS = ("airflow", "serving")

each_target = pytest.mark.parametrize("target", TARGETS)


def copied_from_the_project(stage: str) -> set[str]:
    """Return the sources of a stage's COPY lines, other stages' files left out."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", stage, re.MULTILINE)
    return {source.rstrip("/") for line in lines for source in line.split()[:-1]}


def test_every_base_image_is_tagged_and_not_pinned_by_digest() -> None:
    for body in STAGES.values():
        image = body.split()[0]
        assert image in STAGES or re.fullmatch(r"[a-z/]+:[\w.-]+", image), image
        assert not image.endswith(":latest")


def test_no_syntax_line_asks_a_registry_for_a_frontend() -> None:
    assert "# syntax=" not in TEXT


@each_target
def test_packages_come_from_the_targets_lock_with_hashes_and_without_a_compiler(
    target: str,
) -> None:
    stage = STAGES[f"{target}-packages"]
    assert f"--only-binary :all: --require-hashes /tmp/{target}.lock" in stage


@each_target
def test_a_finished_image_runs_as_a_numbered_user_and_installs_nothing(target: str) -> None:
    stage = STAGES[target]
    user = re.findall(r"^USER (\d+):\d+$", stage, re.MULTILINE)
    assert user
    assert user[-1] != "0"
    assert "pip " not in stage
    assert "apt-get" not in TEXT


@each_target
def test_a_finished_image_is_labelled(target: str) -> None:
    labels = STAGES["base"] + STAGES[target]
    for label in ("title", "description", "version", "licenses"):
        assert f"org.opencontainers.image.{label}=" in labels


def test_the_airflow_image_holds_the_pipeline_and_no_service() -> None:
    copied = copied_from_the_project(STAGES["airflow"])
    scripts = {
        f"docker/{name}" for name in ("airflow-init.sh", "churn", "heartbeat.py", "scheduler.sh")
    }
    assert copied == scripts | {"include", "plugins", "dags"}


def test_the_serving_image_holds_the_domain_and_the_api_and_no_pipeline() -> None:
    assert copied_from_the_project(STAGES["serving"]) == {"include/churn", "serving/api"}


def test_the_service_listens_on_every_interface_and_checks_its_own_health() -> None:
    command = json.loads(re.findall(r"^CMD (\[.*\])$", STAGES["serving"], re.MULTILINE)[-1])
    assert command[command.index("--host") + 1] == "0.0.0.0"  # noqa: S104
    assert "HEALTHCHECK" in STAGES["serving"]
    assert "/livez" in STAGES["serving"]


def test_the_models_folder_belongs_to_the_pipelines_user_in_both_images() -> None:
    assert re.search(r"-o airflow -g airflow .*/srv/models", STAGES["airflow"])
    assert "-o 50000 -g 50000 /srv/models" in STAGES["serving"]
    assert "USER 50000:50000" in STAGES["airflow"]


def test_a_build_is_sent_nothing_but_what_it_copies() -> None:
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = set().union(*(copied_from_the_project(stage) for stage in STAGES.values()))
    assert allowed == copied - {"include/churn"}
