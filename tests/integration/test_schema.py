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


_INSERT = """
INSERT INTO prediction_logs
(prediction_id, predicted_at, model_version, probability_churn, prediction, threshold, features)
VALUES (gen_random_uuid(), now(), 'v1', 0.5, 1, 0.5, '{}')
"""


def test_the_service_may_add_predictions_and_read_customers(url: str, serving_url: str) -> None:
    bring_in(url, CHURN_CSV)
    with connect(serving_url) as connection:
        connection.execute(_INSERT)
        assert number(connection, "SELECT count(*) FROM customers") == 7_043


FORBIDDEN = (
    "DELETE FROM customers",
    "UPDATE customers SET churn = NOT churn",
    "INSERT INTO customers SELECT * FROM customers",
    "TRUNCATE customers",
    "DROP TABLE customers",
    "DELETE FROM prediction_logs",
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
