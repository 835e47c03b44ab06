"""The gauges that an operator pages on, and what Prometheus and Grafana make of them."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.incidents import update_incidents
from churn.registry.store import ModelStore
from churn.warehouse import monitoring_tables
from churn.warehouse.connect import connect
from churn.warehouse.monitoring_tables import Report, Verdict
from churn.warehouse.predictions.spool import Writer
from churn.warehouse.schema import create_tables
from serving.api.monitoring_gauges import MonitoringGauges
from tests.api.conftest import running

DOCS = Path(__file__).parents[2] / "docs" / "monitoring"
PROMTOOL = shutil.which("promtool")
NAME = re.compile(r"\bchurn_[a-z_]+\b")
NOW = datetime.now(UTC)
FROM_DATABASE = {
    "churn_open_alarms", "churn_drift_verdict", "churn_drift_report_age_seconds",
    "churn_performance_report_age_seconds", "churn_training_decision_age_seconds",
    "churn_load_age_seconds", "churn_label_coverage_ratio", "churn_alarm_messages_unsent",
}  # fmt: skip


def _report(verdict: Verdict, days_ago: int = 1, rows: int = 200, **content: object) -> Report:
    end = NOW - timedelta(days=days_ago)
    return Report(
        model_version="v1",
        window_start=end - timedelta(days=7),
        window_end=end,
        as_of=end,
        verdict=verdict,
        rows=rows,
        content=content,
    )


_EVENT = """
    INSERT INTO model_events VALUES
    (1, now() - interval '2 h', now(), 'kept', 'v1', NULL, 'a', 'r', 'because', '{}', '0', '1')
"""
_LOAD = """
    INSERT INTO loads (
        file, sha256, bytes, compression, encoding, delimiter, decimal_mark, headers,
        extra_columns, snapshot_date, snapshot_told_by, finished_at, verdict
    ) VALUES ('f', '', 1, 'none', 'UTF8', ',', '.', '{}', '{}', now(), 'hand', %s, %s)
"""


@pytest.fixture
def watched(settings: Settings, store: ModelStore, database_url: str, serving_url: str) -> Settings:
    """A service whose database has alarms, reports, a decision and loads."""
    assert store.current()
    with connect(database_url) as connection:
        create_tables(connection)
        found = [Alarm(AlarmKind.DRIFT, field, "v1", "x") for field in ("contract", "tenure")]
        update_incidents(connection, found, [], NOW)
        monitoring_tables.write_drift_report(connection, _report(Verdict.OK, 9))
        monitoring_tables.write_drift_report(connection, _report(Verdict.ALARM))
        for days, labelled, is_mature in ((40, 10, True), (33, 50, True), (1, 0, False)):
            content = {"labelled": labelled, "is_mature": is_mature}
            report = _report(Verdict.OK, days, **content)
            monitoring_tables.write_performance_report(connection, report)
        connection.execute(_EVENT)
        for days, verdict in ((9, "pass"), (3, "flag"), (1, "stop")):
            connection.execute(_LOAD, [NOW - timedelta(days=days), verdict])
    return replace(settings, database_url=serving_url)


def gauges(client: TestClient) -> dict[str, dict[str, float]]:
    """Return the samples, by name and by the value of their only label."""
    text = client.get("/metrics").text
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            label = ",".join(sample.labels.values())
            found.setdefault(sample.name, {})[label] = sample.value
    return found


def test_the_state_of_monitoring_is_reported(watched: Settings) -> None:
    with running(watched) as client:
        found = gauges(client)
    assert found["churn_database_up"] == {"": 1}
    assert found["churn_open_alarms"] == {
        "drift": 2, "slow drift": 0, "data quality": 0, "performance": 0, "regression": 0,
    }  # fmt: skip
    assert {name for name, value in found["churn_drift_verdict"].items() if value} == {"alarm"}
    assert found["churn_label_coverage_ratio"] == {"": 0.25}
    assert 0 <= found["churn_drift_report_age_seconds"][""] < 900
    assert 7_200 <= found["churn_training_decision_age_seconds"][""] < 9_000
    assert 3 * 86_400 <= found["churn_load_age_seconds"][""] < 3 * 86_400 + 3_600
    assert found["churn_alarm_messages_unsent"] == {"": 0}


def test_what_has_never_happened_has_no_figure(
    settings: Settings, store: ModelStore, database_url: str, serving_url: str
) -> None:
    assert store.current()
    with connect(database_url) as connection:
        create_tables(connection)
    with running(replace(settings, database_url=serving_url)) as client:
        found = gauges(client)
    assert set(found) & FROM_DATABASE == {"churn_open_alarms", "churn_alarm_messages_unsent"}
    assert sum(found["churn_open_alarms"].values()) == 0


def test_without_tables_the_database_is_not_up(
    settings: Settings, store: ModelStore, serving_url: str
) -> None:
    assert store.current()
    with running(replace(settings, database_url=serving_url)) as client:
        found = gauges(client)
    assert found["churn_database_up"] == {"": 0}
    assert not set(found) & FROM_DATABASE


def test_without_postgresql_the_gauges_are_absent_and_the_others_are_there(
    client: TestClient,
) -> None:
    found = gauges(client)
    assert found["churn_database_up"] == {"": 0}
    assert not set(found) & FROM_DATABASE
    assert found["churn_workers"] == {"": 1}
    assert found["churn_spool_age_seconds"] == {"": 0}


@contextmanager
def silent_server() -> Iterator[str]:
    """Listen as PostgreSQL would, and never answer."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"postgresql://churn@127.0.0.1:{listening.getsockname()[1]}/churn"


def test_a_postgresql_that_hangs_delays_the_answer_by_two_seconds_at_most() -> None:
    with silent_server() as url:
        hung = MonitoringGauges(lambda: connect(url))
        started = time.monotonic()
        names = [one.name for one in hung.collect()]
        again = [one.name for one in hung.collect()]
    assert time.monotonic() - started < 5
    assert names == again == ["churn_database_up"]


def test_the_database_is_read_once_for_many_scrapes(watched: Settings) -> None:
    opened = 0

    def counted() -> psycopg.Connection[tuple[object, ...]]:
        nonlocal opened
        opened += 1
        return connect(watched.database_url)

    read = MonitoringGauges(counted)
    ages = []
    for _ in range(5):
        ages += [
            one.samples[0].value
            for one in read.collect()
            if one.name == "churn_drift_report_age_seconds"
        ]
    assert opened == 1
    assert len(ages) == 5
    assert ages == sorted(ages)
    assert ages[0] < ages[-1]


def test_the_age_of_the_spool_is_that_of_its_oldest_segment(settings: Settings) -> None:
    from churn.warehouse.predictions import spool

    assert spool.age(settings.spool) == 0
    settings.spool.mkdir()
    writer = Writer(settings.spool)
    time.sleep(0.2)
    assert 0.2 <= spool.age(settings.spool) < 5
    writer.close()
    assert spool.age(settings.spool) == 0


def names_in(text: str) -> set[str]:
    return set(NAME.findall(text))


def test_every_metric_of_the_dashboard_and_of_the_rules_is_one_that_the_service_has(
    watched: Settings,
) -> None:
    with running(watched) as client:
        client.post("/predict", json={"tenure": 5})
        text = client.get("/metrics").text
    families = [*text_string_to_metric_families(text)]
    known = {sample.name for family in families for sample in family.samples}
    known |= {f"{family.name}_total" for family in families if family.type == "counter"}
    dashboard = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    expressions = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    assert len(expressions) > 15
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text(encoding="utf-8"))
    expressions += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    named = names_in(" ".join(expressions))
    assert named <= known, named - known
    assert named >= FROM_DATABASE


def test_the_panels_of_the_dashboard_have_ids_and_places_of_their_own() -> None:
    panels = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(
    "command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")]
)
def test_promtool_accepts_the_rules(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *command], cwd=DOCS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_accepts_the_exposition(watched: Settings) -> None:
    with running(watched) as client:
        text = client.get("/metrics").text
    done = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
