import csv
import io
import json
import random
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from churn.core.errors import InvalidCustomerError
from churn.core.settings import Settings
from churn.customer.parsing import parse_customer
from churn.pipeline.batch.csv_reader import CsvReader
from churn.pipeline.batch.rows import Rows
from churn.registry.store import ModelStore
from churn.warehouse.connect import connect
from churn.warehouse.schema import create_tables
from serving.api.batch.formats import Format
from serving.api.batch.readers import READERS
from tests.api.conftest import eventually, publish, running
from tests.api.process import serving
from tests.customer_file import CHURN_CSV, conditioner, read_rows

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f-]{21}")
CSV, NDJSON, JSON = Format.CSV.value, Format.NDJSON.value, Format.JSON.value


def _send(client: TestClient, content: str | bytes, kind: str, **headers: str) -> str:
    given = {"Content-Type": kind, **{name.replace("_", "-"): v for name, v in headers.items()}}
    answer = client.post("/predict/batch", content=content, headers=given)
    assert answer.status_code == 200, answer.text[:500]
    return answer.text


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _some(seed: int = 1) -> list[dict[str, str]]:
    """Return customers of whom more or less is known."""
    chance = random.Random(seed)  # noqa: S311
    rows = [{k: v for k, v in row.items() if k != "Churn"} for row in read_rows()[::35]]
    return [{k: v if chance.random() < 0.8 else "" for k, v in row.items()} for row in rows]


def _as_csv(rows: list[dict[str, str]]) -> str:
    target = io.StringIO()
    writer = csv.DictWriter(target, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


def _bodies(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return rows as JSON has them: a blank cell is no field."""
    return [{k: v for k, v in row.items() if v.strip()} for row in rows]


def test_a_csv_is_answered_row_by_row_as_single_requests_are(client: TestClient) -> None:
    rows = _some()
    for got, body in zip(_rows(_send(client, _as_csv(rows), CSV)), _bodies(rows), strict=True):
        single = client.post("/predict", json=body)
        if single.status_code == 422:
            assert got["error"] == single.json()["detail"]
            continue
        one = single.json()
        assert got["error"] == ""
        assert got["prediction"] == str(one["prediction"])
        for name in ("probability_churn", "threshold", "expected_profit"):
            assert float(got[name]) == one[name]
        assert got["contact"] == str(int(one["contact"]))
        assert [float(got["interval_low"]), float(got["interval_high"])] == one["interval"]


def _settled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "prediction_id"}


def test_the_formats_have_the_same_content(client: TestClient) -> None:
    rows = _bodies(_some(2))
    array = json.loads(_send(client, json.dumps(rows), JSON))
    lines = "\n".join(map(json.dumps, rows))
    answers = [json.loads(line) for line in _send(client, lines, NDJSON).splitlines()]
    assert list(map(_settled, answers)) == list(map(_settled, array))
    from_csv = json.loads(_send(client, _as_csv(_some(2)), CSV, Accept=JSON))
    for got, expected in zip(from_csv, array, strict=True):
        assert got.get("probability_churn") == expected.get("probability_churn")
        assert got.get("error") == expected.get("error")


@pytest.mark.parametrize("blank", ["", " ", "\t\t", "\u00a0", None])
def test_a_blank_total_means_unknown_on_every_path(client: TestClient, blank: str | None) -> None:
    body = {"contract": "One year", "MonthlyCharges": 50, "TotalCharges": blank}
    known = parse_customer({"contract": "One year", "monthly_charges": 50.0})
    told = conditioner().score(known).probability
    lines = f"{json.dumps(body)}\n{json.dumps({**body, 'TotalCharges': None})}\n"
    answers = [
        client.post("/predict", json=body).json(),
        *json.loads(_send(client, json.dumps([body]), JSON)),
    ]
    answers += map(json.loads, _send(client, lines, NDJSON).splitlines())
    for cell in ("", '""') if blank is None else (blank, f'"{blank}"'):
        for end in ("\n", "\r\n", ""):
            text = f"contract,MonthlyCharges,TotalCharges\nOne year,50,{cell}{end}"
            answers += json.loads(_send(client, text, CSV, Accept=JSON))
    assert {answer["probability_churn"] for answer in answers} == {told}


def test_an_amount_in_the_first_month_is_refused_on_every_path(client: TestClient) -> None:
    body = {"tenure": 0, "total_charges": 100}
    single = client.post("/predict", json=body)
    assert single.status_code == 422
    told = [answer["error"] for answer in json.loads(_send(client, json.dumps([body]), JSON))]
    told.append(json.loads(_send(client, json.dumps(body), NDJSON))["error"])
    told += [row["error"] for row in _rows(_send(client, "tenure,TotalCharges\n0,100\n", CSV))]
    assert set(told) == {single.json()["detail"]}


def test_a_bad_row_fails_alone_with_its_number(client: TestClient) -> None:
    text = 'customerID,tenure\na,5\nb,many\nc\nd,-1\n\n"e,f",6\n'
    rows = _rows(_send(client, text, CSV))
    assert [row["row"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [bool(row["error"]) for row in rows] == [False, True, True, True, False]
    assert "tenure='many'" in rows[1]["error"]
    assert "expected 2 cells" in rows[2]["error"]
    assert rows[4]["customer_id"] == "e,f"


@pytest.mark.parametrize(
    "row", ["3", "null", '"a"', "[]", "{}", '{"tenure": 1, "tenure": 2}', '{"a": 1}',
            '{"tenure": NaN}', '{"customer_id": "a"}', '{"tenure": 5, "row_id": 5}'],
)  # fmt: skip
def test_any_json_that_is_no_customer_is_answered_with_an_error(
    client: TestClient, row: str
) -> None:
    for text in (f'[{row}, {{"tenure": 5}}]', f'[{{"tenure": 5}} ,\n {row} ]'):
        answers = json.loads(_send(client, text, JSON))
        assert sorted("error" in answer for answer in answers) == [False, True]


@pytest.mark.parametrize("text", ["", "{}", "[1", "[,]", "[1 2]", "[] x", "[{]", '{"tenure": 5}'])
def test_what_is_no_array_is_refused_as_a_whole_or_ends_with_an_error(
    client: TestClient, text: str
) -> None:
    answer = client.post("/predict/batch", content=text, headers={"Content-Type": JSON})
    assert answer.status_code == 422 or "error" in answer.json()[-1]


@pytest.mark.parametrize("header", ["a,b", "tenure,Tenure", "customerID", "Churn", ""])
def test_a_header_that_names_no_field_or_one_twice_is_refused(
    client: TestClient, header: str
) -> None:
    answer = client.post("/predict/batch", content=header, headers={"Content-Type": CSV})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Type": "text/plain"}, 415), ({"Content-Type": CSV, "Accept": "image/png"}, 406)],
)
def test_a_type_that_is_not_spoken_is_named_with_those_that_are(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/predict/batch", content="tenure\n5\n", headers=headers)
    assert answer.status_code == status
    assert all(kind in answer.json()["detail"] for kind in (CSV, NDJSON, JSON))


def test_past_the_limit_of_rows_the_rest_is_not_read_and_that_is_reported(
    settings: Settings, store: ModelStore
) -> None:
    assert store.current()
    limited = replace(settings, service={"CHURN_API_BATCH_ROWS": "10"})
    with running(limited) as client:
        _send(client, "tenure\n" + "5\n" * 10, CSV)
        answer = client.post(
            "/predict/batch", content="tenure\n" + "5\n" * 11, headers={"Content-Type": CSV}
        )
    assert answer.status_code == 422
    assert "at most 10 rows" in answer.json()["detail"]


@pytest.fixture
def logged(settings: Settings, store: ModelStore, database_url: str, serving_url: str) -> Settings:
    """A service with a model and a log."""
    assert store.current()
    with connect(database_url) as connection:
        create_tables(connection)
    return replace(settings, database_url=serving_url)


def _logged(url: str) -> list[tuple[object, ...]]:
    with connect(url) as connection:
        return connection.execute(
            "SELECT prediction_id::text, customer_id, probability_churn, features"
            " FROM prediction_logs"
        ).fetchall()


def _is_shipped(client: TestClient) -> bool:
    return bool(client.get("/readyz").json()["prediction_log"]["waiting"] == 0)


def test_every_answered_row_is_logged_once_with_what_was_known_and_no_other(
    logged: Settings, database_url: str
) -> None:
    rows = _some(3)
    with running(logged) as client:
        answers = [one for one in _rows(_send(client, _as_csv(rows), CSV)) if not one["error"]]
        assert eventually(lambda: _is_shipped(client), seconds=10)
    found = {str(row[0]): row for row in _logged(database_url)}
    assert set(found) == {one["prediction_id"] for one in answers}
    assert len(found) == len(answers) > 100
    for one in answers:
        _, customer, probability, features = found[one["prediction_id"]]
        assert (customer or "", probability) == (
            one["customer_id"],
            float(one["probability_churn"]),
        )
        assert isinstance(features, dict)
        known = {k for k, v in _bodies([rows[int(one["row"]) - 1]])[0].items() if k != "customerID"}
        assert len(features) >= len(known)


@pytest.mark.parametrize("kind", [CSV, NDJSON])
def test_a_batch_that_is_sent_again_with_its_key_is_logged_once(
    logged: Settings, database_url: str, kind: str
) -> None:
    text = _as_csv(_some(4)) if kind == CSV else '{"tenure": 5}\n{"tenure": 5}\n'
    with running(logged) as client:
        again = [_send(client, text, kind, Idempotency_Key="night-1") for _ in range(2)]
        assert again[0] == again[1]
        other = _send(client, text, kind, Idempotency_Key="night-2")
        assert eventually(lambda: _is_shipped(client), seconds=10)
    first, second = (set(_UUID.findall(text)) for text in (again[0], other))
    assert len(first) == len(second) >= 2
    assert {str(row[0]) for row in _logged(database_url)} == first | second


def test_a_row_with_an_id_of_its_own_is_one_prediction_however_often_it_is_sent(
    logged: Settings, database_url: str
) -> None:
    with running(logged) as client:
        for text in ("tenure,row_id\n5,x\n6,y\n", "tenure,row_id\n6,y\n5,x\n7,\n"):
            _send(client, text, CSV)
        assert eventually(lambda: _is_shipped(client), seconds=10)
    assert len(_logged(database_url)) == 3


def _fed(kind: Format, content: bytes, cuts: list[int]) -> list[object]:
    """Return what a reader makes of content that comes in pieces."""
    reader = READERS[kind](1 << 16)
    places = sorted({cut % (len(content) + 1) for cut in cuts})
    pieces = zip([0, *places], [*places, len(content)], strict=True)
    found: list[object] = []
    try:
        for start, end in pieces:
            is_end = end == len(content) and start == (places or [0])[-1]
            found += _told(reader.feed(content[start:end], last=is_end))
    except InvalidCustomerError as error:
        found.append(str(error))
    return found


def _told(found: Iterable[Rows]) -> list[object]:
    return [
        str(rows.errors[place]) if place in rows.errors else rows.block.customer(place)
        for rows in found
        for place in range(len(rows))
    ]


_CELLS = st.sampled_from(["5", "", "Two year", '"a""b"', "\u00e9", "-1", "x,y", '"', "\r", " "])
_LINES = st.lists(st.lists(_CELLS, min_size=1, max_size=4).map(",".join), max_size=12)


@given(st.sampled_from(list(Format)), st.binary(max_size=400), st.lists(st.integers(0), max_size=4))
def test_no_bytes_however_they_are_cut_break_a_reader(
    kind: Format, content: bytes, cuts: list[int]
) -> None:
    _fed(kind, content, cuts)
    _fed(kind, b"tenure,Contract,customerID\n" + content, cuts)
    _fed(kind, b'[{"tenure": 5},' + content, cuts)


@given(_LINES, st.lists(st.integers(0), max_size=5))
def test_a_csv_has_the_same_content_however_it_is_cut(lines: list[str], cuts: list[int]) -> None:
    text = "\n".join(["tenure,Contract,TotalCharges", *lines]).encode()
    assert _fed(Format.CSV, text, cuts) == _fed(Format.CSV, text, [])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["tenure", "Contract", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(_JSON, max_size=6), st.lists(st.integers(0), max_size=5))
def test_an_array_gives_a_row_for_each_element_however_it_is_cut(
    elements: list[object], cuts: list[int]
) -> None:
    text = json.dumps(elements, indent=len(cuts)).encode()
    found = _fed(Format.JSON, text, cuts)
    assert found == _fed(Format.JSON, text, [])
    assert len(found) == len(elements)


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    reader = CsvReader(200)
    head = reader.feed(b'customerID,tenure\n"a,5\n' + b"b,6\n" * 100)
    rest = reader.feed(b"c,7\n", last=True)
    rows = [*_told(head), *_told(rest)]
    assert "expected 2 cells" in str(rows[0])
    assert len(rows) == 102
    assert rows[-1] == {"tenure": 7}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a model."""
    folder: Path = tmp_path_factory.mktemp("batch")
    publish(ModelStore(folder / "models"), 1)
    return folder


def _many(times: int) -> Iterator[bytes]:
    header, _, body = CHURN_CSV.read_bytes().partition(b"\n")
    yield header + b"\n"
    for _ in range(times):
        yield body


def _peak(pid: int) -> float:
    """Return the most memory that a process has had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.slow
def test_a_large_body_is_answered_in_constant_memory_also_to_who_reads_only_at_the_end(
    home: Path,
) -> None:
    with serving(home, CHURN_SPOOL_LIMIT_MB="2000") as service:
        peaks = []
        for times in (5, 5, 40):
            connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
            connection.request(
                "POST", "/predict/batch", _many(times), {"Content-Type": CSV}, encode_chunked=True
            )
            answer = connection.getresponse()
            lines = 0
            while part := answer.read(1 << 16):
                lines += part.count(b"\n")
            connection.close()
            assert lines == 7_043 * times + 1
            peaks.append(max(map(_peak, service.workers())))
        assert peaks[2] < peaks[1] + 25, peaks


def test_rows_are_answered_while_the_body_is_still_being_sent(home: Path) -> None:
    more = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"tenure\n5\n"
        more.wait(20)
        yield b"6\n"

    with serving(home) as service:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=20)
        headers = {"Content-Type": CSV}
        sender = threading.Thread(
            target=connection.request,
            args=("POST", "/predict/batch", slowly(), headers),
            kwargs={"encode_chunked": True},
        )
        sender.start()
        time.sleep(0.5)
        assert connection.sock.recv(1 << 16).count(b"\n1,") == 1
        more.set()
        sender.join()
        connection.close()


def test_lines_that_end_with_a_carriage_return_alone_are_not_taken_for_a_header(
    client: TestClient,
) -> None:
    headers = {"Content-Type": "text/csv"}
    answer = client.post(
        "/predict/batch", content=b"tenure,Contract\r5,One year\r", headers=headers
    )
    assert answer.status_code == 422
    assert "\\r alone" in answer.json()["detail"]


def test_an_array_may_begin_with_a_byte_order_mark_as_the_other_formats_may() -> None:
    text = b'\xef\xbb\xbf[{"tenure": 5}]'
    assert _fed(Format.JSON, text, []) == _fed(Format.JSON, text, [1, 2]) == [{"tenure": 5}]


_BAD_ROWS = [
    r'{"row_id": "\ud800", "tenure": 5}',
    r'{"row_id": "a\udfffb", "tenure": 5}',
    r'{"customer_id": "\udc80", "tenure": 5}',
    r'{"contract": "\ud800"}',
    r'{"\ud800": 5}',
    '{"tenure": 1' + "0" * 5_000 + "}",
    '{"row_id": 1' + "0" * 5_000 + "}",
    '{"tenure": 1e999}',
    '{"tenure": Infinity}',
    '{"tenure": -Infinity}',
    '{"tenure": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "[" * 5_000 + "]" * 5_000,
    '{"tenure": 5',
    "nonsense",
]


@pytest.mark.parametrize("row", _BAD_ROWS, ids=lambda row: row[:24])
@pytest.mark.parametrize("accept", [CSV, JSON, NDJSON])
def test_a_bad_row_of_json_is_one_error_row_and_the_next_ones_are_answered(
    client: TestClient, row: str, accept: str
) -> None:
    good = '{"tenure": 5, "row_id": "x"}'
    texts = {NDJSON: f"{good}\n{row}\n{good}\n"}
    if row != '{"tenure": 5':  # an array cannot tell where that ends
        texts[JSON] = f"[{good}, {row}, {good}]"
    for kind, text in texts.items():
        found = _send(client, text, kind, Accept=accept)
        if accept == CSV:
            errors = [bool(one["error"]) for one in _rows(found)]
        else:
            answers = json.loads(found) if accept == JSON else map(json.loads, found.splitlines())
            errors = ["error" in one for one in answers]
        assert errors == [False, True, False]


def test_a_row_id_of_csv_that_is_no_text_is_one_error_row(client: TestClient) -> None:
    text = b"row_id,tenure\na,5\n\xff\xfe,6\n\xed\xa0\x80,7\n" + b"x" * 201 + b",8\nb,9\n"
    errors = [row["error"] for row in _rows(_send(client, text, CSV))]
    assert [bool(error) for error in errors] == [False, True, True, True, False]
    assert all("row_id=" in error for error in errors[1:4])


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
@pytest.mark.parametrize(
    "frame",
    [
        b"Content-Length: 100\r\n\r\n%b",
        b"Transfer-Encoding: chunked\r\n\r\nd\r\n%b\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nff\r\n%b",
    ],
)
def test_a_body_that_ends_early_is_never_a_prediction(
    tmp_path: Path, frame: bytes, path: str
) -> None:
    publish(ModelStore(tmp_path / "models"), 1)
    kind = b"application/json" if path == "/predict" else b"application/x-ndjson"
    head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: %b\r\n" % (path.encode(), kind)
    with serving(tmp_path) as service:
        for end in (True, False):
            address = ("127.0.0.1", service.port)
            with socket.create_connection(address, timeout=20) as connection:
                connection.sendall(head + frame % b'{"tenure": 5}')
                if end:
                    connection.shutdown(socket.SHUT_WR)
                    assert b" 200 " not in connection.recv(1 << 16)[:20]
        time.sleep(0.5)
        assert service.get("/readyz")[1]["prediction_log"]["waiting"] == 0
        assert service.post("/predict", {"tenure": 5})[0] == 200
        assert service.get("/readyz")[1]["prediction_log"]["waiting"] == 1
    log = service.log.read_text()
    assert "Traceback" not in log
    assert '"status": 500' not in log
