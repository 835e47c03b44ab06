"""A simulation leaves its rows, and its removal leaves none."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from psycopg import sql

from churn.core.errors import ChurnError
from churn.core.settings import Settings
from churn.customer.description import INTERNET_SERVICE, MONTHLY_CHARGES, TENURE
from churn.pipeline import model_steps
from churn.pipeline.simulation import simulate as module
from churn.pipeline.simulation.plan import Plan, parse_shift
from churn.pipeline.simulation.simulate import remove, simulate
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection, connect
from churn.warehouse.outcomes import record
from tests.customer_file import SMALL
from tests.loading import Write, csv_text

PLAN = Plan(date(2026, 8, 3), date(2026, 9, 14), 700, 5)
TABLES = (
    *("alarm_checks", "alarms", "customer_history", "customers", "drift_reports", "loads"),
    *("outcomes", "performance_reports", "prediction_logs", "rejected_rows", "simulations"),
)
CHANGING = {"report_id", "made_at", "recorded_at", "received_at", "started_at", "finished_at"}


_ROWS = sql.SQL("SELECT to_jsonb(t) - %s::text [] FROM {} AS t")


def content(connection: Connection) -> dict[str, list[str]]:
    """Return every row of every table that a simulation writes, but for the clock's times."""
    found: dict[str, list[str]] = {}
    for table in TABLES:
        query = _ROWS.format(sql.Identifier(table))
        rows = connection.execute(query, (list(CHANGING),)).fetchall()
        found[table] = sorted(str(row[0]) for row in rows)
    return found


@pytest.mark.slow
def test_a_removed_simulation_leaves_no_trace(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    before = content(sample_connection)
    done = simulate(sample_connection, sample_settings, PLAN)
    assert done["predictions"] == 6 * 700
    assert done["outcomes"] > 500
    removed = remove(sample_connection)
    assert removed.rows["prediction_logs"] == done["predictions"]
    assert removed.rows["outcomes"] == done["outcomes"]
    assert removed.versions == []
    assert content(sample_connection) == before


@pytest.mark.slow
def test_a_version_that_was_trained_with_simulated_customers_is_named(
    sample_connection: Connection, sample_settings: Settings
) -> None:
    simulate(sample_connection, sample_settings, PLAN)
    sample_connection.commit()
    store = ModelStore(sample_settings.model_store)
    version = model_steps.train(sample_connection, store, recipe=SMALL)
    model_steps.publish(ModelRegistry(sample_connection, store, "test"), version)
    assert remove(sample_connection).versions == [version]


@pytest.mark.slow
def test_a_killed_simulation_is_completed_by_the_same_one(
    sample_connection: Connection, sample_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    whole = record.record_outcomes

    def die(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr(module, "record_outcomes", die)
    with pytest.raises(KilledError):
        simulate(sample_connection, sample_settings, PLAN)
    sample_connection.rollback()
    monkeypatch.setattr(module, "record_outcomes", whole)
    simulate(sample_connection, sample_settings, PLAN)
    after = {t: rows for t, rows in content(sample_connection).items() if t in _FACTS}
    again = simulate(sample_connection, sample_settings, PLAN)
    assert (again["predictions"], again["outcomes"]) == (0, 0)
    assert {t: rows for t, rows in content(sample_connection).items() if t in _FACTS} == after


_FACTS = ("prediction_logs", "customers", "customer_history", "alarms")


def test_a_companys_own_customers_are_never_replaced(
    url: str, write: Write, tmp_path: Path
) -> None:
    from churn.pipeline import steps
    from tests.customer_file import read_rows

    rows = [{**row, "customerID": f"own-{n}"} for n, row in enumerate(read_rows()[:200])]
    settings = Settings(url, tmp_path / "models", tmp_path, tmp_path / "spool")
    with connect(url) as connection:
        steps.clean(connection, steps.load_csv(connection, write(csv_text(rows))))
        with pytest.raises(ChurnError, match="200 customers of a company"):
            simulate(connection, settings, PLAN)


@pytest.mark.parametrize(
    "text",
    [
        f"{INTERNET_SERVICE.name}=Fiber optic:0.1@2026-10-01",
        f"{MONTHLY_CHARGES.name}*1.15@2026-10-01",
        f"{TENURE.name}+6@2026-10-01",
        "paperless_billing=yes@2026-10-01",
        "tenure+6@-13",
    ],
)
def test_a_shift_is_read(text: str) -> None:
    shift = parse_shift(text, PLAN.end)
    assert shift.day in {date(2026, 10, 1), date(2026, 9, 1)}
    assert 0 < shift.share <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tenure",
        "nothing=1@2026-10-01",
        "churn=Yes@2026-10-01",
        "tenure=6@2026-10-01",
        "contract*2@2026-10-01",
        "contract=Weekly@2026-10-01",
        "tenure+6@yesterday",
        "tenure+6@-",
        "tenure+six@2026-10-01",
        "contract=One year:a lot@2026-10-01",
    ],
)
def test_a_shift_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ChurnError, match="Fiber optic"):
        parse_shift(text, PLAN.end)


def test_the_days_of_a_plan_are_those_between() -> None:
    assert PLAN.days == 42
    assert PLAN.start + timedelta(days=PLAN.days) == PLAN.end
