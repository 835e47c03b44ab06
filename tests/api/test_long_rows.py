"""A row that is too long, or is none, costs itself and nothing else, however it arrives."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from churn.core.errors import InvalidCustomerError
from serving.api.batch.formats import Format
from serving.api.batch.readers import READERS
from serving.api.limits import Limits
from tests import properties

properties.load()

MOST = 60
TOO_LONG = f"a row takes at most {MOST:,} bytes"
NO_JSON = "the body is not JSON"


@dataclass(frozen=True)
class Sent:
    """A row as it is sent, and what is made of it: a tenure, or the beginning of an error."""

    raw: bytes
    expected: int | str


def _judged(raw: str, tenure: int) -> Sent:
    content = raw.encode()
    return Sent(content, tenure if len(content) <= MOST else TOO_LONG)


_PARTS = st.sampled_from(["x", "é", "☂", "x" * 30, '""', "\n9,ghost\n", "\r\n8,", ",7,", " " * 20])
_QUOTED = st.lists(_PARTS, max_size=40).map(lambda parts: f'"{"".join(parts)}"')
_PLAIN = st.sampled_from(["", "é", "x" * 40, "é" * 40, "x" * 300, 'in 5" pipe', "a b" * 30])
_CSV = st.builds(
    lambda tenure, cell: _judged(f"{tenure},{cell}", tenure),
    st.integers(0, 70),
    st.one_of(_QUOTED, _PLAIN, st.tuples(_QUOTED, st.just("junk")).map("".join)),
)
_NOTES = st.sampled_from(["", "é", "x" * 25, "x" * 300, '"', "\\", "{[", "]["])
_OBJECT = st.builds(
    lambda tenure, note, ascii_, pad: _judged(
        json.dumps({"customer_id": "a" + note, "tenure": tenure}, ensure_ascii=ascii_).replace(
            "}", f"{pad}}}"
        ),
        tenure,
    ),
    st.integers(0, 70),
    _NOTES,
    st.booleans(),
    st.sampled_from(["", " ", " " * 20, " " * 100]),
)
_BAD = st.sampled_from(["nonsense", "{a}", "01", "{}}", '{"tenure": tru}', '"\\x"']).map(
    lambda raw: Sent(raw.encode(), NO_JSON)
)
_JSON = st.one_of(_OBJECT, _BAD)
_CUTS = st.lists(st.integers(0, 3_000), max_size=8)


def _read(kind: Format, content: bytes, cuts: Sequence[int]) -> list[object]:
    """Return the tenures and errors that a reader makes of content that comes in pieces."""
    reader = READERS[kind](MOST)
    places = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    found: list[object] = []
    try:
        for start, end in pairwise(places):
            for rows in reader.feed(content[start:end], last=end == len(content)):
                found += [
                    str(rows.errors[p]) if p in rows.errors else rows.block.customer(p)["tenure"]
                    for p in range(len(rows))
                ]
    except InvalidCustomerError as error:
        found.append(str(error))
    return found


def _require(found: Sequence[object], sent: Sequence[Sent]) -> None:
    assert len(found) == len(sent), found
    for got, one in zip(found, sent, strict=True):
        expected = one.expected
        matches = str(got).startswith(expected) if isinstance(expected, str) else got == expected
        assert matches, (got, one)


@given(st.lists(_CSV, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), _CUTS)
def test_each_line_of_csv_is_one_row_however_long_it_is_and_however_it_is_cut(
    sent: list[Sent], end: str, cuts: list[int]
) -> None:
    lines = [b"tenure,note", *(one.raw for one in sent)]
    for last in ("", end):
        content = end.encode().join(lines) + last.encode()
        _require(_read(Format.CSV, content, cuts), sent)


@given(st.lists(_JSON, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), _CUTS)
def test_each_line_of_ndjson_is_one_row_however_long_it_is_and_however_it_is_cut(
    sent: list[Sent], end: str, cuts: list[int]
) -> None:
    for last in ("", end):
        content = end.encode().join(one.raw for one in sent) + last.encode()
        _require(_read(Format.NDJSON, content, cuts), sent)


@given(
    st.lists(_JSON, min_size=1, max_size=8),
    st.sampled_from([b",", b" ,\r\n", b"," + b" " * 200]),
    st.sampled_from([b"", b"\n", b" " * 100]),
    _CUTS,
)
def test_each_element_of_an_array_is_one_row_however_long_it_is_and_however_it_is_cut(
    sent: list[Sent], between: bytes, around: bytes, cuts: list[int]
) -> None:
    inside = between.join(one.raw for one in sent)
    content = around + b"[" + around + inside + around + b"]" + around
    _require(_read(Format.JSON, content, cuts), sent)


@pytest.mark.parametrize("size", [10, 10_000, 300_000, 3_000_000])
def test_a_quoted_cell_of_any_length_holds_no_customer(client: TestClient, size: int) -> None:
    ghosts = "ghost,5\n" * (size // 8)
    text = f'customerID,tenure,note\na,1,"{ghosts}"\nb,2,"x"\n'
    rows = _sent(client, text.encode(), Format.CSV)
    assert [(row["row"], row["customer_id"]) for row in rows][-1] == ("2", "b")
    assert len(rows) == 2
    assert ("at most 65,536 bytes" in rows[0]["error"]) == (size > 65_536)


def _sent(client: TestClient, content: bytes, kind: Format) -> list[dict[str, str]]:
    headers = {"Content-Type": kind.value, "Accept": Format.CSV.value}
    answer = client.post("/predict/batch", content=content, headers=headers)
    assert answer.status_code == 200, answer.text[:300]
    return list(csv.DictReader(io.StringIO(answer.text)))


_FRAMES = {
    Format.CSV: (b"tenure,note\n", b"\n", b"\n"),
    Format.NDJSON: (b"", b"\n", b"\n"),
    Format.JSON: (b"[", b",", b"]"),
}


def _row(kind: Format, tenure: int, size: int) -> bytes:
    if kind is Format.CSV:
        return f"{tenure},".encode().ljust(size, b"x")
    start = f'{{"tenure":{tenure}'.encode()
    return start.ljust(size - 1) + b"}"


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("extra", [0, 1, 70_000, 500_000])
def test_a_row_takes_65536_bytes_in_every_format_and_the_next_has_the_right_number(
    client: TestClient, kind: Format, extra: int
) -> None:
    start, between, end = _FRAMES[kind]
    most = Limits().body_bytes
    rows = [_row(kind, 5, 20), _row(kind, 6, most + extra), _row(kind, 7, 20)]
    found = _sent(client, start + between.join(rows) + end, kind)
    assert [row["row"] for row in found] == ["1", "2", "3"]
    assert [bool(row["error"]) for row in found] == [False, extra > 0, False]
    assert ("at most 65,536 bytes" in found[1]["error"]) == (extra > 0)


def test_a_header_that_is_too_long_is_refused(client: TestClient) -> None:
    headers = {"Content-Type": Format.CSV.value}
    for end in (b"\n5\n", b""):
        content = b"tenure," + b"x" * 70_000 + end
        answer = client.post("/predict/batch", content=content, headers=headers)
        assert answer.status_code == 422
        assert "at most 65,536 bytes" in answer.json()["detail"]
