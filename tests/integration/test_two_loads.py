"""Two loads at once: one waits for the other, and never is there a mixture."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from churn.warehouse.connect import Connection, connect
from churn.warehouse.schema import create_tables
from tests.large_file import ROWS, SUM, finish, start
from tests.loading import Write, bring_in, clean, everything, load, many_lines, number


@pytest.mark.slow
def test_of_two_loads_at_once_one_waits(
    url: str, connection: Connection, large: Path, dearer: Path
) -> None:
    first, second = start(url, large), start(url, dearer)
    reports = [finish(first), finish(second)]
    assert all("PASS" in report for report in reports)
    assert number(connection, SUM) in (20 * ROWS, 21 * ROWS)
    query = "SELECT load_id, inserted, updated FROM loads ORDER BY finished_at"
    (one, inserted, _), (other, _, updated) = everything(connection, query)
    assert (inserted, updated) == (ROWS, ROWS)
    counts = everything(connection, "SELECT load_id, count(*) FROM customers GROUP BY load_id")
    assert counts == [(other, ROWS)]
    history = "SELECT DISTINCT load_id, replaced_by FROM customer_history"
    assert everything(connection, history) == [(one, other)]


def _create_tables(url: str) -> None:
    with connect(url) as connection:
        create_tables(connection)


def _wait_until(connection: Connection, query: str) -> None:
    deadline = time.monotonic() + 30
    while not number(connection, query):
        assert time.monotonic() < deadline, query
        time.sleep(0.01)


WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND NOT granted AND relation = '{}'::regclass
"""


def test_a_load_that_starts_while_another_is_cleaned_ends_neither(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(many_lines(100, charge="20")))
    load_id = load(url, write(many_lines(100, charge="30"))).load_id
    with ThreadPoolExecutor() as pool, psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE customers IN SHARE MODE")  # stops the clean in its middle
        cleaning = pool.submit(clean, url, load_id)
        _wait_until(connection, WAITING.format("customers"))
        creating = pool.submit(_create_tables, url)
        time.sleep(0.5)
        holder.commit()
        creating.result(30)
        assert cleaning.result(30).counts.updated == 100
