"""Answers to the rows of a batch, a block at a time: scored, on record, and written out."""

import csv
import io
import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product, repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.customer import MONTHLY_CHARGES
from churn.errors import InvalidCustomerError
from churn.field import Field
from churn.model.block import CHOICES, NUMBERS, Block
from churn.scoring import LoadedModel
from serving.api.batch_formats import Format
from serving.api.batch_rows import Rows
from serving.api.problems import described

COLUMNS: Final = (
    "row", "customer_id", "prediction", "probability_churn", "interval_low", "interval_high",
    "threshold", "expected_value", "model_version", "prediction_id", "error",
)  # fmt: skip
_NAMESPACE: Final = uuid.UUID("0f7e3a1c-6a35-5d0e-8f50-9f1b6f1f6b7a")
_JSON_ROW: Final = (
    '{"row":%s,"customer_id":%s,"prediction":%s,"probability_churn":%s,"interval":[%s,%s],'
    '"threshold":%s,"expected_value":%s,"model_version":"%s","prediction_id":"%s"}'
)
_RECORD: Final = (
    '{"prediction_id":"%s","predicted_at":"%s","customer_id":%s,"model_version":"%s",'
    '"probability_churn":%s,"prediction":%s,"threshold":%s,"features":%s}'
)

Texts = Sequence[str]


@dataclass(frozen=True)
class Answered:
    """A block's answers as texts, one per row; what an error has there means nothing."""

    first: int
    customer_ids: Texts
    prediction: Texts
    probability: Texts
    low: Texts
    high: Texts
    threshold: Texts
    expected: Texts
    version: str
    prediction_ids: Texts
    errors: Mapping[int, InvalidCustomerError]

    def __len__(self) -> int:
        return len(self.prediction)

    @property
    def scored(self) -> int:
        """How many rows are answered with no error."""
        return len(self) - len(self.errors)

    @property
    def leaving(self) -> int:
        """How many of those count as leaving."""
        return self.prediction.count("1") - sum(self.prediction[p] == "1" for p in self.errors)

    def columns(self) -> tuple[Iterable[str], ...]:
        """Return what every format writes, in the order of ``COLUMNS``."""
        numbers = map(str, range(self.first, self.first + len(self)))
        figures = (self.prediction, self.probability, self.low, self.high)
        money = (self.threshold, self.expected)
        return (
            numbers,
            self.customer_ids,
            *figures,
            *money,
            repeat(self.version),
            self.prediction_ids,
        )


def answer_rows(model: LoadedModel, rows: Rows, *, first: int, key: bytes) -> Answered:
    """Score rows; with a key, or an id of their own, they get the same ids when sent again."""
    score = model.score_block(rows.block)
    bill = rows.block.numbers[MONTHLY_CHARGES.name]
    policy = model.manifest.policy
    verdict = model.verdicts(score.probability, bill)
    probability = _texts(score.probability)
    certain = bool((score.low == score.high).all())
    return Answered(
        first=first,
        customer_ids=rows.customer_ids,
        prediction=np.where(verdict.leaves, "1", "0").tolist(),
        probability=probability,
        low=probability if certain else _texts(score.low),
        high=probability if certain else _texts(score.high),
        threshold=_texts(verdict.threshold),
        expected=_texts(policy.expected_values(score.probability, bill)),
        version=model.version,
        prediction_ids=_ids(rows, first, key),
        errors=rows.errors,
    )


def _texts(values: NDArray[np.float64]) -> list[str]:
    if len(values) and (values == values[0]).all():
        return [repr(float(values[0]))] * len(values)
    return list(map(repr, values.tolist()))


def _ids(rows: Rows, first: int, key: bytes) -> list[str]:
    """Return the predictions' ids: random ones, but where a row is to be known again."""
    found = _random_ids(len(rows))
    if not key and not any(rows.row_ids):
        return found
    own = rows.row_ids or repeat("")
    for place, (row_id, _) in enumerate(zip(own, found, strict=False)):
        if row_id or key:
            known_by = row_id or f"{key.decode('latin-1')}\n{first + place}"
            name = f"{known_by}\n{rows.contents(place)}"
            digest = uuid.uuid5(_NAMESPACE, name.encode(errors="surrogateescape").decode("latin-1"))
            found[place] = str(digest)
    return found


def _random_ids(size: int) -> list[str]:
    """Return UUIDs of version 4 (RFC 9562, 5.4), made for a whole block at once."""
    raw = np.frombuffer(os.urandom(16 * size), np.uint8).reshape(size, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(raw.tobytes().hex().encode(), np.uint8).reshape(size, 32)
    text = np.full((size, 36), ord("-"), np.uint8)
    for start, end, place in ((0, 8, 0), (8, 12, 9), (12, 16, 14), (16, 20, 19), (20, 32, 24)):
        text[:, place : place + end - start] = digits[:, start:end]
    whole = text.tobytes().decode()
    return [whole[place : place + 36] for place in range(0, 36 * size, 36)]


def records(given: Answered, block: Block, *, features: bool) -> list[bytes]:
    """Return what the log keeps of each answered row, as JSON."""
    at = datetime.now(UTC).isoformat()
    kept = _features(block) if features else repeat("null", len(given))
    lines = zip(
        given.prediction_ids, repeat(at), _json_ids(given.customer_ids), repeat(given.version),
        given.probability, given.prediction, given.threshold, kept,
    )  # fmt: skip
    written = map(_RECORD.__mod__, lines)
    if not given.errors:
        return [line.encode() for line in written]
    return [line.encode() for place, line in enumerate(written) if place not in given.errors]


def _json_ids(customer_ids: Texts) -> list[str]:
    whole = "".join(customer_ids)
    if whole.isascii() and whole.isprintable() and '"' not in whole and "\\" not in whole:
        return [f'"{one}"' if one else "null" for one in customer_ids]
    return [json.dumps(one) if one else "null" for one in customer_ids]


def _features(block: Block) -> list[str]:
    """Return what is known of each customer as a JSON object."""
    parts = [group.said(block) for group in _GROUPS]
    parts += [_numbers(field.name, block.numbers[field.name]) for field in NUMBERS]
    return [f"{{{text[1:]}}}" for text in map("".join, zip(*parts, strict=True))]


class _Group:
    """Some choices, and what every combination of their values is in JSON: one look-up for all."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        said = [["", *(f',"{f.name}":{json.dumps(value)}' for value in f.values)] for f in fields]
        self._said = np.array(["".join(parts) for parts in product(*said)], object)

    def said(self, block: Block) -> list[str]:
        """Return the JSON of each customer's values; what is unknown (-1) is left out."""
        places = np.zeros(len(block), np.intp)
        for field in self._fields:
            places = places * (len(field.values) + 1) + (block.codes[field.name] + 1)
        return list(self._said[places].tolist())


_GROUPS: Final = [_Group(CHOICES[start : start + 4]) for start in range(0, len(CHOICES), 4)]


class _Said(dict[float, str]):
    """What a number that came along is in JSON."""

    def __init__(self, name: str) -> None:
        super().__init__({_NOTHING: ""})
        self._name = name

    def __missing__(self, number: float) -> str:
        if len(self) > _MOST_NUMBERS:
            self.clear()
            self[_NOTHING] = ""
        said = int(number) if number.is_integer() else number
        self[number] = f',"{self._name}":{said!r}'
        return self[number]


_NOTHING: Final = -1.0
_MOST_NUMBERS: Final = 50_000
_SAID: Final = {field.name: _Said(field.name) for field in NUMBERS}


def _numbers(name: str, column: NDArray[np.float64]) -> list[str]:
    known = np.where(np.isnan(column), _NOTHING, column)
    return list(map(_SAID[name].__getitem__, known.tolist()))


class CsvWriter:
    """Writes a header and a line per row."""

    start = (",".join(COLUMNS) + "\n").encode()
    end = b""

    def write(self, given: Answered) -> bytes:
        """Return a block's lines."""
        if _is_plain(given.customer_ids):
            lines = [*map(",".join, zip(*given.columns(), repeat(""), strict=False))]
        else:
            lines = [_line([*row, ""]) for row in zip(*given.columns(), strict=False)]
        for place, error in given.errors.items():
            row = [str(given.first + place), given.customer_ids[place], *[""] * 6]
            lines[place] = _line([*row, given.version, "", str(error)])
        return ("\n".join(lines) + "\n").encode(errors="backslashreplace")

    def fail(self, row: int, error: InvalidCustomerError) -> bytes:
        """Return the line that says why nothing comes after it."""
        return (_line([str(row), *[""] * 9, str(error)]) + "\n").encode(errors="backslashreplace")


def _is_plain(texts: Texts) -> bool:
    whole = "".join(texts)
    return not any(sign in whole for sign in ',"\n\r')


def _line(cells: Sequence[str]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="").writerow(cells)
    return target.getvalue()


class JsonWriter:
    """Writes an object per row, parted by a comma as in an array, or by the end of a line."""

    def __init__(self, start: bytes, between: str, end: bytes) -> None:
        self.start = start
        self.end = end
        self._between = between
        self._is_first = True

    def write(self, given: Answered) -> bytes:
        """Return a block's objects."""
        number, _, *rest = given.columns()
        lines = [
            *map(_JSON_ROW.__mod__, zip(number, _json_ids(given.customer_ids), *rest, strict=False))
        ]
        for place, error in given.errors.items():
            lines[place] = _refused(given.first + place, given.customer_ids[place], error)
        return self._joined(lines)

    def fail(self, row: int, error: InvalidCustomerError) -> bytes:
        """Return the object that says why nothing comes after it."""
        return self._joined([_refused(row, "", error)])

    def _joined(self, lines: Sequence[str]) -> bytes:
        begin = "" if self._is_first else self._between
        self._is_first = False
        return (begin + self._between.join(lines)).encode()


def _refused(row: int, customer_id: str, error: InvalidCustomerError) -> str:
    errors = [described(problem) for problem in error.problems]
    said = {"row": row, "customer_id": customer_id or None, "error": str(error), "errors": errors}
    return json.dumps(said)


Writer = CsvWriter | JsonWriter
WRITERS: Final[Mapping[Format, Callable[[], Writer]]] = {
    Format.CSV: CsvWriter,
    Format.NDJSON: lambda: JsonWriter(b"", "\n", b"\n"),
    Format.JSON: lambda: JsonWriter(b"[", ",\n", b"]\n"),
}
