"""Files of other kinds are refused with what they are and what to do."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import time
import zipfile
from pathlib import Path

import psutil
import pytest
from backports import zstd

from churn.core.errors import DataQualityError
from churn.pipeline import steps
from churn.warehouse.connect import Connection, connect
from churn.warehouse.loading.customer_file import open_file
from churn.warehouse.loading.dialect import DETECT_FORMAT
from churn.warehouse.loading.folders import find_files
from churn.warehouse.loading.source import examine
from tests.command import Churn
from tests.customer_file import read_rows
from tests.loading import Write, bring_in, csv_text, number

ROWS = read_rows()[:60]
PLAIN = csv_text(ROWS).encode()


def _archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


def _tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("customers.csv")
        member.size = len(PLAIN)
        archive.addfile(member, io.BytesIO(PLAIN))
    return packed.getvalue()


FOREIGN = {
    "a.xlsx": (_archive("[Content_Types].xml", "xl/workbook.xml"), "spreadsheet.*save.*CSV"),
    "a.ods": (_archive("mimetype", "content.xml"), "spreadsheet.*save.*CSV"),
    "a.numbers": (_archive("Index/Document.iwa", "preview.jpg"), "spreadsheet.*save.*CSV"),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"\.xls.*save.*CSV"),
    "a.csv.xz": (lzma.compress(PLAIN), "xz; unpack it, or pack the CSV file as .gz"),
    "a.csv.bz2": (bz2.compress(PLAIN), "bzip2; unpack it"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(90), "7z archive; unpack it"),
    "a.rar": (b"Rar!\x1a\x07\x01\x00" + bytes(90), "RAR archive; unpack it"),
    "a.tar": (_tar(), "tar archive; unpack it"),
    "a.tar.gz": (gzip.compress(_tar()), "tar archive; unpack it"),
    "a.parquet": (b"PAR1" + bytes(90), "Parquet file; export"),
    "a.pdf": (b"%PDF-1.7\n" + bytes(90), "PDF document; export"),
    "a.json": (b'\n[{"tenure": 5}]', "JSON file; export"),
    "a.html": (b"\xef\xbb\xbf<!DOCTYPE html><table>", "HTML or XML file; export"),
    "DS_Store": (b"\x00\x00\x00\x01Bud1" + bytes(90), r"\.DS_Store of macOS; leave it out"),
    "a.png": (b"\x89PNG\r\n\x1a\n" + bytes(90), "an image; leave it out"),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("named", ["as it is", "as a CSV file"])
def test_a_file_of_another_kind_is_refused_with_advice(
    tmp_path: Path, name: str, named: str
) -> None:
    content, advice = FOREIGN[name]
    path = tmp_path / (name if named == "as it is" else "customers.csv")
    path.write_bytes(content)
    with pytest.raises(DataQualityError, match=f"^{path}: is .*{advice}"):
        open_file(examine(path), DETECT_FORMAT)


def test_a_directory_or_a_pipe_is_refused_by_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path, tmp_path / "pipe.csv"):
        with pytest.raises(DataQualityError, match=f"{path}: is not a regular file"):
            examine(path)


def test_a_folder_without_customer_files_shows_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "2026-01").mkdir()
    (tmp_path / "customers.xlsx").write_bytes(b"")
    with pytest.raises(DataQualityError, match=r"it has 2026-01/, customers\.xlsx; name a folder"):
        find_files(tmp_path)


@pytest.mark.parametrize("name", [".", "*", "*.csv"])
def test_hidden_files_are_no_customer_files(tmp_path: Path, name: str) -> None:
    for hidden in (".DS_Store", "._customers.csv", ".customers.csv"):
        (tmp_path / hidden).write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "customers.csv").write_bytes(PLAIN)
    assert find_files(tmp_path / name) == (tmp_path / "customers.csv",)


def _long_line(path: Path, pack: str) -> Path:
    """Write 1 GB of one line in few megabytes, behind a few good rows."""
    chunk = b"x" * (1 << 24)
    if pack == "zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("customers.csv", "w", force_zip64=True) as member,
        ):
            member.write(PLAIN)
            for _ in range(64):
                member.write(chunk)
        return path
    with gzip.open(path, "wb", 1) if pack == "gz" else zstd.open(path, "wb") as file:
        file.write(PLAIN)
        for _ in range(64):
            file.write(chunk)
    return path


@pytest.mark.parametrize("pack", ["gz", "zst", "zip"])
def test_one_huge_line_in_an_archive_is_refused_early_and_in_little_memory(
    url: str, connection: Connection, tmp_path: Path, pack: str
) -> None:
    path = _long_line(tmp_path / f"customers.{pack}", pack)
    before, started = psutil.Process().memory_info().rss, time.monotonic()
    with pytest.raises(DataQualityError, match="a line is longer than 16 MB"):
        bring_in(url, path)
    assert time.monotonic() - started < 20
    assert psutil.Process().memory_info().rss - before < 300 << 20
    assert number(connection, "SELECT count(*) FROM loads") == 0


@pytest.mark.parametrize("text", [b"x" * 3_000_000, b"a," * 1_500_000])
def test_a_first_line_of_megabytes_is_refused_early(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "customers.csv.gz"
    path.write_bytes(gzip.compress(text))
    started = time.monotonic()
    with pytest.raises(DataQualityError, match="the first line is longer than 1 MB"):
        open_file(examine(path), DETECT_FORMAT)
    assert time.monotonic() - started < 5


def test_a_folder_whose_second_file_is_stopped_names_the_others(
    url: str, write: Write, tmp_path: Path
) -> None:
    for i, rows in enumerate((ROWS, [{**r, "tenure": "x"} for r in ROWS], ROWS[:50], ROWS[:40])):
        write(csv_text(rows), f"folder/{i}.csv")
    with connect(url) as opened:
        loads = steps.load_csv(opened, tmp_path / "folder")
        opened.commit()
        with pytest.raises(DataQualityError, match=r"STOP  .*/1\.csv") as caught:
            steps.clean(opened, loads)
    last = str(caught.value).splitlines()[-1]
    assert last == "not checked after that: 2.csv, 3.csv; load them again"


def test_a_folder_with_a_file_that_is_refused_reports_that_none_was_loaded(
    churn: Churn, write: Write, tmp_path: Path
) -> None:
    for i, content in enumerate((PLAIN, b"a,b\n1,2\n", PLAIN)):
        write(content, f"folder/{i}.csv")
    write(b"", "folder/notes.xlsx")
    done = churn("load", tmp_path / "folder")
    assert done.returncode == 1
    assert "folder/1.csv: the header lacks" in done.stderr
    assert "none of the 3 files was loaded" in done.stderr
    assert "not loaded: notes.xlsx" in done.stderr
