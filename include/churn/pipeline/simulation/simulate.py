"""Writes a simulation through the ways that real data takes, and removes it again."""

import csv
import json
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from psycopg.types.json import Jsonb

from churn.core.errors import ChurnError
from churn.core.settings import Settings
from churn.customer.description import (
    BY_NAME,
    CHURN,
    COLUMNS,
    FEATURES,
    MONTHLY_CHARGES,
    OPTIONAL,
    TENURE,
    TOTAL_CHARGES,
    Customer,
)
from churn.customer.parsing import parse_customer
from churn.pipeline import steps
from churn.pipeline.monitor import monitor
from churn.pipeline.simulation.company import Company
from churn.pipeline.simulation.plan import PREFIX, Plan
from churn.registry.loaded_model import load_published
from churn.registry.store import ModelStore
from churn.warehouse.cleaning.gate import Terms
from churn.warehouse.connect import Connection, placeholders, run, scalar, statement
from churn.warehouse.loading.load import Reading
from churn.warehouse.outcomes.outcome import Outcome
from churn.warehouse.outcomes.record import Source, record_outcomes
from churn.warehouse.schema import midnight

log = logging.getLogger(__name__)
_SAMPLE: Final = "churn.csv"
_FILE: Final = "simulated-{day}.csv"
_DAYS_OF_A_FILE: Final = 28
_WEEK: Final = 7
_MORNING: Final = timedelta(hours=6)
_KNOWN: Final = tuple(field for field in FEATURES if field not in OPTIONAL)


def simulate(connection: Connection, settings: Settings, plan: Plan) -> dict[str, int]:
    """Simulate months: customer files every four weeks, predictions, outcomes, monitoring runs.

    The same plan again adds nothing; a run that was killed is completed by the same plan. Returns
    how many predictions, outcomes and customer files were written.

    Raises:
        ChurnError: the warehouse has a company's own customers.
        NoModelError: no model has been published.
    """
    _require_no_company(connection)
    store = ModelStore(settings.model_store)
    model = load_published(store, store.current())
    company = Company(plan, _pool(settings.data / _SAMPLE), model)
    run(connection, "note_simulation", {**_noted(plan), "model_version": model.version})
    done = {"predictions": 0, "outcomes": 0, "files": 0}
    waiting: list[Outcome] = []
    for number, one in enumerate(company.days()):
        if number and number % _DAYS_OF_A_FILE == 0:  # a file without churned customers is refused
            done["files"] += _load_file(connection, company, one.day)
        if number and number % _WEEK == 0:
            waiting, stated = _due(waiting, midnight(one.day))
            done["outcomes"] += record_outcomes(connection, stated, Source.API).recorded
            _monitor(connection, store, settings, one.day)
            log.info("%s: %s predictions", one.day, f"{done['predictions']:,}")
        done["predictions"] += _log(connection, one.predictions)
        waiting += one.outcomes
    done["files"] += _load_file(connection, company, plan.end)
    _, stated = _due(waiting, midnight(plan.end))
    done["outcomes"] += record_outcomes(connection, stated, Source.API).recorded
    _monitor(connection, store, settings, plan.end)
    run(connection, "finish_simulation", _span(plan))
    return done


def _due(waiting: Sequence[Outcome], moment: datetime) -> tuple[list[Outcome], list[Outcome]]:
    """Return the statements that are made after a moment, and those made until then."""
    stated = [one for one in waiting if one.recorded_at <= moment]
    return [one for one in waiting if one.recorded_at > moment], stated


def _span(plan: Plan) -> dict[str, object]:
    return {"seed": plan.seed, "start": plan.start, "end": plan.end}


def _noted(plan: Plan) -> dict[str, object]:
    shifts = [f"{one.field.name}{one.how}{one.value}:{one.share}@{one.day}" for one in plan.shifts]
    arguments = {"customers": plan.customers, "ageing": plan.ageing, "shifts": shifts}
    return {**_span(plan), "arguments": Jsonb(arguments)}


def _require_no_company(connection: Connection) -> None:
    values = {"prefix": f"{PREFIX}%"}
    query = statement("count_own_customers", **placeholders(values))
    if own := int(str(scalar(connection, query, values))):
        raise ChurnError(
            f"the warehouse has {own:,} customers of a company, whom a simulation would replace; "
            "simulate on a stack of its own (another CHURN_HOME)"
        )


def _pool(sample: Path) -> Sequence[Customer]:
    """Return the shipped sample's customers, whom the simulated ones resemble."""
    try:
        with sample.open(encoding="utf-8", newline="") as file:
            return [
                parse_customer({field.name: row[field.header] for field in _KNOWN})
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError:
        raise ChurnError(f"{sample} is missing: the simulated customers resemble its") from None


def _log(connection: Connection, predictions: Sequence[Mapping[str, object]]) -> int:
    if not predictions:
        return 0
    values = {"records": json.dumps(predictions)}
    query = statement("insert_predictions", **placeholders(values))
    return int(str(scalar(connection, query, values)))


def _load_file(connection: Connection, company: Company, day: date) -> int:
    """Load the whole customer base of a day; return how many files were loaded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILE.format(day=day)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(field.header for field in COLUMNS)
            writer.writerows(_rows(company, day))
        loads = steps.load_csv(connection, path, Reading(snapshot_date=day))
        connection.commit()
        reports = steps.clean(connection, loads, Terms(replace=True, allow_change=True))
        connection.commit()
    return len(reports)


def _rows(company: Company, day: date) -> Iterator[list[str]]:
    for known, left in company.file_rows(day):
        total = round(float(known[TENURE.name]) * float(known[MONTHLY_CHARGES.name]), 2)
        row = {**parse_customer(known), TOTAL_CHARGES.name: total, CHURN.name: left}
        yield [BY_NAME[field.name].label(row[field.name]) for field in COLUMNS]


def _monitor(connection: Connection, store: ModelStore, settings: Settings, day: date) -> None:
    """Run the monitoring as it would have run in the morning of a day."""
    connection.commit()
    moment = min(midnight(day) + _MORNING, datetime.now(UTC))
    report = monitor(connection, store, settings.monitor, as_of=moment)
    connection.commit()
    log.info("monitored as of %s: %s alarms", day, len(report.alarms))


@dataclass(frozen=True)
class Removed:
    """The rows removed by table, and the versions that were trained with simulated customers."""

    rows: Mapping[str, int]
    versions: Sequence[str]


def remove(connection: Connection) -> Removed:
    """Remove every simulated row, and what monitoring found in that time; the sample comes back.

    Versions stay in the model store: they are named, so that another one can be made live.
    """
    trained = run(connection, "find_simulated_versions", {}).fetchall()
    rows = run(connection, "remove_simulations", {}).fetchall()
    counts = {str(name): int(str(count)) for name, count in rows}
    return Removed(counts, [str(row[0]) for row in trained])
