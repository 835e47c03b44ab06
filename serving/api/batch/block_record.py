"""The record of a block of answers, for ``churn.warehouse.predictions.log_records``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
from msgspec import Raw

from churn.customer.field import Field
from churn.model.block import CHOICES, NUMBERS, Block
from churn.pipeline.batch.scored_rows import ScoredRows
from churn.warehouse.predictions.log_records import UNKNOWN_LETTER, letter

_AMOUNTS: Final = [field.name for field in NUMBERS]
_encode = msgspec.json.Encoder().encode


def record_of(
    given: ScoredRows, *, features: bool = True, choices: Sequence[Field] = CHOICES
) -> bytes:
    """Return the record of rows without errors."""
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
    if given.threshold.are_equal:
        record["threshold"] = float(given.threshold.values[0])
    else:
        rows["threshold"] = Raw(given.threshold.json)
    if features:
        fields = [[field.name, field.values] for field in choices]
        record |= {"fields": fields, "amounts": _AMOUNTS}
        codes = _codes(given.rows.block, choices)
        rows |= {"codes": codes, "numbers": _numbers(given.rows.block)}
    return _encode({**record, "rows": rows})


def _codes(block: Block, choices: Sequence[Field]) -> Raw:
    """Return a text for each customer, a character for each choice."""
    most = max(len(field.values) for field in choices)
    characters = [*map(letter, range(most)), UNKNOWN_LETTER]  # by code: UNKNOWN is -1
    points = np.array(list(map(ord, characters)), "<u4")
    text = np.full((len(block), len(choices) + 3), ord('"'), "<u4")
    text[:, -1] = ord(",")
    for place, field in enumerate(choices, start=1):
        text[:, place] = points[block.codes[field.name]]
    return Raw(f"[{text.tobytes().decode('utf-32-le')[:-1]}]".encode())


def _numbers(block: Block) -> Raw:
    """Return an array for each customer: null for unknown, whole numbers without a fraction."""
    columns = np.column_stack([block.numbers[name] for name in _AMOUNTS])
    text = _encode(columns.tolist())
    return Raw(text.replace(b".0,", b",").replace(b".0]", b"]"))
