"""`churn erase`: the id is then nowhere, neither in the database nor in the spool."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from churn.core.errors import ChurnError
from churn.pipeline import erasure
from churn.warehouse.connect import Connection, connect
from churn.warehouse.predictions import spool
from churn.warehouse.predictions.spool import Writer, framed
from serving.api.prediction_log import PredictionLog
from serving.api.worker_spool import WorkerSpool
from tests.command import Churn
from tests.customer_file import CHURN_CSV
from tests.loading import bring_in

WHO = "7590-VHVEG"
ANOTHER = "5575-GNVDE"


def _record(customer_id: str, moment: datetime | None = None) -> bytes:
    record = {
        "prediction_id": str(uuid.uuid4()),
        "predicted_at": (moment or datetime.now(UTC)).isoformat(),
        "customer_id": customer_id,
        "model_version": "v1",
        "probability_churn": 0.5,
        "prediction": 1,
        "threshold": 0.5,
        "features": {"tenure": 5},
    }
    return json.dumps(record).encode()


def _everything(connection: Connection) -> str:
    """Return every row of every table as text, partitions and staging tables included."""
    tables = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    rows = [
        connection.execute(f"SELECT t::text FROM {name} AS t").fetchall()  # noqa: S608
        for (name,) in tables
    ]
    return "\n".join(str(row[0]) for table in rows for row in table)


def _in_files(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file() and WHO.encode() in p.read_bytes()]


def _changed(tmp_path: Path) -> Path:
    """The same customers a day later: one changed, and one of whom a line is broken."""
    lines = CHURN_CSV.read_text().splitlines()
    lines[1] = lines[1].replace(",29.85,29.85,", ",39.85,29.85,")
    lines.append(f'{WHO.replace("7590", "X-7590")};broken "{WHO}')
    lines.append(lines[1].replace("Month-to-month", "for ever"))
    path = tmp_path / "later.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spool with nothing in it."""
    made = tmp_path / "spool"
    made.mkdir()
    return made


def _ship(folder: Path, url: str) -> None:
    with WorkerSpool(folder, limit=1_000_000) as own:
        PredictionLog(own, lambda: connect(url)).ship()


def test_the_id_of_an_erased_customer_is_nowhere(
    url: str, serving_url: str, connection: Connection, tmp_path: Path, folder: Path
) -> None:
    bring_in(url, CHURN_CSV)
    bring_in(url, _changed(tmp_path))
    with WorkerSpool(folder, limit=1_000_000) as own:
        own.add(_record(WHO), _record(ANOTHER))
    _ship(folder, serving_url)
    with WorkerSpool(folder, limit=1_000_000) as own:
        own.add(_record(WHO), _record(ANOTHER))
    connection.execute("CREATE TABLE staging_load_99 (raw_customer_id text, raw_line text)")
    connection.execute(f"INSERT INTO staging_load_99 VALUES ('{WHO}', NULL), ('x', '1,{WHO},2')")  # noqa: S608
    connection.execute(f"INSERT INTO staging_load_99 VALUES ('{ANOTHER}', NULL)")  # noqa: S608
    before = _everything(connection)
    assert before.count(WHO) > 5
    assert _in_files(folder)
    with connect(url) as other:
        done = erasure.erase(other, WHO, folder)
    after = _everything(connection)
    assert WHO not in after
    assert _in_files(folder) == []
    assert after.count(ANOTHER) == before.count(ANOTHER) >= 3
    assert done.spooled == 1
    assert {name for name, count in done.rows.items() if count} == {
        "customer_history",
        "customers",
        "prediction_logs",
        "rejected_rows",
        "staging_load_99",
    }
    (left,) = [r for p in spool.segments(folder) for r in spool.read(p.read_bytes()).records]
    assert json.loads(left)["customer_id"] == ANOTHER


def test_what_a_spool_out_of_reach_still_holds_is_kept_out_of_the_database(
    url: str, serving_url: str, connection: Connection, tmp_path: Path, folder: Path
) -> None:
    now = datetime.now(UTC)
    with WorkerSpool(folder, limit=1_000_000) as own:
        own.add(_record(WHO, now), _record(ANOTHER, now), _record(WHO, now + timedelta(days=1)))
    with connect(url) as other:
        erasure.erase(other, WHO, tmp_path / "elsewhere")
    _ship(folder, serving_url)
    rows = connection.execute("SELECT customer_id FROM prediction_logs ORDER BY predicted_at")
    assert [row[0] for row in rows.fetchall()] == [ANOTHER, WHO]  # the last one came afterwards


def test_a_running_service_that_cannot_ship_is_named_instead_of_a_promise(folder: Path) -> None:
    writer = Writer(folder)
    writer.append(framed(_record(WHO)), 1)
    with pytest.raises(ChurnError, match="a running service still holds records"):
        erasure.forget_spooled(folder, WHO, patience=0.3)
    writer.close()
    assert erasure.forget_spooled(folder, WHO) == 1
    assert erasure.forget_spooled(folder, WHO) == 0


def test_a_damaged_segment_that_names_the_customer_is_removed(folder: Path) -> None:
    (folder / "1.damaged").write_bytes(_record(WHO))
    (folder / "2.damaged").write_bytes(_record(ANOTHER))
    assert erasure.forget_spooled(folder, WHO) == 1
    assert {path.name for path in folder.iterdir()} == {"2.damaged", spool.ERASURES}


@pytest.mark.parametrize("strange", ['say "hi" \\ there', "maçã", "a.b*c", "(x"])
def test_any_id_can_be_erased(url: str, connection: Connection, folder: Path, strange: str) -> None:
    with WorkerSpool(folder, limit=1_000_000) as own:
        own.add(json.dumps(json.loads(_record(strange)), ensure_ascii=False).encode())
    connection.execute(
        "INSERT INTO loads (file, sha256, bytes, compression, encoding, delimiter,"
        " decimal_mark, headers, extra_columns, snapshot_date, snapshot_told_by)"
        " VALUES ('f', '0', 1, 'none', 'UTF8', ',', '.', '{}', '{}', now(), 'hand')"
    )
    connection.execute(
        "INSERT INTO rejected_rows SELECT load_id, 2, %s, '{}' FROM loads", [f"1,{strange},x"]
    )
    with connect(url) as other:
        done = erasure.erase(other, f" {strange} ", folder)
    assert (done.rows["rejected_rows"], done.spooled) == (1, 1)


@pytest.mark.slow
def test_the_command_names_the_versions_and_prints_the_same_again(churn: Churn) -> None:
    churn("run", str(CHURN_CSV))
    version = churn("models", "list").stdout.split()[1]
    first, again = churn("erase", WHO), churn("erase", WHO)
    assert first.stdout.startswith("erased 1 from customers; ")
    assert again.stdout.startswith("nothing was there to erase; ")
    for done in (first, again):
        assert version in done.stdout
    unknown = churn("erase", "nobody").stdout
    assert unknown.endswith("; no model version was trained with this customer\n")
