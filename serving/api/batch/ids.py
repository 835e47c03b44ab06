"""The ids of a batch's predictions."""

import os
import uuid
from collections.abc import Sequence
from typing import Final

import numpy as np

from serving.api.batch.rows import Rows

_NAMESPACE: Final = uuid.UUID("0f7e3a1c-6a35-5d0e-8f50-9f1b6f1f6b7a")
_GROUPS: Final = ((0, 8, 0), (8, 12, 9), (12, 16, 14), (16, 20, 19), (20, 32, 24))
"""From where to where a group's digits are, and where it stands in the text."""


def prediction_ids(
    rows: Rows, version: str, first: int, key: bytes, caller: str = ""
) -> Sequence[str]:
    """Return random ids, but the same again for a row that is known by its own id or by a key.

    What it says and the version that answers are part of such an id: the row with other values,
    or answered by another version, is another prediction. One caller's own ids are no other's, as
    a key is, which has its caller in it.
    """
    if not key and not any(rows.row_ids):
        return _random_ids(len(rows))
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


def _random_ids(size: int) -> list[str]:
    """Return UUIDs of version 4 (RFC 9562, 5.4), made for all at once."""
    raw = np.frombuffer(os.urandom(16 * size), np.uint8).reshape(size, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(raw.tobytes().hex().encode(), np.uint8).reshape(size, 32)
    text = np.full((size, 36), ord("-"), np.uint8)
    for start, end, place in _GROUPS:
        text[:, place : place + end - start] = digits[:, start:end]
    whole = text.tobytes().decode()
    return [whole[place : place + 36] for place in range(0, 36 * size, 36)]
