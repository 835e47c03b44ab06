"""Loads that are killed anywhere, and loads that meet: the next run succeeds, nothing is half."""

import subprocess
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from churn.core.errors import WarehouseError
from churn.warehouse.connect import Connection, connect
from churn.warehouse.schema import create_tables
from local import postgres
from local.network import free_port
from local.postgres import Server
from tests.large_file import ROWS, SUM, finish, start
from tests.loading import Write, bring_in, clean, everything, load, many_lines, number

pytestmark = pytest.mark.slow

COPYING = """
SELECT count(*) FROM pg_stat_progress_copy
WHERE datname = current_database() AND tuples_processed > 20000
"""
RUNNING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND query LIKE '%INSERT INTO {} %'
AND pid != pg_backend_pid()
"""
FILLING, KEEPING = RUNNING.format("customers"), RUNNING.format("customer_history")
MERGING = RUNNING.format("customers AS existing")


def _wait_for(connection: Connection, query: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not number(connection, query):
        assert process.poll() is None, "the load ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _require_whole(connection: Connection, charge: int, loads: int) -> None:
    """Require that every customer pays this much, and that nothing else is left."""
    assert number(connection, SUM) == charge * ROWS
    assert number(connection, "SELECT count(*) FROM customers") == ROWS
    assert number(connection, "SELECT count(*) FROM loads WHERE verdict IS NOT NULL") == loads
    assert everything(connection, "SELECT relname FROM pg_class WHERE relname ~ '^staging'") == []


def test_a_load_whose_process_is_killed_while_it_copies_leaves_nothing(
    url: str, connection: Connection, large: Path
) -> None:
    process = start(url, large)
    _wait_for(connection, COPYING, process)
    process.kill()
    process.communicate()
    assert number(connection, "SELECT count(*) FROM loads") == 0
    assert "PASS" in finish(start(url, large))
    _require_whole(connection, 20, loads=1)


def test_a_load_whose_process_is_killed_while_it_fills_the_table_leaves_it_empty(
    url: str, connection: Connection, large: Path
) -> None:
    process = start(url, large)
    _wait_for(connection, FILLING, process)
    process.kill()
    process.communicate()
    assert number(connection, "SELECT count(*) FROM loads WHERE verdict IS NOT NULL") == 0
    assert "PASS" in finish(start(url, large))
    bring_in(url, large)
    assert number(connection, SUM) == 20 * ROWS
    assert number(connection, "SELECT count(*) FROM loads WHERE verdict IS NOT NULL") == 1


@pytest.mark.parametrize("moment", [KEEPING, MERGING], ids=["history", "merge"])
def test_a_load_whose_process_is_killed_while_it_merges_changes_no_customer(
    url: str, connection: Connection, large: Path, dearer: Path, moment: str
) -> None:
    bring_in(url, large)
    process = start(url, dearer)
    _wait_for(connection, moment, process)
    process.kill()
    process.communicate()
    assert number(connection, SUM) == 20 * ROWS
    assert number(connection, "SELECT count(*) FROM customer_history") == 0
    assert f"{ROWS:,} changed" in finish(start(url, dearer))
    assert number(connection, SUM) == 21 * ROWS
    assert number(connection, "SELECT count(*) FROM customer_history") == ROWS


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server of its own, that may be killed; not yet running."""
    folder = tmp_path_factory.mktemp("mortal")
    folder.parent.chmod(0o755)
    folder.parent.parent.chmod(0o755)
    folder.chmod(0o755)
    return postgres.server(data=folder / "data", port=free_port(), password="mortal")


def _kill(server: Server) -> None:
    """Kill PostgreSQL, all of it, as a power cut does."""
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    postmaster = psutil.Process(pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=30)


def _tables(server: Server) -> str:
    with connect(server.url()) as connection:
        create_tables(connection)
    return server.url()


@pytest.mark.parametrize("moment", [COPYING, FILLING], ids=["copy", "clean"])
def test_a_load_whose_server_is_killed_is_reported_and_the_next_run_succeeds(
    mortal: Server, large: Path, moment: str
) -> None:
    with postgres.running(mortal):
        url = _tables(mortal)
        process = start(url, large)
        with psycopg.connect(url, autocommit=True) as connection:
            _wait_for(connection, moment, process)
        _kill(mortal)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "churn: PostgreSQL" in error
    assert "Traceback" not in error
    with postgres.running(mortal), psycopg.connect(mortal.url(), autocommit=True) as connection:
        assert number(connection, "SELECT count(*) FROM customers") == 0
        assert "PASS" in finish(start(mortal.url(), large))
        assert number(connection, SUM) == 20 * ROWS


def test_after_a_server_was_killed_between_load_and_clean_the_message_is_to_load_again(
    mortal: Server, write: Write
) -> None:
    path = write(many_lines(2_000))
    with postgres.running(mortal):
        load_id = load(_tables(mortal), path).load_id
        _kill(mortal)
    with postgres.running(mortal):
        with pytest.raises(WarehouseError, match="load the file again"):
            clean(mortal.url(), load_id)
        assert bring_in(mortal.url(), path).counts.inserted == 2_000
