"""After `churn erase` a customer is in no byte of the dump, the store, the spool and the logs."""

import itertools
import json
import math
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection, message_of
from local.binaries import find_binaries
from local.postgres import Server
from tests.api.process import Running, serving
from tests.command import Churn
from tests.customer_file import FEW, read_rows
from tests.loading import csv_text

pytestmark = pytest.mark.slow

WHO = "QX77-ERASEME"
MONTHLY, TOTAL = 987.65, 59876.54
"""The highest amounts of the file: an extreme is one customer's number."""

NUMBERS = (MONTHLY, TOTAL, math.log1p(MONTHLY), math.log1p(TOTAL))


def _needles() -> Iterator[bytes]:
    """Yield how the customer may be written: the id, and amounts as text and as floats."""
    yield WHO.encode()
    yield WHO.encode("utf-16-le")
    for number in NUMBERS:
        yield repr(number)[:12].encode()
        yield struct.pack("<d", number)
        yield struct.pack("<f", number)


def _found(content: bytes) -> list[bytes]:
    return [needle for needle in _needles() if needle in content]


def _files_with(folder: Path) -> dict[str, list[bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    found = {str(path.relative_to(folder)): _found(path.read_bytes()) for path in files}
    return {name: needles for name, needles in found.items() if needles}


def _row() -> dict[str, str]:
    amounts = {"MonthlyCharges": str(MONTHLY), "TotalCharges": str(TOTAL), "tenure": "61"}
    return {**read_rows()[3], **amounts, "customerID": WHO}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file's first customers and the one to erase, kept apart from the installation."""
    (tmp_path / "exports").mkdir()
    path = tmp_path / "exports" / "first.csv"
    path.write_text(csv_text([*read_rows()[:FEW], _row()]))
    return path


def _odd_lines(file: Path) -> Path:
    """Write a file that no COPY takes at once, of which rows with the id are rejected."""
    row = _row()
    lines = csv_text([*read_rows()[:FEW], {**row, "tenure": WHO}, {**row, "Contract": "for ever"}])
    path = file.with_name("second.csv")
    path.write_text(f'{lines}{WHO},broken\n{WHO},"never closed\n')
    return path


def _dump(url: str) -> bytes:
    command = [str(find_binaries() / "pg_dump"), "--statistics", "--dbname", url]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def _sampled(connection: Connection) -> bytes:
    query = "SELECT stats::text FROM pg_stats AS stats WHERE schemaname = 'public'"
    return "\n".join(str(row[0]) for row in connection.execute(query)).encode()


def _ask_about(service: Running) -> None:
    """Send the id by every way that a request has, right and wrong."""
    status, _ = service.get(f"/customers/{WHO}/churn")
    assert status == 200
    service.post("/predict", {"customer_id": WHO, "monthly_charges": MONTHLY})
    service.post("/predict", {"customer_id": WHO, "monthly_charges": "dear"})
    service.post("/predict/batch", [{"customer_id": WHO, "monthly_charges": MONTHLY}])
    paths = (f"/{WHO}", f"/customers/{WHO}", f"/customers/{WHO}X/churn", f"/predict?who={WHO}")
    for path, method in itertools.product(paths, ("GET", "PUT", "POST")):
        request = urllib.request.Request(service.url + path, b"{}", method=method)  # noqa: S310
        request.add_header("X-Customer", WHO)
        assert service.send(request)[0] >= 400


@pytest.fixture
def churn(tmp_path: Path, database_url: str) -> Churn:
    """An installation in a folder of its own, with an empty database."""
    return Churn(tmp_path / "home", database_url)


def test_an_erased_customer_is_in_no_byte_that_the_product_keeps(
    churn: Churn, file: Path, tmp_path: Path, serving_url: str, postgres_server: Server
) -> None:
    home = tmp_path / "home"
    done = churn("run", file)
    assert done.returncode == 0, done.stderr
    assert _found(done.stderr.encode()) == []
    connection_url = churn.database_url
    with serving(home, CHURN_DATABASE_URL=serving_url) as service:
        _ask_about(service)
        odd = churn("run", _odd_lines(file), "--limit-rejected", "1")
        assert WHO not in odd.stderr
        assert _found(_dump(connection_url))
        erased = churn("erase", WHO)
        assert erased.returncode == 0, erased.stderr
        _ask_about_nothing(service)
    assert _files_with(home) == {}
    assert _found(_dump(connection_url)) == []
    assert WHO.encode() not in postgres_server.data.with_name("postgres.log").read_bytes()


def _ask_about_nothing(service: Running) -> None:
    status, _ = service.get(f"/customers/{WHO}/churn")
    assert status == 404


def test_the_planners_statistics_forget_the_customer(
    churn: Churn, file: Path, connection: Connection
) -> None:
    few = csv_text([*read_rows()[:60], _row()])
    file.write_text(few)
    assert churn("load", file).returncode == 0
    connection.execute("ANALYZE")
    assert WHO.encode() in _found(_sampled(connection))
    churn("erase", WHO)
    assert _found(_sampled(connection)) == []


def test_what_postgresql_logs_of_an_error_has_neither_row_nor_statement(
    connection: Connection, postgres_server: Server
) -> None:
    log = postgres_server.data.with_name("postgres.log")
    connection.execute("CREATE TABLE twice (customer_id text PRIMARY KEY)")
    insert = f"INSERT INTO twice VALUES ('{WHO}-LOGGED')"  # noqa: S608
    connection.execute(insert.encode())
    with pytest.raises(psycopg.errors.UniqueViolation, match=f"{WHO}-LOGGED") as caught:
        connection.execute(insert.encode())
    assert message_of(caught.value) == 'duplicate key value violates unique constraint "twice_pkey"'
    content = log.read_text()
    assert "duplicate key value violates unique constraint" in content
    assert f"{WHO}-LOGGED" not in content


def test_no_manifest_has_a_customer_of_the_file(made: str, tmp_path: Path) -> None:
    folder = ModelStore(tmp_path / "models").published(made)
    golden = json.loads((folder / "manifest.json").read_text())["golden_rows"]
    amounts = {float(row["MonthlyCharges"]) for row in read_rows()}
    totals = {float(row["TotalCharges"].strip() or 0) for row in read_rows()}
    for row in golden:
        assert row["known"]["total_charges"] not in totals
        assert row["known"].get("monthly_charges") not in amounts
