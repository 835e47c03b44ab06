"""POST /outcomes: recorded when answered, once, and each row alone in its error."""

import gzip
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from churn.core import api_keys
from churn.core.api_keys import Keys, Scope, write_keys
from churn.core.settings import Settings
from churn.pipeline import erasure
from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from local.postgres import Server
from serving.api.outcomes import MOST_BYTES
from tests.api.conftest import running
from tests.api.test_prediction_log import _shut as shut

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"
LEFT: Final = {"customer_id": "7590-VHVEG", "churned": "Yes", "observed_at": "2026-01-31"}
STAYED: Final = {
    "prediction_id": "0c6f3a4e-8f53-4d7e-9a37-4f1e1f0d9d10",
    "churned": False,
    "observed_at": "2026-01-31T18:30:00+01:00",
    "recorded_at": "2026-02-01T00:00:00",
    "contacted": 1,
}
NONE: Final = {"recorded": 0, "known": 0, "erased": 0, "rejected": []}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, database_url: str, serving_url: str) -> Settings:
    """A service over a database with tables; it needs no model."""
    with connect(database_url) as connection:
        create_tables(connection)
    keys = tmp_path / "api_keys.json"
    return replace(settings, database_url=serving_url, api_keys_file=keys)


@pytest.fixture
def service(settings: Settings) -> Iterator[TestClient]:
    """The service."""
    with running(settings) as client:
        yield client


def _post(client: TestClient, content: str | bytes | object, kind: str = JSON) -> Response:
    body = content if isinstance(content, str | bytes) else json.dumps(content)
    return client.post("/outcomes", content=body, headers={"Content-Type": kind})


def _answer(client: TestClient, content: str | bytes | object, kind: str = JSON) -> dict[str, Any]:
    answer = _post(client, content, kind)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _rows(url: str) -> list[tuple[object, ...]]:
    query = (
        "SELECT customer_id, prediction_id::text, churned, observed_at, recorded_at, contacted,"
        " source FROM outcomes ORDER BY outcome_id"
    )
    with connect(url) as connection:
        return connection.execute(query).fetchall()


def test_an_outcome_is_recorded_as_it_was_stated(service: TestClient, database_url: str) -> None:
    assert _answer(service, LEFT) == {**NONE, "recorded": 1}
    assert _answer(service, [STAYED]) == {**NONE, "recorded": 1}
    end = datetime(2026, 1, 31, tzinfo=UTC)
    evening, midnight = end + timedelta(hours=17.5), end + timedelta(days=1)
    assert _rows(database_url) == [
        ("7590-VHVEG", None, True, end, end, None, "api"),
        (None, STAYED["prediction_id"], False, evening, midnight, True, "api"),
    ]


def test_a_request_sent_again_changes_nothing(service: TestClient, database_url: str) -> None:
    both = [LEFT, STAYED, LEFT]
    assert _answer(service, both) == {**NONE, "recorded": 2, "known": 1}
    assert _answer(service, both) == {**NONE, "known": 3}
    other = {
        **LEFT,
        "customer_id": " 7590-VHVEG\u200b",
        "churned": "1",
        "observed_at": "2026-01-31T00:00:00Z",
    }
    assert _answer(service, other) == {**NONE, "known": 1}
    assert len(_rows(database_url)) == 2


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (JSON, json.dumps([LEFT, {"churned": "maybe"}, STAYED], indent=2)),
        (
            NDJSON,
            f"{json.dumps(LEFT)}\n\n{json.dumps({'churned': 'maybe'})}\r\n{json.dumps(STAYED)}",
        ),
        (
            CSV,
            "Customer ID,Churned,observed-at,predictionId,recorded_at,CONTACTED,name\r\n"
            "7590-VHVEG,Yes,2026-01-31,,,,x\r\n,maybe,,,,,\r\n"
            f',no,2026-01-31T17:30Z,{STAYED["prediction_id"]},2026-02-01,true,"a\nb"\r\n',
        ),
    ],
    ids=["array", "ndjson", "csv"],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
def test_of_many_a_row_that_is_wrong_fails_alone(
    service: TestClient, database_url: str, kind: str, content: str, mark: bytes
) -> None:
    answer = _answer(service, mark + content.encode(), kind)
    assert (answer["recorded"], len(answer["rejected"])) == (2, 1)
    (rejected,) = answer["rejected"]
    assert rejected["row"] == 2
    assert {p["field"] for p in rejected["problems"]} == {"churned", "observed_at", "customer_id"}
    assert _answer(service, [LEFT, STAYED])["known"] == 2
    assert len(_rows(database_url)) == 2


def test_one_outcome_with_problems_is_answered_with_each_of_them(service: TestClient) -> None:
    answer = _post(service, {"churned": "perhaps", "observed_at": "31.01.2026", "who": 1})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    errors = {one["field"]: one for one in answer.json()["errors"]}
    assert set(errors) == {"churned", "observed_at", "who", "customer_id"}
    assert errors["churned"]["expected"] == "No | Yes (or true, false, 1, 0)"
    assert "a date such as 2026-01-31" in errors["observed_at"]["expected"]


def _moment(**after: float) -> str:
    return (datetime.now(UTC) + timedelta(**after)).isoformat()


@pytest.mark.parametrize(
    ("field", "value", "is_right"),
    [
        ("observed_at", "2024-02-29", True),
        ("observed_at", "2026-02-29", False),
        ("observed_at", "2026-01-31T23:59:59.999999999-11:30", True),
        ("observed_at", "2026-01-31 23:59", True),
        ("observed_at", "2026-01-31t23:59z", True),
        ("observed_at", "20260131", False),
        ("observed_at", "2026-01-31T24:30Z", False),
        ("observed_at", "0001-01-01T00:00+10:00", False),
        ("observed_at", "9999-12-31", False),
        ("observed_at", 1_769_817_600, False),
        ("observed_at", True, False),
        ("observed_at", None, False),
        ("observed_at", ["2026-01-31"], False),
        ("recorded_at", "  ", True),
        ("recorded_at", "9999-12-31T23:59-10:00", False),
        ("churned", "t", True),
        ("churned", 0.0, True),
        ("churned", 2, False),
        ("churned", float("inf"), False),
        ("churned", float("nan"), False),
        ("churned", {"a": [1]}, False),
        ("contacted", "No", True),
        ("contacted", None, True),
        ("contacted", "later", False),
        ("customer_id", 7590, True),
        ("customer_id", 7590.5, False),
        ("customer_id", True, False),
        ("customer_id", "a\0b", False),
        ("customer_id", "\ud800", False),
        ("customer_id", "x" * 201, False),
        ("customer_id", "  ", False),
        ("prediction_id", "0C6F3A4E-8F53-4D7E-9A37-4F1E1F0D9D10", True),
        ("prediction_id", "{0c6f3a4e-8f53-4d7e-9a37-4f1e1f0d9d10}", False),
        ("prediction_id", "0c6f3a4e8f534d7e9a374f1e1f0d9d10", False),
    ],
    ids=lambda one: str(one)[:30].encode("unicode_escape").decode(),
)
def test_a_value_is_read_or_refused(
    service: TestClient, field: str, value: object, is_right: bool
) -> None:
    answer = _post(service, {**LEFT, field: value})
    assert answer.status_code == (200 if is_right else 422), answer.text
    if not is_right:
        assert field in {one["field"] for one in answer.json()["errors"]}


def test_the_future_begins_five_minutes_from_now(service: TestClient) -> None:
    assert _post(service, {**LEFT, "observed_at": _moment(minutes=4)}).status_code == 200
    for field in ("observed_at", "recorded_at"):
        answer = _post(service, {**LEFT, field: _moment(minutes=6)})
        assert answer.status_code == 422
        assert "not in the future" in answer.text


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (JSON, b""),
        (JSON, b"{"),
        (JSON, b"[{}"),
        (JSON, b"[] []"),
        (JSON, b"5"),
        (JSON, b"\xff\xfe{"),
        (JSON, b'{"customer_id": "A", "customer_id": "B", "churned": 1}'),
        (JSON, b'{"churned": %s}' % (b"9" * 20_000)),
        (JSON, b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
        (CSV, b""),
        (CSV, b"\r\n\r\n"),
        (CSV, b"a,b\n1,2\n"),
        (CSV, b"customer_id,customerID,churned\nA,B,1\n"),
        (CSV, b"customer_id\rA\r"),
    ],
    ids=[
        "empty", "cut", "open array", "two arrays", "number", "UTF-16", "a name twice", "digits",
        "deep", "empty CSV", "blank CSV", "no column", "a column twice", "carriage returns",
    ],
)  # fmt: skip
def test_what_is_no_outcome_is_refused_as_a_whole(
    service: TestClient, database_url: str, kind: str, content: bytes
) -> None:
    answer = _post(service, content, kind)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert _rows(database_url) == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (JSON, b'[5, null, [], "x", {"a": {"a": 1}}, {"churned": 1e400}, {,}, %s]'),
        (NDJSON, b'5\nnull\n[]\n"x"\n{"a": {"a": 1}}\n{"churned": 1e400}\n{,}\n%s'),
        (
            CSV,
            b'customer_id,churned,observed_at\nA\n"B\n\xff,1,2026-01-01\nA\0,1,2026-01-01\n,,\n1,2,3,4\n%s',
        ),
    ],
    ids=["array", "ndjson", "csv"],
)
def test_hostile_rows_do_not_keep_others_from_being_recorded(
    service: TestClient, kind: str, content: bytes
) -> None:
    row = b"A,1,2026-01-01" if kind == CSV else json.dumps(LEFT).encode()
    answer = _answer(service, content.replace(b"%s", row), kind)
    assert answer["recorded"] == 1
    assert len(answer["rejected"]) >= 6


def test_a_body_is_as_long_as_the_limits_allow(settings: Settings, database_url: str) -> None:
    limited = replace(
        settings, service={"CHURN_API_OUTCOME_ROWS": "3", "CHURN_API_BODY_BYTES": "200"}
    )
    with running(limited) as client:
        assert _post(client, [LEFT] * 4).status_code == 413
        assert _post(client, {**LEFT, "customer_id": "x" * 300}).status_code == 413
        long = _answer(client, [{**LEFT, "customer_id": "x" * 300}, LEFT])
        assert (long["recorded"], long["rejected"][0]["row"]) == (1, 1)
        assert _post(client, b" " * (MOST_BYTES + 1)).status_code == 413
        assert _post(client, LEFT, "text/plain").status_code == 415
        assert _post(client, gzip.compress(b"{}"), "application/gzip").status_code == 415
        assert _answer(client, "[]") == NONE == _answer(client, "", NDJSON)
    assert len(_rows(database_url)) == 1


def test_while_postgresql_is_away_nothing_is_half_recorded(
    settings: Settings, database_url: str, database_name: str, postgres_server: Server
) -> None:
    with running(settings) as client:
        with shut(postgres_server, database_name):
            answer = _post(client, [LEFT, STAYED])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "PostgreSQL" not in answer.text
        assert _rows(database_url) == []
        assert _answer(client, [LEFT, STAYED])["recorded"] == 2


def test_a_connection_that_breaks_in_the_middle_records_nothing(
    settings: Settings, database_url: str, database_name: str, postgres_server: Server
) -> None:
    """A lock holds the insert up; PostgreSQL then ends the session, as a crash would."""
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query ~ 'record_outcomes'"
    )
    superuser = psycopg.connect(postgres_server.url(database_name), autocommit=True)
    with running(settings) as client, connect(database_url) as holder, superuser:
        holder.execute("LOCK TABLE outcomes IN SHARE MODE")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(_post, client, [LEFT, STAYED])
            while not superuser.execute(kill).fetchall():
                assert not waiting.done()
            assert waiting.result(30).status_code == 503
        holder.rollback()
        assert _rows(database_url) == []
        assert _answer(client, [LEFT, STAYED])["recorded"] == 2


def test_callers_with_the_same_outcomes_record_each_once(
    settings: Settings, database_url: str
) -> None:
    many = [{**LEFT, "customer_id": f"C{n}"} for n in range(500)]
    begin = threading.Barrier(4)

    def send(client: TestClient, content: list[dict[str, str]]) -> dict[str, Any]:
        begin.wait()
        return _answer(client, content)

    with running(settings) as client, ThreadPoolExecutor(4) as pool:
        orders = (many, many[::-1], many, many[::-1])
        answers = [one.result(60) for one in [pool.submit(send, client, o) for o in orders]]
    assert sum(answer["recorded"] for answer in answers) == 500
    assert sum(answer["known"] for answer in answers) == 1_500
    assert len(_rows(database_url)) == 500


def test_outcomes_need_a_key_with_their_scope(settings: Settings, database_url: str) -> None:
    now, keys, secrets = datetime.now(UTC), Keys(), {}
    for scope in Scope:
        made = api_keys.add(keys, scope.value, [scope], now)
        keys, secrets[scope] = made.keys, made.secret
    write_keys(settings.api_keys_file, keys)
    with running(settings) as client:
        statuses = {
            scope: client.post("/outcomes", json=LEFT, headers={"X-API-Key": secret}).status_code
            for scope, secret in secrets.items()
        }
        assert statuses == {Scope.PREDICT: 403, Scope.OUTCOMES: 200, Scope.ADMIN: 403}
        assert _post(client, LEFT).status_code == 401
        own = {"X-API-Key": secrets[Scope.OUTCOMES]}
        assert client.post("/predict", json={"tenure": 5}, headers=own).status_code == 403
    assert len(_rows(database_url)) == 1


def test_outcomes_of_an_erased_customer_are_left_out_but_for_later_ones(
    settings: Settings, database_url: str
) -> None:
    with running(settings) as client:
        _answer(client, [LEFT, {**LEFT, "customer_id": "another"}])
        with connect(database_url) as owner:
            done = erasure.erase(owner, "7590-VHVEG", settings.spool)
        assert done.rows["outcomes"] == 1
        assert _answer(client, [LEFT, LEFT]) == {**NONE, "erased": 2}
        later = {**LEFT, "observed_at": _moment(minutes=1)}
        assert _answer(client, later) == {**NONE, "recorded": 1}
    assert [row[0] for row in _rows(database_url)] == ["another", "7590-VHVEG"]


def test_the_document_has_an_example_of_each_format_that_is_recorded(service: TestClient) -> None:
    operation = service.get("/openapi.json").json()["paths"]["/outcomes"]["post"]
    content = operation["requestBody"]["content"]
    assert set(content) == {JSON, NDJSON, CSV}
    for example in content[JSON]["examples"].values():
        assert _post(service, example["value"]).status_code == 200
    assert _answer(service, content[CSV]["example"], CSV)["rejected"] == []
    assert {"200", "401", "413", "415", "422", "503"} - set(operation["responses"]) == {"401"}
