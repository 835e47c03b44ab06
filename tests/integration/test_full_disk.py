"""A disk that is full in the middle of a load: told in one line, and the next run succeeds."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from local import postgres
from local.network import free_port
from local.postgres import Server
from tests.large_file import ROWS, SUM, finish, start
from tests.loading import bring_in, many_lines, number
from tests.small_disk import fill, small_disk

DISK_MB = 320
# Left free: less than the staging table takes, or enough for it but not for what comes of it.
FREE_MB = {"copy": 12, "clean": 40}


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own."""
    with small_disk(tmp_path_factory.mktemp("disk"), megabytes=DISK_MB) as disk:
        yield disk


@pytest.mark.slow
@pytest.mark.parametrize("moment", FREE_MB)
def test_a_full_disk_is_reported_changes_nothing_and_the_next_run_succeeds(
    disk: Path, large: Path, tmp_path: Path, moment: str
) -> None:
    server: Server = postgres.server(data=disk / "data", port=free_port(), password="full")
    known = tmp_path / "known.csv"
    known.write_bytes(many_lines(100, charge="10"))
    with postgres.running(server):
        url = server.url()
        with connect(url) as connection:
            create_tables(connection)
        bring_in(url, known)
        ballast = fill(disk, leave_mb=FREE_MB[moment])
        process = start(url, large)
        _, error = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "Check free disk space" in error
        assert "Traceback" not in error
        ballast.unlink()
        with psycopg.connect(url, autocommit=True) as look:
            assert number(look, SUM) == 10 * 100
            assert "PASS" in finish(start(url, large)) or number(look, SUM) == 20 * ROWS
            assert number(look, SUM) == 20 * ROWS
