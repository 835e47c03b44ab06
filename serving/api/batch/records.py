"""What the log keeps of a block of answers: one record, for ``churn.records`` and PostgreSQL."""

from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
from msgspec import Raw

from churn.model.block import CHOICES, NUMBERS, Block
from churn.records import UNKNOWN_LETTER, letter
from serving.api.batch.answers import Answered

_FIELDS: Final = Raw(msgspec.json.encode([[field.name, field.values] for field in CHOICES]))
_AMOUNTS: Final = [field.name for field in NUMBERS]
_LETTERS: Final = np.frombuffer(
    "".join([*map(letter, range(25)), UNKNOWN_LETTER]).encode(), np.uint8
)
"""By code; that of what is unknown is -1."""
_encode = msgspec.json.Encoder().encode


def record_of(given: Answered, *, features: bool = True) -> bytes:
    """Return the record of rows that are all answered."""
    record: dict[str, object] = {
        "predictions": len(given),
        "predicted_at": datetime.now(UTC),
        "model_version": given.version,
    }
    rows: dict[str, object] = {
        "prediction_id": given.prediction_ids,
        "probability_churn": Raw(given.probability.json),
        "prediction": given.churns.view(np.int8).tolist(),
        "contact": given.contact.tolist(),
    }
    if any(customer_ids := given.rows.customer_ids):
        rows["customer_id"] = [one or None for one in customer_ids]
    if given.threshold.are_one:
        record["threshold"] = float(given.threshold.values[0])
    else:
        rows["threshold"] = Raw(given.threshold.json)
    if features:
        record |= {"fields": _FIELDS, "amounts": _AMOUNTS}
        rows |= {"codes": _codes(given.rows.block), "numbers": _numbers(given.rows.block)}
    return _encode({**record, "rows": rows})


def _codes(block: Block) -> Raw:
    """Return a text for each customer, a letter for each choice."""
    text = np.full((len(block), len(CHOICES) + 3), ord('"'), np.uint8)
    text[:, -1] = ord(",")
    for place, field in enumerate(CHOICES, start=1):
        text[:, place] = _LETTERS[block.codes[field.name]]
    return Raw(b"[" + text.tobytes()[:-1] + b"]")


def _numbers(block: Block) -> Raw:
    """Return an array for each customer; what is unknown is null, and no whole number has a .0."""
    columns = np.column_stack([block.numbers[name] for name in _AMOUNTS])
    text = _encode(columns.tolist())
    return Raw(text.replace(b".0,", b",").replace(b".0]", b"]"))
