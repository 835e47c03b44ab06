"""A monitoring run over a million predictions, beside PostgreSQL reading the same columns."""

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from psycopg import sql

from benchmarks.table import Table
from churn.core.monitor_options import MonitorOptions
from churn.customer.description import FEATURES
from churn.model.recipe import Recipe
from churn.pipeline import model_steps, steps
from churn.pipeline.monitor import monitor
from churn.registry.model_registry import ModelRegistry
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection, connect
from local import databases, postgres
from local.databases import CHURN_DATABASE, PIPELINE, SERVING
from local.network import free_port

_ROWS: Final = 1_000_000
_RUNS: Final = 3
_SAMPLE: Final = Path(__file__).resolve().parents[2] / "data" / "churn.csv"
_REFERENCE: Final = "COPY of the same columns (reference)"
_FILL: Final = """
INSERT INTO prediction_logs (
    prediction_id, predicted_at, customer_id, model_version, probability_churn, prediction,
    threshold, features, contact
)
SELECT
    gen_random_uuid(), now() - interval '9 days' + random() * interval '7 days',
    customer_id || '-' || copy, %(version)s, 0.02 + 0.9 * random() ^ 3, 0, 0.5,
    to_jsonb(customers) - '{customer_id,churn,snapshot_date,load_id,updated_at}'::text [], true
FROM customers CROSS JOIN generate_series(1, %(copies)s) AS copy
"""

_READ: Final = sql.SQL(
    "COPY (SELECT prediction_id, predicted_at, customer_id, probability_churn, contact, known.* "
    "FROM prediction_logs, jsonb_to_record(features) AS known ({})) TO STDOUT (FORMAT binary)"
)


def measure() -> str:
    """Return the table."""
    seconds: dict[str, list[float]] = {_REFERENCE: [], "churn monitor": []}
    with _filled() as (connection, store):
        for _ in range(_RUNS):
            seconds[_REFERENCE].append(_timed(lambda: _copy(connection)))
            seconds["churn monitor"].append(
                _timed(lambda: monitor(connection, store, MonitorOptions(window_days=14)))
            )
            connection.commit()
    ratio = statistics.median(seconds["churn monitor"]) / statistics.median(seconds[_REFERENCE])
    return str(
        Table(
            f"One monitoring run over {_ROWS:,} predictions",
            seconds,
            f"A run takes {ratio:.2f} times as long as reading the columns out (aim 3).",
            dict.fromkeys(seconds, _REFERENCE),
        )
    )


@contextmanager
def _filled() -> Iterator[tuple[Connection, ModelStore]]:
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder:
        server = postgres.server(
            data=Path(folder) / "data", port=free_port(), password=secrets.token_urlsafe(12)
        )
        with postgres.running(server):
            passwords = dict.fromkeys((PIPELINE, SERVING), server.password)
            databases.prepare(server.url(), passwords, databases.DATABASES[:1])
            url = server.url(CHURN_DATABASE, role=PIPELINE, password=server.password)
            store = ModelStore(Path(folder) / "models")
            with connect(url) as connection:
                _fill(connection, store)
                yield connection, store


def _fill(connection: Connection, store: ModelStore) -> None:
    steps.create_tables(connection)
    steps.clean(connection, steps.load_csv(connection, _SAMPLE))
    version = model_steps.train(connection, store, recipe=Recipe(repeats=1, draws=20))
    model_steps.publish(ModelRegistry(connection, store, "benchmark"), version)
    customers = connection.execute("SELECT count(*) FROM customers").fetchone() or (1,)
    copies = -(-_ROWS // int(str(customers[0])))
    connection.execute(_FILL, {"version": version, "copies": copies})
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE prediction_logs")
    connection.autocommit = False


def _copy(connection: Connection) -> None:
    kinds = {"flag": "boolean", "choice": "text", "count": "integer", "money": "float8"}
    columns = ", ".join(f"{field.name} {kinds[field.kind.value]}" for field in FEATURES)
    query = _READ.format(sql.SQL(columns))
    with connection.cursor() as cursor, cursor.copy(query) as stream:
        for _ in stream:
            pass
    connection.commit()


def _timed(run: Callable[[], object]) -> float:
    started = time.monotonic()
    run()
    return time.monotonic() - started
