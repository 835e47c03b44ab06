"""What is not UTF-8 or UTF-16 is Windows-1252 if it can be; anything else is a question."""

# ruff: noqa: RUF001 - letters of many languages

from collections.abc import Sequence

import pytest

from churn.core.errors import DataQualityError
from churn.warehouse.connect import Connection
from churn.warehouse.loading.dialect import FormatOptions
from tests.customer_file import read_rows
from tests.loading import Write, bring_in, counted, csv_text, everything, many_lines, number

ROWS = read_rows()[:100]


def _with_ids(ids: Sequence[str]) -> str:
    rows = [{**row, "customerID": f"{ids[i % len(ids)]}-{i}"} for i, row in enumerate(ROWS)]
    return csv_text(rows)


FOREIGN = {
    "cp1251": ["Иван", "Ольга"],
    "koi8-r": ["Привет"],
    "cp866": ["Привет"],
    "shift_jis": ["ナマエ", "日本"],
    "euc-jp": ["日本"],
    "gb18030": ["中国"],
    "big5": ["中國"],
    "euc-kr": ["한국"],
    "cp1253": ["Ελλάδα"],
    "cp1254": ["Yıldız", "Şule"],
    "cp1255": ["שלום"],
    "cp1256": ["مرحبا"],
    "cp1250": ["Łódź", "Wałęsa"],
    "iso8859-2": ["Łódź", "Žižkov"],
    "mac-roman": ["José", "São"],
    "cp850": ["José", "São", "Köln"],
    "cp437": ["Müller"],
}


@pytest.mark.parametrize("codec", FOREIGN)
def test_a_foreign_encoding_is_refused_by_the_setting_and_read_when_it_is_set(
    url: str, connection: Connection, write: Write, codec: str
) -> None:
    path = write(_with_ids(FOREIGN[codec]).encode(codec))
    with pytest.raises(DataQualityError, match=rf"{path}: line \d+ .*--encoding.*\*Encoding\*"):
        bring_in(url, path)
    assert number(connection, "SELECT count(*) FROM loads") == 0
    assert counted(bring_in(url, path, asked=FormatOptions(encoding=codec))) == (100, 0)
    found = everything(connection, "SELECT customer_id FROM customers ORDER BY customer_id")
    names = FOREIGN[codec]
    assert {str(one) for (one,) in found} == {f"{names[i % len(names)]}-{i}" for i in range(100)}


WESTERN = ["José", "São Paulo", "Conceição", "naïveté", "D'Ávila", "l’été", "PRÊMIO", "Ümlaut", "É",
           "Åsa Sjögren", "hääyö", "n° 1ª", "“Muñoz” – 5 €", "Œuvre"]  # fmt: skip


def test_western_languages_are_read_as_windows_1252(
    url: str, connection: Connection, write: Write
) -> None:
    assert counted(bring_in(url, write(_with_ids(WESTERN).encode("cp1252")))) == (100, 0)
    assert everything(connection, "SELECT encoding FROM loads") == [("cp1252",)]
    found = everything(connection, "SELECT customer_id FROM customers")
    assert {str(one) for (one,) in found} == {f"{WESTERN[i % 14]}-{i}" for i in range(100)}


def _mixed(utf8: Sequence[int], western: Sequence[int]) -> bytes:
    lines = csv_text(ROWS).splitlines()
    for line in (*utf8, *western):
        lines[line - 1] = f"José{line}," + lines[line - 1].split(",", 1)[1]
    codecs = ["utf-8" if i in utf8 else "cp1252" for i in range(1, 102)]
    return b"\n".join(map(str.encode, lines, codecs)) + b"\n"


def test_lines_in_two_encodings_are_refused_by_their_numbers(url: str, write: Write) -> None:
    path = write(_mixed([5], [7, 9]))
    with pytest.raises(DataQualityError, match="line 5 is UTF-8, lines 7, 9 are not; set the enc"):
        bring_in(url, path)
    report = bring_in(url, path, asked=FormatOptions(encoding="utf-8"))
    assert counted(report) == (98, 2)
    assert counted(bring_in(url, write(_mixed([5, 6], [7, 9])))) == (98, 2)


def test_a_line_in_utf_8_far_down_a_western_file_is_refused_by_its_number(
    url: str, write: Write
) -> None:
    content = many_lines(20_000).replace(b"C0000005,", b"Jos\xe95,")
    path = write(content.replace(b"C0015000,", b"Jos\xc3\xa95000,"))
    with pytest.raises(DataQualityError, match=r"line 15,002 is UTF-8, line 7 is not"):
        bring_in(url, path)


def test_utf_32_is_refused_with_advice(url: str, write: Write) -> None:
    with pytest.raises(DataQualityError, match="in UTF-32; set the encoding"):
        bring_in(url, write(csv_text(ROWS).encode("utf-32")))
