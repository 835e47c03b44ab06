"""The ids of a batch's predictions."""

import uuid
from collections.abc import Sequence
from typing import Final

from churn.pipeline.batch.rows import Rows
from serving.api.random_ids import random_ids

_NAMESPACE: Final = uuid.UUID("0f7e3a1c-6a35-5d0e-8f50-9f1b6f1f6b7a")


def prediction_ids(
    rows: Rows, version: str, first: int, key: bytes, caller: str = ""
) -> Sequence[str]:
    """Return random ids; rows with a row id or an idempotency key get the same id again.

    Such an id is made from the row's content, the version and the caller too: a row with other
    values, or answered by another version, or sent by another caller, is another prediction. (The
    key includes its caller already.)
    """
    if not key and not any(rows.row_ids):
        return random_ids(len(rows))
    own = rows.row_ids or [""] * len(rows)
    named = [f"{caller}\n{row_id}" if caller and row_id else row_id for row_id in own]
    keyed = [_known_by(row_id, key, first + place) for place, row_id in enumerate(named)]
    return [
        str(_digest(f"{name}\n{version}\n{rows.contents(place)}")) if name else str(uuid.uuid4())
        for place, name in enumerate(keyed)
    ]


def _known_by(row_id: str, key: bytes, number: int) -> str:
    return row_id or (f"{key.decode('latin-1')}\n{number}" if key else "")


def _digest(name: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, name.encode(errors="surrogateescape").decode("latin-1"))
