"""A monitoring run over a simulated company, on a real database and a real model store."""

import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from churn.core.errors import ChurnError
from churn.core.monitor_options import MonitorOptions
from churn.core.settings import Settings
from churn.customer.description import CONTRACT, FEATURES, INTERNET_SERVICE, TENURE, TOTAL_CHARGES
from churn.monitoring.alarm import AlarmKind
from churn.monitoring.incidents import read_incidents
from churn.monitoring.reference import FILE, SCORE_BINS, read_reference
from churn.pipeline import model_steps
from churn.pipeline import monitor as monitor_module
from churn.pipeline.monitor import MonitorReport, monitor, roll_back_if_worse
from churn.pipeline.monitoring.drift_step import binning_of
from churn.pipeline.monitoring.windows import last_window, weeks_and_months
from churn.pipeline.simulation.plan import Plan, parse_shift
from churn.pipeline.simulation.simulate import simulate
from churn.registry import events
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection
from churn.warehouse.predictions.counts import (
    Binning,
    Window,
    count_days,
    count_fields,
    count_scores,
)
from tests.command import Churn
from tests.customer_file import SMALL

Row = tuple[int, datetime, str | None, float, dict[str, object] | None]

START = datetime(2026, 10, 5, tzinfo=UTC)
END = date(2026, 11, 2)
"""A Monday."""
AFTER = datetime(2026, 11, 2, 6, tzinfo=UTC)


def simulated(
    connection: Connection,
    sample_settings: Settings,
    *,
    days: int = 70,
    ageing: float = 0,
    shift: str = "",
) -> None:
    shifts = (parse_shift(shift, END),) if shift else ()
    plan = Plan(END - timedelta(days=days), END, 700, 3, ageing, shifts)
    simulate(connection, sample_settings, plan)


def look(connection: Connection, sample_settings: Settings) -> MonitorReport:
    return monitor(
        connection, ModelStore(sample_settings.model_store), sample_settings.monitor, as_of=AFTER
    )


@pytest.mark.slow
def test_months_without_drift_raise_no_alarm_and_give_figures(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    simulated(sample_connection, sample_settings)
    report = look(sample_connection, sample_settings)
    assert report.alarms == []
    assert report.drift is not None
    assert report.drift.rows == 700
    unjudged = [column.name for column in report.drift.columns if column.p is None]
    assert unjudged == [TOTAL_CHARGES.name], "the only field that the simulation leaves unknown"
    mature = [p for p in report.periods if p.is_mature and p.performance.figures]
    assert mature
    for period in mature:
        auc = period.performance.figures["roc_auc"]
        assert auc.low < auc.value < auc.high
    assert read_incidents(sample_connection) == []
    assert "no alarms" in report.text()


@pytest.mark.slow
def test_a_shift_is_found_named_and_dated(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    shift = f"{INTERNET_SERVICE.name}=Fiber optic:0.5@2026-10-19"
    simulated(sample_connection, sample_settings, shift=shift)
    found = {alarm.subject: alarm for alarm in look(sample_connection, sample_settings).alarms}
    fibre = found[INTERNET_SERVICE.name]
    assert fibre.kind is AlarmKind.DRIFT
    assert fibre.asks_retrain
    assert "Fiber optic" in fibre.sentence
    assert "since about 19 October" in fibre.sentence
    opened = {one.subject: one for one in read_incidents(sample_connection)}[INTERNET_SERVICE.name]
    assert opened.opened_at == datetime(2026, 10, 26, 6, tzinfo=UTC), "once the week was whole"


@pytest.mark.slow
def test_a_model_that_ages_loses_its_calibration_and_alarms(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    simulated(sample_connection, sample_settings, days=112, ageing=2.0)
    found = {alarm.subject: alarm for alarm in look(sample_connection, sample_settings).alarms}
    assert found["calibration"].kind is AlarmKind.SLOW_DRIFT
    assert "more of the customers churn than the scores promised" in found["calibration"].sentence


@pytest.mark.slow
def test_a_version_in_the_shadow_is_measured_on_the_live_ones_predictions(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    store = ModelStore(sample_settings.model_store)
    sample_connection.commit()
    candidate = model_steps.train(sample_connection, store, recipe=SMALL)
    simulated(sample_connection, sample_settings)
    for name in (candidate, "latest"):
        options = MonitorOptions(shadow=name)
        (paired,) = monitor(sample_connection, store, options, as_of=AFTER).paired
        assert (paired.version, paired.other) == (store.current(), candidate)
        assert paired.predictions > 500
        assert paired.difference.value == pytest.approx(0, abs=1e-12), "the same customers"
        assert paired.worse_since is None
    missing = monitor(sample_connection, store, MonitorOptions(shadow="v0"), as_of=AFTER)
    assert missing.paired == []


@pytest.mark.slow
def test_the_same_run_twice_writes_the_same(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    simulated(sample_connection, sample_settings, shift=f"{TENURE.name}+12@2026-10-19")
    counted = "SELECT count(*), sum(rows) FROM {} WHERE as_of = %s"
    seen = []
    for _ in range(2):
        report = look(sample_connection, sample_settings)
        counts = [
            sample_connection.execute(counted.format(table), (AFTER,)).fetchone()
            for table in ("drift_reports", "performance_reports")
        ]
        seen.append((report.text(), counts, read_incidents(sample_connection)))
    assert seen[0] == seen[1]


@pytest.mark.slow
def test_a_version_that_is_worse_than_its_predecessor_is_rolled_back(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    """The promoted version was trained on a quarter of wrong outcomes: customers who churned."""
    store = ModelStore(sample_settings.model_store)
    former = store.current()
    sample_connection.execute(
        "UPDATE customers SET churn = true WHERE hashtext(customer_id) % 4 = 0"
    )
    sample_connection.commit()
    registry = ModelRegistry(sample_connection, store, "test")
    version = model_steps.train(sample_connection, store, recipe=SMALL)
    registry.promote(version, "a mistake")
    simulated(sample_connection, sample_settings, ageing=-1.5)
    report = look(sample_connection, sample_settings)
    worse = [alarm for alarm in report.alarms if alarm.kind is AlarmKind.REGRESSION]
    assert [alarm.model_version for alarm in worse] == [version]
    assert former in worse[0].sentence
    assert roll_back_if_worse(registry, report, MonitorOptions()) is None, "off unless it is set"
    assert store.current() == version
    options = MonitorOptions(auto_rollback=True)
    assert roll_back_if_worse(registry, report, options) == former
    assert store.current() == former
    event = events.last_change(sample_connection)
    assert event is not None
    assert (event.kind, event.version) == ("rolled back", former)
    assert worse[0].sentence in event.reason
    assert roll_back_if_worse(registry, report, options) is None, "it is not live any more"
    opened = read_incidents(sample_connection, open_only=True)
    assert AlarmKind.REGRESSION in {one.kind for one in opened}
    monitor(sample_connection, store, options, as_of=AFTER + timedelta(hours=1))
    closed = [one for one in read_incidents(sample_connection) if not one.is_open]
    assert AlarmKind.REGRESSION in {one.kind for one in closed}, "that version is not live"


def test_the_command_prints_the_report_as_text_and_as_json(made: str, churn: Churn) -> None:
    assert made in churn("monitor", "--as-of", "2026-11-02").stdout
    found = json.loads(churn("monitor", "--json", "--window", "1").stdout)
    assert found["version"] == made
    assert found["alarms"] == []
    assert found["drift"]["rows"] == 0
    assert {one["name"] for one in found["drift"]["columns"]} >= {CONTRACT.name, "score"}
    assert churn("monitor", "--as-of", "2999-01-01").returncode == 1
    assert churn("monitor", "--window", "0").returncode == 2


def test_before_any_prediction_nothing_is_judged_and_nothing_alarms(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    report = look(sample_connection, sample_settings)
    assert report.alarms == []
    assert "too few rows to judge" in report.text()
    verdict = sample_connection.execute("SELECT verdict FROM drift_reports").fetchone()
    assert verdict == ("too few rows",)


def test_a_version_of_an_earlier_release_states_that_drift_is_not_judged(
    sample_connection: Connection, sample_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_module, "FILE", "missing.json")
    assert "has no missing.json" in look(sample_connection, sample_settings).text()


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (AFTER.replace(tzinfo=None), "has no time zone"),
        (datetime.now(UTC) + timedelta(days=1), "is in the future; name a moment in the past"),
    ],
    ids=["naive", "next"],
)
def test_a_moment_that_is_not_in_the_past_is_refused(
    sample_connection: Connection, sample_settings: Settings, moment: datetime, reason: str
) -> None:
    with pytest.raises(ChurnError, match=reason):
        monitor(sample_connection, ModelStore(sample_settings.model_store), as_of=moment)


def test_a_live_version_that_is_refused_is_an_alarm_until_it_is_whole_again(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    store = ModelStore(sample_settings.model_store)
    sample_connection.commit()
    version = model_steps.train(sample_connection, store, recipe=SMALL)
    registry = ModelRegistry(sample_connection, store, "test")
    registry.promote(version, "to be damaged")
    card = store.published(version) / "card.md"
    whole = card.read_bytes()
    card.write_bytes(whole + b"x")
    (alarm,) = monitor(sample_connection, store).alarms
    assert (alarm.kind, alarm.subject) == (AlarmKind.QUALITY, "live version")
    assert "card.md" in alarm.sentence
    card.write_bytes(whole)
    assert monitor(sample_connection, store).alarms == []
    assert [one.is_open for one in read_incidents(sample_connection)] == [False]


def random_rows(count: int) -> list[Row]:
    """Return predictions with unknown fields, values that training did not have, and none."""
    drawn = random.Random(5)  # noqa: S311
    rows: list[Row] = []
    for number in range(count):
        known: dict[str, object] = {}
        for field in (one for one in FEATURES if drawn.random() >= 0.2):
            numbers = [0, 1, 5.5, 70, 1e6]
            known[field.name] = drawn.choice(numbers if field.is_number else [*field.values, "new"])
        moment = START + timedelta(hours=drawn.randrange(24 * 8))
        who = drawn.choice([f"c{number % 50}", None])
        features = known if drawn.random() < 0.9 else None
        rows.append((number, moment, who, drawn.random(), features))
    return rows


def test_counts_are_those_of_a_plain_count(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    store = ModelStore(sample_settings.model_store)
    reference = read_reference(store.read(store.current()).files[FILE])
    rows, window = random_rows(300), Window("v", START, START + timedelta(days=7))
    _log(sample_connection, rows)
    inside = [row for row in rows if row[1] < window.end]
    binnings = [binning_of(one) for one in reference.fields]
    found = count_fields(sample_connection, window, binnings)
    assert found.rows == len(inside)
    for one in binnings:
        expected = Counter(_bin(one, row[4]) for row in inside)
        assert found.unknown[one.field] == expected[None]
        assert found.known[one.field].tolist() == [expected[place] for place in range(one.size)]
    days, counts = count_days(sample_connection, window, binnings[4])
    assert counts.sum(axis=0).tolist() == found.known[binnings[4].field].tolist()
    assert days == sorted(days)


def test_scores_and_customers_are_those_of_a_plain_count(sample_connection: Connection) -> None:
    rows, window = random_rows(300), Window("v", START, START + timedelta(days=7))
    _log(sample_connection, rows)
    inside = [row for row in rows if row[1] < window.end]
    needed = [CONTRACT.name, TENURE.name]
    found = count_scores(sample_connection, window, needed=needed, score_bins=SCORE_BINS)
    complete = [row for row in inside if row[4] and all(name in row[4] for name in needed)]
    assert found.complete.tolist() == _scores(complete)
    assert found.every.tolist() == _scores(inside)
    assert found.customers == len({row[2] or row[0] for row in inside})


def _scores(rows: list[Row]) -> list[int]:
    bins = [min(int(row[3] * SCORE_BINS), SCORE_BINS - 1) for row in rows]
    return list(np.bincount(bins, minlength=SCORE_BINS))


def _bin(binning: Binning, known: dict[str, object] | None) -> int | None:
    value = (known or {}).get(binning.field)
    if value is None:
        return None
    if binning.edges:
        return int(np.searchsorted(binning.edges, float(str(value)), side="right"))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return binning.values.index(text) if text in binning.values else len(binning.values)


def _log(connection: Connection, rows: list[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO prediction_logs (prediction_id, predicted_at, customer_id, model_version, "
            "probability_churn, prediction, threshold, features, contact) VALUES "
            "(gen_random_uuid(), %s, %s, 'v', %s, 0, 0.5, %s, false)",
            [(at, who, p, Jsonb(known) if known else None) for _, at, who, p, known in rows],
        )


@pytest.mark.parametrize(
    ("moment", "days", "start", "end"),
    [
        ("2026-11-02T00:00", 7, "2026-10-26", "2026-11-02"),
        ("2026-11-01T23:59", 7, "2026-10-19", "2026-10-26"),
        ("2026-11-08T12:00", 7, "2026-10-26", "2026-11-02"),
        ("2026-11-08T12:00", 1, "2026-11-07", "2026-11-08"),
    ],
)
def test_a_window_is_the_last_whole_one(moment: str, days: int, start: str, end: str) -> None:
    found = last_window(datetime.fromisoformat(moment).replace(tzinfo=UTC), days)
    assert [one.date().isoformat() for one in found] == [start, end]


def test_periods_are_whole_weeks_and_months() -> None:
    first = datetime(2026, 9, 10, tzinfo=UTC)
    spans = weeks_and_months(first, datetime(2026, 11, 4, tzinfo=UTC))
    assert all(end <= datetime(2026, 11, 4, tzinfo=UTC) for _, end in spans)
    months = [(a.date(), b.date()) for a, b in spans if (b - a).days > 7]
    assert months == [(date(2026, 9, 1), date(2026, 10, 1)), (date(2026, 10, 1), date(2026, 11, 1))]
