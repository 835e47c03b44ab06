import json
from datetime import UTC, date, datetime

import psycopg
import pytest

from churn.warehouse.connect import Connection, connect
from churn.warehouse.schema import create_tables
from tests.customer_file import CHURN_CSV
from tests.loading import bring_in, everything, number


def test_creating_the_tables_again_changes_nothing(url: str, connection: Connection) -> None:
    bring_in(url, CHURN_CSV)
    with connect(url) as other:
        create_tables(other)
    assert number(connection, "SELECT count(*) FROM customers") == 7_043


def _partitions(connection: Connection) -> set[str]:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON oid = inhparent"
    rows = everything(connection, f"{query} WHERE relname = 'prediction_logs'")
    return {str(name) for (name,) in rows}


def test_predictions_have_a_partition_for_this_month_and_the_next_twelve(
    url: str, connection: Connection
) -> None:
    now = datetime.now(UTC)
    months = [(now.year * 12 + now.month - 1 + ahead) for ahead in range(13)]
    expected = {f"prediction_logs_{m // 12}_{m % 12 + 1:02}" for m in months}
    assert url
    assert expected <= _partitions(connection)


def test_partitions_go_on_over_the_turn_of_the_year(database_url: str) -> None:
    with connect(database_url) as connection:
        create_tables(connection, today=date(2031, 12, 31))
        create_tables(connection, today=date(2032, 1, 1))
        names = _partitions(connection)
    assert {"prediction_logs_2031_11", "prediction_logs_2031_12", "prediction_logs_2032_01"} < names
    assert "prediction_logs_2033_01" in names


_RECORD = {
    "prediction_id": "0c6f3a4e-8f53-4d7e-9a37-4f1e1f0d9d10",
    "predicted_at": "2026-01-01T00:00:00Z",
    "model_version": "v1",
    "probability_churn": 0.5,
    "prediction": 1,
    "threshold": 0.5,
    "features": {},
}
_ADD = "SELECT record_predictions(%s::jsonb)"


def test_the_service_may_add_predictions_and_read_customers(url: str, serving_url: str) -> None:
    bring_in(url, CHURN_CSV)
    with connect(serving_url) as connection:
        connection.execute(_ADD, [json.dumps([_RECORD])])
        assert number(connection, "SELECT count(*) FROM customers") == 7_043


FORBIDDEN = (
    "DELETE FROM customers",
    "UPDATE customers SET churn = NOT churn",
    "INSERT INTO customers SELECT * FROM customers",
    "TRUNCATE customers",
    "DROP TABLE customers",
    "SELECT * FROM prediction_logs",
    "INSERT INTO prediction_logs SELECT * FROM prediction_logs",
    "DELETE FROM prediction_logs",
    "SELECT * FROM erasures",
    "SELECT * FROM outcomes",
    "INSERT INTO outcomes (churned) VALUES (true)",
    "DELETE FROM outcomes",
    "SELECT * FROM known_outcomes",
    "SELECT * FROM known_outcomes_as_of('infinity')",
    "UPDATE prediction_logs SET prediction = 0",
    "SELECT * FROM loads",
    "UPDATE model_versions SET version = 'x'",
    "CREATE TABLE mine (x int)",
)


def test_the_service_may_change_nothing_else(url: str, serving_url: str) -> None:
    assert url
    with connect(serving_url) as connection:
        for query in FORBIDDEN:
            refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
            with refused, connection.transaction():
                connection.execute(query)
