"""Writes answers as CSV."""

import csv
import io
from collections.abc import Sequence
from itertools import repeat
from typing import Final

from churn.errors import InvalidCustomerError
from serving.api.batch.answers import Answered
from serving.api.batch.figures import digits

COLUMNS: Final = (
    "row", "customer_id", "prediction", "probability_churn", "interval_low", "interval_high",
    "contact", "expected_profit", "threshold", "model_version", "prediction_id", "error",
)  # fmt: skip


class CsvWriter:
    """Writes a header and a line per row."""

    start = (",".join(COLUMNS) + "\n").encode()
    end = b""

    def write(self, given: Answered) -> bytes:
        """Return a block's lines."""
        customer_ids = given.rows.customer_ids
        rows = zip(
            map(str, range(given.first, given.first + len(given))), customer_ids,
            digits(given.churns), given.probability.texts, given.low.texts, given.high.texts,
            digits(given.contact), given.expected_profit.texts, given.threshold.texts,
            repeat(given.version), given.prediction_ids, repeat(""),
        )  # fmt: skip
        lines = list(map(",".join if _are_plain(customer_ids) else _line, rows))
        for place, error in given.rows.errors.items():
            row = [str(given.first + place), customer_ids[place], *[""] * 7]
            lines[place] = _line([*row, given.version, "", str(error)])
        return ("\n".join(lines) + "\n").encode(errors="backslashreplace")

    def fail(self, row: int, error: InvalidCustomerError) -> bytes:
        """Return the line that says why nothing comes after it."""
        return (_line([str(row), *[""] * 10, str(error)]) + "\n").encode(errors="backslashreplace")


def _are_plain(texts: Sequence[str]) -> bool:
    whole = "".join(texts)
    return not any(sign in whole for sign in ',"\n\r')


def _line(cells: Sequence[str]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="").writerow(cells)
    return target.getvalue()
