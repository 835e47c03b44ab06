"""Compressed files: known by their bytes, and refused where they are damaged."""

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest
from backports import zstd

from churn.core.errors import DataQualityError
from churn.warehouse.connect import Connection
from tests.customer_file import CHURN_CSV, read_rows
from tests.loading import Write, bring_in, csv_text, require_same, value

ROWS = read_rows()[:60]
PLAIN = csv_text(ROWS)


def _zip(*contents: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, content in enumerate(contents):
            archive.writestr(f"customers_{i}.csv", content)
    return packed.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "zip": _zip,
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_compressed_files_are_known_by_their_bytes(
    url: str, connection: Connection, write: Write, name: str, codec: str
) -> None:
    require_same(url, write, ROWS, PACKED[name](PLAIN.encode(codec)), "whatever.csv")
    assert value(connection, "SELECT compression FROM loads WHERE load_id = 2") == name


@pytest.mark.parametrize("name", PACKED)
def test_a_damaged_compressed_file_is_refused_and_changes_nothing(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    packed = PACKED[name](CHURN_CSV.read_bytes())
    path = write(packed[: len(packed) * 2 // 3], "customers.csv.packed")
    with pytest.raises(DataQualityError, match=f"{path}.*damaged"):
        bring_in(url, path)
    assert value(connection, "SELECT count(*) FROM loads") == 0


@pytest.mark.parametrize("name", PACKED)
def test_a_compressed_file_with_flipped_bytes_is_refused(
    url: str, connection: Connection, write: Write, name: str
) -> None:
    packed = bytearray(PACKED[name](CHURN_CSV.read_bytes()))
    middle = len(packed) // 2
    packed[middle : middle + 40] = bytes(40)
    with pytest.raises(DataQualityError, match="damaged"):
        bring_in(url, write(bytes(packed), "customers.csv.packed"))
    assert value(connection, "SELECT count(*) FROM loads") == 0


def test_an_archive_with_two_files_is_refused_by_their_names(url: str, write: Write) -> None:
    path = write(_zip(PLAIN.encode(), PLAIN.encode()), "two.zip")
    with pytest.raises(DataQualityError, match=r"one file is expected.*customers_0.csv, cust"):
        bring_in(url, path)


def test_an_archive_with_a_password_is_refused_by_name(url: str, write: Write) -> None:
    packed = bytearray(_zip(PLAIN.encode()))
    packed[6] |= 1  # the flag "encrypted", in the file's own head and in the directory
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    path = write(bytes(packed), "secret.zip")
    with pytest.raises(DataQualityError, match=str(path)):
        bring_in(url, path)
