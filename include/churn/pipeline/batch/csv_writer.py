"""Writes answers as CSV."""

import csv
import io
from collections.abc import Sequence
from itertools import repeat
from typing import Final

from churn.core.errors import InvalidCustomerError
from churn.pipeline.batch.figures import digits
from churn.pipeline.batch.scored_rows import ScoredRows

PREDICTION_ID: Final = "prediction_id"
COLUMNS: Final = (
    "row", "customer_id", "prediction", "probability_churn", "interval_low", "interval_high",
    "contact", "expected_profit", "threshold", "model_version", PREDICTION_ID, "error",
)  # fmt: skip


class CsvWriter:
    """Writes a header and a line per row; without ``recorded`` there is no prediction_id."""

    end = b""

    def __init__(self, *, recorded: bool = True) -> None:
        self._columns = [name for name in COLUMNS if recorded or name != PREDICTION_ID]
        self.start = (",".join(self._columns) + "\n").encode()

    def write(self, given: ScoredRows) -> bytes:
        """Return a block's lines."""
        customer_ids = given.rows.customer_ids
        columns = {
            "row": map(str, range(given.first, given.first + len(given))),
            "customer_id": customer_ids,
            "prediction": digits(given.churns),
            "probability_churn": given.probability.texts,
            "interval_low": given.low.texts,
            "interval_high": given.high.texts,
            "contact": digits(given.contact),
            "expected_profit": given.expected_profit.texts,
            "threshold": given.threshold.texts,
            "model_version": repeat(given.version),
            PREDICTION_ID: given.prediction_ids,
            "error": repeat(""),
        }
        rows = zip(*(columns[name] for name in self._columns), strict=False)
        lines = list(map(",".join if _are_plain(customer_ids) else _line, rows))
        for place, error in given.rows.errors.items():
            known = {"customer_id": customer_ids[place], "model_version": given.version}
            lines[place] = self._failed(given.first + place, error, **known)
        return _encoded("\n".join(lines))

    def fail(self, row: int, error: InvalidCustomerError) -> bytes:
        """Return the last line, with the reason why no rows follow."""
        return _encoded(self._failed(row, error))

    def _failed(self, row: int, error: InvalidCustomerError, **known: str) -> str:
        cells = {"row": str(row), "error": str(error), **known}
        return _line([cells.get(name, "") for name in self._columns])


def _encoded(lines: str) -> bytes:
    return (lines + "\n").encode(errors="backslashreplace")


def _are_plain(texts: Sequence[str]) -> bool:
    whole = "".join(texts)
    return not any(sign in whole for sign in ',"\n\r')


def _line(cells: Sequence[str]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow(cells)  # quotes what is in its own end of a line, too
    return target.getvalue().removesuffix("\r\n")
