"""How far a long file has come."""

import itertools
import logging

import pytest

from churn.warehouse.loading.progress import Progress


def test_progress_is_shown_every_other_second_with_rows_and_bytes_per_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    seconds = itertools.count()
    progress = Progress("big.csv", clock=lambda: float(next(seconds)))
    chunk = b"a,b\n" * 250_000
    assert list(progress.watched([chunk] * 4)) == [chunk] * 4
    assert caplog.messages == [
        "big.csv: 500,000 rows, 2 MB; 166,667 rows/s, 1 MB/s",
        "big.csv: 1,000,000 rows, 4 MB; 166,667 rows/s, 1 MB/s",
    ]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], 0),
        ([b""], 0),
        ([b"a\n", b"b\n"], 2),
        ([b"a\r", b"\nb"], 2),
        ([b"a\rb\rc"], 3),
        ([b"a"], 1),
    ],
)
def test_lines_are_counted_whatever_ends_them(chunks: list[bytes], lines: int) -> None:
    progress = Progress("a.csv")
    list(progress.watched(chunks))
    assert progress.lines == lines
