"""Records of the prediction log: of one prediction, or of a block of them.

Both are JSON objects. A single record has a name for each column of ``prediction_logs``. A block
begins with its number of ``predictions``, has once what all of them share, and the rest as arrays
in ``rows``. The choices of a customer are a text of letters, one for each of the block's
``fields``, which lists their values; ``record_predictions`` makes rows of it in PostgreSQL.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

UNKNOWN_LETTER: Final = "z"
_LETTERS: Final = 25
_BEYOND: Final = 0x10000

_COUNT: Final = re.compile(rb'\{"predictions":(\d+)')
_CUSTOMER: Final = "customer_id"
_ROWS: Final = "rows"


def letter(code: int) -> str:
    """Return the character of a field's value by the value's index.

    The first 25 are the letters a to y; z stands for unknown. The others are beyond U+FFFF, which
    has room for a million values.
    """
    return chr(ord("a") + code) if code < _LETTERS else chr(_BEYOND + code)


def is_block(record: bytes) -> bool:
    """Whether a record holds any number of predictions."""
    return _COUNT.match(record) is not None


def predictions_in(record: bytes) -> int:
    """Return how many predictions a record holds."""
    found = _COUNT.match(record)
    return int(found[1]) if found else 1


def halves(record: bytes) -> Sequence[bytes]:
    """Return the records of a block's first and second half; of one prediction itself."""
    size = predictions_in(record)
    if size == 1:
        return (record,)
    block = json.loads(record)
    return _only(block, range(size // 2)), _only(block, range(size // 2, size))


def without(record: bytes, customer_id: str) -> bytes | None:
    """Return a record without a customer's predictions, or None where nothing is left."""
    content = json.loads(record)
    if not is_block(record):
        return None if content.get(_CUSTOMER) == customer_id else record
    customers = content[_ROWS].get(_CUSTOMER, ())
    if customer_id not in customers:
        return record
    kept = [place for place, one in enumerate(customers) if one != customer_id]
    return _only(content, kept) if kept else None


def _only(block: Mapping[str, Any], places: Sequence[int]) -> bytes:
    rows = {name: [column[p] for p in places] for name, column in block[_ROWS].items()}
    content = {**block, "predictions": len(places), _ROWS: rows}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
