"""A version is trained again from the warehouse, and a prediction scored again, to the last bit."""

import csv
import io
import json
import math
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from churn.customer.description import Customer
from churn.customer.parsing import parse_customer
from churn.model.block import block_of
from churn.registry.loaded_model import load_model
from churn.warehouse import customers as stored
from churn.warehouse.connect import Connection, connect, placeholders, statement
from tests.changed_file import write_changed
from tests.command import Churn
from tests.customer_file import FEW, customers, customers_of, part_of, read_rows
from tests.loading import Write, bring_in, csv_text

pytestmark = pytest.mark.slow

KNOWN = parse_customer({"tenure": 5, "monthly_charges": 95.5, "gender": "Male", "partner": False})


def _refused(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stderr.splitlines()[-1]


def test_a_version_is_reproduced_after_its_customers_changed_left_and_came(
    churn: Churn, made: str, tmp_path: Path
) -> None:
    changed = write_changed(tmp_path / "changed.csv", rows=FEW)
    lines = changed.read_text(encoding="utf-8").splitlines(keepends=True)
    changed.write_text("".join(lines[:1_900]), encoding="utf-8")
    assert churn("load", changed, "--replace", "--allow-change").returncode == 0
    more = tmp_path / "more.csv"
    more.write_text(lines[0] + "".join(f"NEW{line}" for line in lines[1:200]), encoding="utf-8")
    assert churn("load", more).returncode == 0
    finished = churn("reproduce", made)
    assert finished.returncode == 0, finished.stderr
    assert f"{made}: reproduced; fingerprint" in finished.stdout
    assert "the same libraries" in finished.stdout


def test_a_removed_version_is_reproduced_from_what_the_warehouse_kept_of_it(
    churn: Churn, made: str
) -> None:
    (churn.store.path / "versions").rename(churn.store.path / "away")
    finished = churn("reproduce", made)
    assert finished.returncode == 0, finished.stderr
    assert "reproduced" in finished.stdout


def test_erased_customers_are_why_a_version_cannot_be_reproduced(
    churn: Churn, made: str, connection: Connection
) -> None:
    connection.execute("DELETE FROM customers WHERE customer_id < '0100'")
    told = _refused(churn("reproduce", made))
    assert "the customers as of load 1 cannot be rebuilt: there were 2,000, and" in told
    assert "are gone (erased?)" in told


def test_customers_changed_behind_the_loads_back_are_reported(
    churn: Churn, made: str, connection: Connection
) -> None:
    connection.execute("UPDATE customers SET tenure = tenure + 1 WHERE customer_id < '0100'")
    told = _refused(churn("reproduce", made))
    assert "the same 2,000 are there, but rows were changed other than by a load" in told


def test_other_libraries_are_named_with_both_versions(churn: Churn, made: str) -> None:
    path = churn.store.published(made) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["libraries"]["numpy"] = "0.1.0"
    path.write_text(json.dumps(manifest))
    churn.store.publish(made)  # with the hash of what is there now
    finished = churn("reproduce", made)
    assert "other libraries: numpy 0.1.0 then, " in finished.stdout


def test_another_model_is_reported_with_exit_code_1(churn: Churn, made: str) -> None:
    path = churn.store.published(made) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["fingerprint"] = "0" * 64
    path.write_text(json.dumps(manifest))
    churn.store.publish(made)  # with the hash of what is there now
    finished = churn("reproduce", made)
    assert finished.returncode == 1
    assert "NOT reproduced" in finished.stdout


def test_an_edited_manifest_is_refused_and_not_reproduced(churn: Churn, made: str) -> None:
    path = churn.store.published(made) / "manifest.json"
    path.write_text(path.read_text() + "\n")
    assert "its SHA-256 is not the published one" in _refused(churn("reproduce", made))


def test_a_version_that_there_never_was_cannot_be_reproduced(churn: Churn, made: str) -> None:
    assert made
    assert "no-such-version was never published" in _refused(churn("reproduce", "no-such-version"))


def test_the_customers_of_each_load_can_be_rebuilt(url: str, write: Write) -> None:
    rows = read_rows()[:900]
    dearer = [{**row, "MonthlyCharges": "99.5"} for row in rows[:150]]
    files = [csv_text(rows), csv_text(dearer), csv_text(rows[100:800]), csv_text(rows[50:])]
    snapshots = []
    for number, text in enumerate(files):
        path = write(text, f"{number}.csv")
        bring_in(url, path, again=True, replace=number == 2, allow_change=True)
        with connect(url) as connection:
            load_id = stored.latest_load(connection)
            snapshots.append(
                (
                    stored.take_snapshot(connection, load_id),
                    stored.read_customers(connection),
                )
            )
    assert len({snapshot.fingerprint for snapshot, _ in snapshots}) == 4
    with connect(url) as connection:
        for snapshot, frame in snapshots:
            source = stored.as_of(snapshot.load_id)
            assert stored.take_snapshot(connection, snapshot.load_id, source) == snapshot
            assert stored.read_customers(connection, source).equals(frame)


def test_the_fingerprint_is_of_values_and_not_of_how_they_are_written(
    url: str, write: Write, connection: Connection
) -> None:
    bring_in(url, write(csv_text(read_rows()[:50])))
    with connect(url) as plain:
        before = stored.take_snapshot(plain, 1)
    connection.execute("UPDATE customers SET monthly_charges = monthly_charges::numeric(12, 6)")
    with connect(url) as spelt:
        assert stored.take_snapshot(spelt, 1) == before
    connection.execute("UPDATE customers SET monthly_charges = monthly_charges + 0.001")
    with connect(url) as other:
        assert stored.take_snapshot(other, 1) != before


def _score(churn: Churn) -> float:
    """Return the score that a process of its own finds, as the service is one."""
    given = f"{','.join(KNOWN)}\n{','.join(map(str, KNOWN.values()))}\n"
    (row,) = csv.DictReader(io.StringIO(churn.process("score", "-", "-", stdin=given).stdout))
    return float(row["probability_churn"])


def _log(
    churn: Churn, version: str, probability: float, known: Customer = KNOWN, **answer: object
) -> str:
    """Log a prediction as the service does; return its id."""
    record = {
        "prediction_id": str(uuid.uuid4()),
        "predicted_at": datetime.now(UTC).isoformat(),
        "customer_id": None,
        "model_version": version,
        "probability_churn": probability,
        "prediction": int(probability >= 0.5),
        "threshold": 0.5,
        "features": known,
        **answer,
    }
    values = {"records": json.dumps([record])}
    with connect(churn.database_url) as connection:
        connection.execute(statement("insert_predictions", **placeholders(values)), values)
    return str(record["prediction_id"])


def test_a_logged_prediction_is_replayed_to_the_last_bit_by_the_version_that_served_it(
    churn: Churn, made: str, tmp_path: Path
) -> None:
    prediction_id = _log(churn, made, _score(churn))
    changed = write_changed(tmp_path / "changed.csv", rows=FEW)
    later = churn("run", changed, "--allow-change").stdout.strip()
    assert later != made
    finished = churn("replay", prediction_id)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith(f"{made}: 0.")
    assert "the same to the last bit" in finished.stdout


def test_a_row_of_a_batch_is_replayed_to_the_last_bit_as_the_batch_had_it(
    churn: Churn, made: str
) -> None:
    model = load_model(churn.store.published(made))
    rows = [part_of(row, KNOWN) for row in customers_of(customers())]
    together = model.score_block(block_of(rows)).probability.tolist()
    assert together == [model.score(row).probability for row in rows]
    finished = churn("replay", _log(churn, made, together[0], rows[0]))
    assert finished.returncode == 0, finished.stdout
    assert f"{together[0]!r}, prediction" in finished.stdout


def test_a_log_that_differs_in_the_last_bit_is_reported_with_exit_code_1(
    churn: Churn, made: str
) -> None:
    score = _score(churn)
    prediction_id = _log(churn, made, math.nextafter(score, 1))
    finished = churn("replay", prediction_id)
    assert finished.returncode == 1
    assert f"{score!r}" in finished.stdout
    assert f"logged: {math.nextafter(score, 1)!r}" in finished.stdout
    assert "the probability differs by 1.11e-16" in finished.stdout


def test_whom_to_contact_is_replayed_where_the_log_has_it(churn: Churn, made: str) -> None:
    score = _score(churn)
    told = churn("replay", _log(churn, made, score, contact=True))
    assert told.returncode == 0, told.stdout
    assert "prediction 1, contact true: the same to the last bit" in told.stdout
    other = churn("replay", _log(churn, made, score, contact=False))
    assert other.returncode == 1
    assert "contact true; logged:" in other.stdout
    assert "contact false" in other.stdout


def test_on_shuffled_labels_the_version_before_goes_on_serving(
    churn: Churn, made: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "WITH shuffled AS (SELECT churn, row_number() OVER (ORDER BY md5(customer_id)) AS place"
        " FROM customers), placed AS (SELECT customer_id, row_number() OVER (ORDER BY customer_id)"
        " AS place FROM customers)"
        " UPDATE customers SET churn = shuffled.churn FROM placed JOIN shuffled USING (place)"
        " WHERE customers.customer_id = placed.customer_id"
    )
    refused = _refused(churn("train"))
    assert "does not beat the majority baseline beyond noise, so it is not published" in refused
    assert churn.store.current() == made
    assert churn.store.versions() == (made,)


def test_a_prediction_whose_version_was_removed_is_reported_with_when_and_why(
    churn: Churn, made: str, tmp_path: Path
) -> None:
    prediction_id = _log(churn, made, 0.5)
    changed = write_changed(tmp_path / "changed.csv", rows=FEW)
    later = churn("run", changed, "--allow-change").stdout.strip()
    assert later != made
    keep = {"CHURN_KEEP_NEWEST": "1", "CHURN_KEEP_SERVED_DAYS": "0"}
    assert churn("models", "retire", **keep).stdout == f"removed {made}\n"
    told = _refused(churn("replay", prediction_id))
    assert f"{made}, which served this prediction, was removed at 20" in told
    assert "neither of the newest 1" in told


def test_an_id_that_is_not_logged_or_none_at_all_is_one_clear_line(churn: Churn, made: str) -> None:
    assert made
    assert "no such prediction is logged" in _refused(churn("replay", str(uuid.uuid4())))
    assert "'x' is not the id of a prediction" in _refused(churn("replay", "x"))


def test_a_snapshot_does_not_move_while_a_load_ends(
    url: str, write: Write, connection: psycopg.Connection
) -> None:
    bring_in(url, write(csv_text(read_rows()[:50]), "one.csv"))
    with connect(url) as training:
        stored.begin_snapshot(training)
        before = stored.take_snapshot(training, stored.latest_load(training))
        connection.execute("UPDATE customers SET tenure = 0")
        assert stored.take_snapshot(training, stored.latest_load(training)) == before
