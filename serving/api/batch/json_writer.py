"""Writes answers as JSON objects."""

import json
from collections.abc import Sequence
from itertools import repeat
from typing import Final

from churn.core.errors import InvalidCustomerError
from churn.pipeline.batch.figures import digits, words
from churn.pipeline.batch.scored_rows import ScoredRows
from serving.api.problems import described

_OBJECT: Final = (
    '{"row":%s,"customer_id":%s,"prediction":%s,"probability_churn":%s,"interval":[%s,%s],'
    '"contact":%s,"expected_profit":%s,"threshold":%s,"model_version":"%s","prediction_id":"%s"}'
)


class JsonWriter:
    """Writes an object per row, separated by commas as in an array, or by line ends."""

    def __init__(self, start: bytes, between: str, end: bytes) -> None:
        self.start = start
        self.end = end
        self._between = between
        self._is_first = True

    def write(self, given: ScoredRows) -> bytes:
        """Return a block's objects."""
        customer_ids = given.rows.customer_ids
        rows = zip(
            range(given.first, given.first + len(given)), map(_quoted, customer_ids),
            digits(given.churns), given.probability.texts, given.low.texts, given.high.texts,
            words(given.contact), given.expected_profit.texts, given.threshold.texts,
            repeat(given.version), given.prediction_ids,
        )  # fmt: skip
        lines = list(map(_OBJECT.__mod__, rows))
        for place, error in given.rows.errors.items():
            lines[place] = _refused(given.first + place, customer_ids[place], error)
        return self._joined(lines)

    def fail(self, row: int, error: InvalidCustomerError) -> bytes:
        """Return the last object, with the reason why no rows follow."""
        return self._joined([_refused(row, "", error)])

    def _joined(self, lines: Sequence[str]) -> bytes:
        begin = "" if self._is_first else self._between
        self._is_first = False
        return (begin + self._between.join(lines)).encode()


def _quoted(customer_id: str) -> str:
    return json.dumps(customer_id) if customer_id else "null"


def _refused(row: int, customer_id: str, error: InvalidCustomerError) -> str:
    errors = [described(problem) for problem in error.problems]
    answer = {"row": row, "customer_id": customer_id or None, "error": str(error), "errors": errors}
    return json.dumps(answer)
