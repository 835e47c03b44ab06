"""The record of a block of predictions: what the log has of it, and what becomes of its parts."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from starlette.testclient import TestClient

from churn.core.errors import InvalidCustomerError, WarehouseError
from churn.core.log_options import LogOptions
from churn.core.settings import Settings
from churn.core.training_options import Objective
from churn.customer.description import CONTRACT
from churn.model.block import CHOICES, UNKNOWN
from churn.pipeline import erasure
from churn.pipeline.batch.csv_reader import CsvReader
from churn.pipeline.batch.scored_rows import ScoredRows, score_rows
from churn.registry.live_version import load_served
from churn.registry.loaded_model import LoadedModel
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from churn.warehouse.migration import migrations
from churn.warehouse.predictions import log_records as records
from churn.warehouse.predictions import spool as segments
from churn.warehouse.schema import create_tables
from serving.api.batch.block_record import record_of
from serving.api.prediction_log import PredictionLog
from serving.api.random_ids import random_ids
from serving.api.worker_spool import WorkerSpool
from tests.api.conftest import running
from tests.customer_file import CHURN_CSV

LIMIT = 100_000_000
_COLUMNS = (
    "prediction_id::text, predicted_at, customer_id, model_version, probability_churn, prediction,"
    " threshold, features, contact"
)


@pytest.fixture
def tables(database_url: str) -> str:
    """Create the tables; return the owner's address."""
    with connect(database_url) as connection:
        create_tables(connection)
    return database_url


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[WorkerSpool]:
    with WorkerSpool(tmp_path / "own", limit=LIMIT) as spool:
        yield spool


@pytest.fixture
def model(store: ModelStore) -> LoadedModel:
    return load_served(store).model


def _by_half(model: LoadedModel) -> LoadedModel:
    """Return the model with one threshold for all customers."""
    policy = model.manifest.policy.model_copy(update={"objective": Objective.HALF})
    return replace(model, manifest=model.manifest.model_copy(update={"policy": policy}))


def _answered(model: LoadedModel, text: bytes) -> ScoredRows:
    (rows,) = CsvReader(1 << 16).feed(text, last=True)
    ids = random_ids(len(rows))
    return score_rows(model, rows, first=1, prediction_ids=ids).without_errors()


_WHOLE = b"".join(CHURN_CSV.read_bytes().splitlines(keepends=True)[:300])
_ODD = (
    "customerID,tenure,Contract,SeniorCitizen,MonthlyCharges,TotalCharges,InternetService\n"
    'José "Pepe" \\ 1,5,,1,29.9,3,\n"Zoë, 2",0,Two year,,0.000001,,No\n'
    ",,One year,0,70.35,1397.475,\n"
    ",7,,,100.0,700,\n4,many,,,,,\n5,1,,,123456789012,1,\n6,3,,,1,999999999.5,DSL\n"
).encode()


def _single(given: ScoredRows, place: int, at: str) -> Mapping[str, Any]:
    """Return the record that a row had before there were blocks."""
    known = given.rows.block.customer(place)
    return {
        "prediction_id": given.prediction_ids[place],
        "predicted_at": at,
        "customer_id": given.rows.customer_ids[place] or None,
        "model_version": given.version,
        "probability_churn": float(given.probability.values[place]),
        "prediction": int(given.churns[place]),
        "contact": bool(given.contact[place]),
        "threshold": float(given.threshold.values[place]),
        "features": {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in known.items()
        },
    }


def _rows(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        query = f"SELECT {_COLUMNS}, features::text FROM prediction_logs ORDER BY 1"  # noqa: S608
        return connection.execute(query).fetchall()


def _ship(spool: WorkerSpool, url: str, *kept: bytes) -> int:
    log = PredictionLog(spool, lambda: connect(url))
    log.add(*kept)
    return log.ship()


_WAYS = {
    "the file": lambda model: _answered(model, _WHOLE),
    "the file, by half": lambda model: _answered(_by_half(model), _WHOLE),
    "odd rows": lambda model: _answered(model, _ODD),
    "odd rows, by half": lambda model: _answered(_by_half(model), _ODD),
}


@pytest.mark.parametrize("way", _WAYS)
def test_the_log_has_of_a_block_what_it_has_of_its_predictions_one_by_one(
    spool: WorkerSpool, tables: str, serving_url: str, model: LoadedModel, way: str
) -> None:
    given = _WAYS[way](model)
    block = record_of(given)
    assert _ship(spool, serving_url, block) == len(given) >= 4
    from_block = _rows(tables)
    with psycopg.connect(tables) as connection:
        connection.execute("TRUNCATE prediction_logs")
    at = json.loads(block)["predicted_at"]
    singles = [json.dumps(_single(given, place, at)).encode() for place in range(len(given))]
    assert _ship(spool, serving_url, *singles) == len(given)
    assert from_block == _rows(tables)
    assert (len({row[6] for row in from_block}) > 1) == ("half" not in way)


def test_a_block_takes_a_fifth_of_the_room_of_its_predictions(model: LoadedModel) -> None:
    given = _answered(model, _WHOLE)
    at = datetime(2026, 1, 1).isoformat()  # noqa: DTZ001
    singles = [json.dumps(_single(given, place, at)) for place in range(len(given))]
    assert len(record_of(given)) < sum(map(len, singles)) / 4


def test_values_are_left_out_of_a_block_when_it_is_set_so(
    spool: WorkerSpool, tables: str, serving_url: str, model: LoadedModel
) -> None:
    given = _answered(model, _WHOLE)
    block = record_of(given, features=False)
    assert b"gender" not in block
    assert _ship(spool, serving_url, block) == len(given)
    assert {row[7] for row in _rows(tables)} == {None}


def test_blocks_and_predictions_of_one_segment_are_all_shipped_and_none_twice(
    spool: WorkerSpool, tables: str, serving_url: str, model: LoadedModel
) -> None:
    given = _answered(model, _WHOLE)
    single = json.dumps(_single(given, 0, "2026-01-01T00:00:00Z"))
    other = single.replace(given.prediction_ids[0], "00000000-0000-4000-8000-000000000000")
    block = record_of(given)
    for _ in range(2):
        assert _ship(spool, serving_url, other.encode(), block, other.encode(), block) == 600
    assert len(_rows(tables)) == 300
    assert spool.waiting() == 0


def test_a_row_that_postgresql_refuses_holds_up_no_other_of_its_block(
    spool: WorkerSpool, tables: str, serving_url: str, model: LoadedModel
) -> None:
    given = _answered(model, _WHOLE)
    name = given.rows.customer_ids[123]
    bad = record_of(given).replace(f'"{name}"'.encode(), rb'"a\u0000b"')
    _ship(spool, serving_url, bad)
    assert sorted(str(row[0]) for row in _rows(tables)) == sorted(
        one for one in given.prediction_ids if one != given.prediction_ids[123]
    )
    aside = (spool.folder / "refused.damaged").read_bytes()
    assert records.predictions_in(aside) == 1
    assert json.loads(aside)["rows"]["prediction_id"] == [given.prediction_ids[123]]


_AS_IT_WAS = """
CREATE OR REPLACE FUNCTION record_predictions(records jsonb) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO prediction_logs (prediction_id, predicted_at, model_version, probability_churn,
        prediction, threshold, features)
    SELECT * FROM jsonb_to_recordset(records) AS answered (prediction_id uuid,
        predicted_at timestamptz, model_version text, probability_churn double precision,
        prediction smallint, threshold double precision, features jsonb)
    RETURNING 1::bigint;
$$
"""


def _drop_what_later_migrations_create(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    later = "\n".join(one.script for one in migrations() if one.number > 3)
    for kind, name in re.findall(r"^CREATE (TABLE|FUNCTION) (\w+)", later, re.MULTILINE):
        connection.execute(f"DROP {kind} {name} CASCADE".encode())


def test_a_block_waits_while_the_tables_are_older_than_the_service(
    spool: WorkerSpool, tables: str, serving_url: str, model: LoadedModel
) -> None:
    with psycopg.connect(tables) as connection:
        connection.execute(_AS_IT_WAS)
        connection.execute("DELETE FROM schema_migrations WHERE number > 3")
        _drop_what_later_migrations_create(connection)
    with pytest.raises(WarehouseError, match=r"behind this release.*churn migrate"):
        _ship(spool, serving_url, record_of(_answered(model, _WHOLE)))
    assert spool.waiting() == 299
    with connect(tables) as connection:
        create_tables(connection)
    assert PredictionLog(spool, lambda: connect(serving_url)).ship() == 299


@pytest.mark.parametrize("who", ["7590-VHVEG", 'José "Pepe" \\ 1'])
def test_erasing_a_customer_takes_one_row_out_of_a_block_and_leaves_the_others(
    spool: WorkerSpool, tables: str, serving_url: str, model: LoadedModel, who: str
) -> None:
    given = _answered(model, _ODD if who.startswith("J") else _WHOLE)
    spool.add(record_of(given))
    spool.finish()
    place = given.rows.customer_ids.index(who)
    assert erasure.forget_spooled(spool.folder, who) == 1
    assert spool.waiting() == len(given) - 1
    assert not any(who.encode() in path.read_bytes() for path in spool.folder.iterdir())
    assert _ship(spool, serving_url) == len(given) - 1
    left = {str(row[0]): row for row in _rows(tables)}
    assert left.keys() == set(given.prediction_ids) - {given.prediction_ids[place]}
    for number, one in enumerate(given.prediction_ids):
        if number != place:
            assert left[one][4] == given.probability.values[number]
            assert left[one][7] == given.rows.block.customer(number)


def test_a_customer_whom_a_whole_block_is_about_leaves_nothing_of_it(
    spool: WorkerSpool, model: LoadedModel
) -> None:
    spool.add(record_of(_answered(model, b"customerID,tenure\na,5\na,6\n")))
    spool.finish()
    assert erasure.forget_spooled(spool.folder, "a") == 2
    assert spool.waiting() == 0
    assert sum(path.stat().st_size for path in spool.folder.iterdir()) == 0


def _told(client: TestClient) -> tuple[int, int]:
    """Return how many predictions wait by either account."""
    ready = client.get("/readyz").json()["prediction_log"]["waiting"]
    found = re.search(r"^churn_log_waiting (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found
    return int(ready), int(float(found[1]))


def test_what_waits_is_counted_in_predictions_also_after_a_restart(
    settings: Settings, store: ModelStore
) -> None:
    assert store.current()
    text = "tenure\n" + "5\n" * 90 + "many\n" * 5 + "6\n" * 7
    for times in (1, 2):
        with running(settings) as client:
            client.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"})
            client.post("/predict", json={"tenure": 5})
            assert _told(client) == (98 * times, 98 * times)
    names = [path.stem.split("-")[-1] for path in segments.segments(settings.spool)]
    assert names == ["98", "98"]


def test_a_batch_that_cannot_be_recorded_is_counted_row_by_row(
    settings: Settings, store: ModelStore
) -> None:
    assert store.current()
    full = replace(settings, log=LogOptions(spool_limit=1_000))
    with running(full) as client:
        headers = {"Content-Type": "text/csv"}
        refused = client.post("/predict/batch", content="tenure\n" + "5\n" * 500, headers=headers)
        ready = client.get("/readyz").json()["prediction_log"]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert (ready["waiting"], ready["dropped"]) == (0, 500)


def test_an_error_has_no_place_in_the_record(model: LoadedModel) -> None:
    (rows,) = CsvReader(1 << 16).feed(b"customerID,tenure\na,5\nb,-1\nc,6\n", last=True)
    assert isinstance(rows.errors[1], InvalidCustomerError)
    given = score_rows(model, rows, first=1, prediction_ids=random_ids(len(rows)))
    block = json.loads(record_of(given.without_errors()))
    assert (block["predictions"], block["rows"]["customer_id"]) == (2, ["a", "c"])


@pytest.mark.parametrize("size", [25, 26, 27, 128, 1_000])
def test_a_choice_of_any_number_of_values_is_logged_as_it_was(
    spool: WorkerSpool, tables: str, serving_url: str, model: LoadedModel, size: int
) -> None:
    plan = replace(CONTRACT, values=tuple(f"Plan {n}" for n in range(size)))
    choices = [plan if field is CONTRACT else field for field in CHOICES]
    places = [*range(size), UNKNOWN]
    text = "customerID,tenure,gender\n" + "".join(f"{p},5,Male\n" for p in places)
    given = _answered(model, text.encode())
    block = given.rows.block
    codes = {**block.codes, CONTRACT.name: np.array(places, np.int32)}
    rows = replace(given.rows, block=replace(block, codes=codes))
    record = record_of(replace(given, rows=rows), choices=choices)
    assert _ship(spool, serving_url, *records.halves(record)) == size + 1
    logged = {row[2]: row[7] for row in _rows(tables)}
    for place in places:
        features = logged[str(place)]
        assert isinstance(features, dict)
        assert features["gender"] == "Male"
        assert features.get("contract") == (None if place == UNKNOWN else f"Plan {place}")
