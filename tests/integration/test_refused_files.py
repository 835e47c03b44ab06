"""Files that are refused before anything happens, by name and with what was expected."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from churn.core.errors import DataQualityError
from churn.warehouse.connect import Connection
from churn.warehouse.loading.customer_file import open_file
from churn.warehouse.loading.folders import find_files
from tests.customer_file import CHURN_CSV, read_rows
from tests.loading import Row, Write, bring_in, csv_text, load, number

ROWS = read_rows()[:60]
REAL = CHURN_CSV.read_bytes()


def _without(*names: str, **renamed: str) -> bytes:
    rows: list[Row] = [
        {renamed.get(k, k): v for k, v in row.items() if k not in names} for row in ROWS
    ]
    return csv_text(rows).encode()


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "only blank lines": (b"\n\n\n", "the file is empty"),
    "only a header": (REAL.split(b"\n")[0] + b"\n", "no rows below the header"),
    "only a header, no line end": (REAL.split(b"\r\n")[0], "no rows below the header"),
    "a header and blank lines": (REAL.split(b"\n")[0] + b"\n\n\n", "no rows below the header"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "is an image; leave it out"),
    "another CSV": (b"a,b,c\n1,2,3\n", "the header lacks customerID, gender"),
    "no header": (REAL.split(b"\n", 1)[1], "the header lacks customerID"),
    "another separator": (REAL.replace(b",", b"^"), "the header lacks customerID"),
    "a column less": (_without("Contract"), "the header lacks Contract;"),
    "two columns less": (_without("Contract", "Churn"), "the header lacks Contract, Churn;"),
    "a column misspelt": (
        _without(PaymentMethod="PayMethod"),
        "the header lacks PaymentMethod (is it 'PayMethod'?)",
    ),
    "a column twice": (
        REAL.replace(b",gender", b",gender,Gender", 1),
        "the header has gender more than once",
    ),
    "a NUL byte in the header": (REAL.replace(b"Churn\r", b"Ch\0urn\r", 1), "lacks Churn"),
    "a NUL byte in an extra header": (
        csv_text([{"no\0te": "x", **row} for row in ROWS]).encode(),
        "the header has a NUL byte",
    ),
    "a blank line before the header": (b"\r\n" + REAL, "the first line is blank"),
    "an open quote in the header": (
        REAL.replace(b"Churn\r", b'Churn,"note\r', 1),
        "a quote is opened in the header",
    ),
    "2,000 columns": (
        csv_text([{**row, **{f"extra {i}": "" for i in range(2_000)}} for row in ROWS]).encode(),
        "the header has 2,021 columns",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_not_right_is_refused_by_name_and_changes_nothing(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    content, reason = BAD_FILES[name]
    bring_in(url, write(csv_text(ROWS), "good.csv"))
    path = write(content)
    with pytest.raises(DataQualityError) as caught:
        bring_in(url, path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert number(connection, "SELECT count(*) FROM customers") == len(ROWS)
    assert number(connection, "SELECT count(*) FROM loads") == 1


@pytest.mark.parametrize("how", ["grown", "replaced", "cut"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    url: str, connection: Connection, write: Write, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = write(csv_text(ROWS))

    def change(*arguments: object) -> object:
        whole = path.read_bytes()
        if how == "replaced":
            other = write(csv_text(ROWS[::-1]), "other.csv")
            other.replace(path)
        else:
            path.write_bytes(whole * 2 if how == "grown" else whole[: len(whole) // 2])
        return open_file(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("churn.warehouse.loading.load.open_file", change)
    with pytest.raises(DataQualityError, match="changed while it was read; nothing was loaded"):
        bring_in(url, path)
    assert number(connection, "SELECT count(*) FROM loads") == 0


def test_a_line_of_tens_of_megabytes_is_refused_in_one_line(url: str, write: Write) -> None:
    text = csv_text(ROWS) + "x" * 40_000_000
    with pytest.raises(DataQualityError, match="a line is longer than 16 MB"):
        bring_in(url, write(text))


def test_columns_too_wide_for_a_row_are_refused_with_advice(url: str, write: Write) -> None:
    wide = {f"extra {i}": "x" * 20 for i in range(800)}
    with pytest.raises(DataQualityError, match="leave out columns that are not needed"):
        bring_in(url, write(csv_text([{**row, **wide} for row in ROWS])))


@pytest.mark.parametrize("pattern", ["a**b.csv", "**.csv"])
def test_a_glob_that_is_none_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(DataQualityError, match="is not a pattern of file names"):
        find_files(tmp_path / pattern)


def test_a_refusal_states_what_was_expected(url: str, write: Write) -> None:
    with pytest.raises(DataQualityError, match="expected a CSV file with the columns of data/"):
        load(url, write(b"a,b,c\n1,2,3\n"))


def test_a_missing_file_is_refused_by_name_and_is_not_created(url: str, tmp_path: Path) -> None:
    path = tmp_path / "nothing.csv"
    with pytest.raises(DataQualityError, match=f"{path}: there is no such file"):
        load(url, path)
    assert not path.exists()


def test_a_file_whose_name_is_not_utf_8_is_loaded_or_refused(url: str, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(csv_text(ROWS).encode())
    with suppress(DataQualityError):
        bring_in(url, path)
