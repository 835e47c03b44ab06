"""`churn outcomes`: what became of the rows of a file, and what they label."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from backports import zstd

from churn.pipeline import erasure
from churn.warehouse.connect import Connection, connect
from tests.command import Churn
from tests.loading import Write, everything, number

GOOD: Final = "customer_id,churned,observed_at\nA,Yes,2026-01-31\nB,No,2026-01-31\n"
COUNT: Final = "SELECT count(*) FROM outcomes"


@pytest.fixture(autouse=True)
def _tables(url: str) -> None:
    """Let every test have the tables."""
    assert url


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "csv.zst", "csv.zip"])
def test_a_file_is_recorded_plain_or_packed_and_once(
    churn: Churn, connection: Connection, tmp_path: Path, kind: str
) -> None:
    path, content = tmp_path / f"outcomes.{kind}", GOOD.encode()
    if kind == "csv.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("outcomes.csv", content)
    else:
        packed = {"csv.gz": gzip.compress(content), "csv.zst": zstd.compress(content)}
        path.write_bytes(packed.get(kind, content))
    first, again = churn("outcomes", "load", path), churn("outcomes", "load", path)
    assert first.stdout.startswith("2 recorded, 0 known already, 0 rejected; "), first.stderr
    assert again.stdout.startswith("0 recorded, 2 known already, 0 rejected; ")
    assert everything(connection, "SELECT DISTINCT source FROM outcomes") == [("file",)]


ROW: Final = '{"customer_id": "A", "churned": 1, "observed_at": "2026-01-31"}'


@pytest.mark.parametrize(
    ("content", "recorded"),
    [
        (f"{ROW}\n\n{ROW.replace('A', 'B')}", 2),
        (f"[{ROW}, {ROW.replace('A', 'B')}]", 2),
        (f"\ufeff[{ROW}]", 1),
        (json.dumps(json.loads(ROW), indent=2), 1),
        (f"\ufeff{ROW}", 1),
        ("customer_id;churned;observed_at\r\nA;1;2026-01-31\r\n", 1),
        ("customerID|Churned|Observed At\nA|1|2026-01-31", 1),
    ],
    ids=["NDJSON", "array", "array with a mark", "one object", "mark", "semicolon", "bar"],
)
def test_the_format_is_detected(
    churn: Churn, connection: Connection, write: Write, content: str, recorded: int
) -> None:
    done = churn("outcomes", "load", write(content, "outcomes.txt"))
    assert done.returncode == 0, done.stderr
    assert number(connection, COUNT) == recorded


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_the_encoding_is_detected(
    churn: Churn, connection: Connection, write: Write, encoding: str
) -> None:
    content = "customer_id,churned,observed_at\nJosé Müller,Yes,2026-01-31\n".encode(encoding)
    done = churn("outcomes", "load", write(content))
    assert done.returncode == 0, done.stderr
    assert everything(connection, "SELECT customer_id FROM outcomes") == [("José Müller",)]


def test_encoding_and_separator_can_be_set(
    churn: Churn, connection: Connection, write: Write
) -> None:
    content = "customer_id|churned|observed_at|note,note,note,note\nЖ|Yes|2026-01-31|x\n"
    path = write(content.encode("cp1251"))
    done = churn("outcomes", "load", path, "--encoding", "cp1251", "--separator", "pipe")
    assert "columns that were not read: note,note,note,note" in done.stderr
    assert everything(connection, "SELECT customer_id FROM outcomes") == [("Ж",)]


def test_rejected_rows_are_listed_with_their_lines_and_the_others_are_recorded(
    churn: Churn, connection: Connection, write: Write
) -> None:
    lines = ["customer_id,churned,observed_at,note", 'A,1,2026-01-31,"two\nlines"', ""]
    lines += ["B,maybe,2026-01-31,"]
    path = write("\n".join([*lines, "C,1,2999-01-31,", "D,1", "E,1,2026-01-31,"]))
    done = churn("outcomes", "load", path)
    assert done.returncode == 1
    assert done.stdout.startswith("2 recorded, 0 known already, 3 rejected; ")
    for line, reason in ((5, "churned='maybe'"), (6, "not in the future"), (7, "'2 cells'")):
        assert any(f"line {line} " in said and reason in said for said in done.stderr.splitlines())
    again = churn("outcomes", "load", path, "--json")
    assert again.returncode == 1
    found = json.loads(again.stdout)
    assert (found["recorded"], found["known"], found["rejected"]) == (0, 2, 3)
    assert [row["line"] for row in found["rows"]] == [5, 6, 7]
    assert number(connection, COUNT) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "CSV begins with a header"),
        (b"a,b\n1,2\n", "expected some of prediction_id"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"\x1f\x8b\x08broken", "damaged or cut short"),
        (f"[{ROW},".encode(), "the JSON array is not closed; 1 were recorded before that"),
    ],
    ids=["empty", "no column", "PDF", "broken gzip", "open array"],
)
def test_a_file_that_is_none_of_outcomes_is_refused(
    churn: Churn, write: Write, content: bytes, reason: str
) -> None:
    done = churn("outcomes", "load", write(content))
    assert done.returncode == 1
    assert reason in done.stderr


def test_a_file_of_several_parts_is_recorded_as_a_whole(
    churn: Churn, connection: Connection, write: Write
) -> None:
    rows = "".join(f"C{n},{n % 2},2026-01-31\n" for n in range(25_000))
    path = write("customer_id,churned,observed_at\n" + rows + "last,x,y\n")
    done = json.loads(churn("outcomes", "load", path, "--json").stdout)
    assert (done["recorded"], done["rejected"], done["rows"][0]["line"]) == (25_000, 1, 25_002)
    assert number(connection, COUNT) == 25_000


def _predict(connection: Connection, prediction_id: UUID, customer_id: str) -> None:
    connection.execute(
        "INSERT INTO prediction_logs (prediction_id, predicted_at, customer_id, model_version,"
        " probability_churn, prediction, threshold) VALUES (%s, '2026-01-01', %s, 'v', .5, 1, .5)",
        [prediction_id, customer_id],
    )


def test_the_count_states_what_the_outcomes_label(
    churn: Churn, connection: Connection, write: Write
) -> None:
    for n, who in enumerate("ABC"):
        _predict(connection, UUID(int=n), who)
    churn("outcomes", "load", write(f"{GOOD}Z,1,2026-01-31\n"))
    found = json.loads(churn("outcomes", "count", "--json").stdout)
    assert found == {
        "outcomes": {"file": 3},
        "unknown_predictions": 0,
        "unknown_customers": 1,
        "predictions": 3,
        "labelled": 2,
        "churned": 1,
        "coverage": 2 / 3,
    }
    said = churn("outcomes", "count").stdout
    assert "2 of 3 predictions have a label (66.7%), 1 of them churned" in said


def test_an_erased_customers_outcomes_are_gone_those_of_the_predictions_too(
    churn: Churn, connection: Connection, write: Write, tmp_path: Path
) -> None:
    _predict(connection, UUID(int=1), "A")
    _predict(connection, UUID(int=2), "B")
    stated = {"churned": 0, "observed_at": "2026-01-31"}
    rows = [json.dumps({"prediction_id": str(UUID(int=n)), **stated}) for n in (1, 2)]
    churn("outcomes", "load", write("\n".join([ROW, ROW.replace("A", "B"), *rows])))
    with connect(churn.database_url) as owner:
        done = erasure.erase(owner, "A", tmp_path / "spool")
    assert done.rows["outcomes"] == 2
    left = everything(connection, "SELECT customer_id, prediction_id FROM outcomes ORDER BY 1")
    assert left == [("B", None), (None, UUID(int=2))]


def test_a_database_of_an_earlier_release_is_named_with_the_remedy(
    churn: Churn, connection: Connection, write: Write
) -> None:
    connection.execute("DELETE FROM schema_migrations WHERE number >= 7")
    done = churn("outcomes", "load", write(GOOD))
    assert done.returncode == 1
    assert "churn migrate" in done.stderr
