"""Writes customer files of any length: the real file's combinations, with amounts of their own.

Used by the loading benchmark and by tests. The same seed gives the same bytes, and memory does not
grow with the number of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from string import ascii_uppercase
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from churn.customer.description import COLUMNS, CUSTOMER_ID, MONTHLY_CHARGES, TENURE, TOTAL_CHARGES
from local.layout import PROJECT

Integers: TypeAlias = npt.NDArray[np.int64]

_BLOCK: Final = 50_000
_HEADERS: Final = [field.header for field in COLUMNS]
_JITTERED: Final = [f.header for f in (CUSTOMER_ID, TENURE, MONTHLY_CHARGES, TOTAL_CHARGES)]
_JITTER_MONTHS: Final = 3
_JITTER_CENTS: Final = 300
_LONGEST_TENURE: Final = 72
_LETTERS: Final = 26**5
_IDS: Final = 10**4 * _LETTERS
_ID_STEP: Final = 70_368_744_177  # coprime with the number of ids: no id comes twice
_TOTAL_VARIES: Final = 0.1  # as the real totals do, around tenure times monthly charges


@dataclass(frozen=True)
class _Pattern:
    """The real rows: their amounts, and their lines with gaps for what is jittered."""

    tenure: Integers
    cents: Integers
    lines: tuple[str, ...]


def write_customers(path: Path, rows: int, *, seed: int = 1, reverse: bool = False) -> None:
    """Write a file of so many customers; ``reverse`` writes the same lines, the last one first."""
    starts = range(0, rows, _BLOCK)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(_HEADERS) + "\n")
        for start in reversed(starts) if reverse else starts:
            lines = list(_lines(start, min(_BLOCK, rows - start), seed))
            file.write("".join(reversed(lines) if reverse else lines))


def _lines(start: int, count: int, seed: int) -> Iterator[str]:
    """Yield the lines from ``start`` on; a block does not depend on those before it."""
    random = np.random.default_rng((seed, start))
    pattern = _pattern()
    chosen = random.integers(len(pattern.lines), size=count)
    tenure = _jittered(random, pattern.tenure[chosen], _JITTER_MONTHS)
    tenure = np.minimum(tenure, _LONGEST_TENURE)
    cents = _jittered(random, pattern.cents[chosen], _JITTER_CENTS)
    varied = 1 + random.uniform(-_TOTAL_VARIES, _TOTAL_VARIES, count)
    totals = np.rint(np.where(tenure == 1, cents, tenure * cents * varied))
    ids = _ids(np.arange(start, start + count, dtype=np.int64), seed)
    amounts = (tenure.tolist(), (cents / 100).tolist(), (totals / 100).tolist())
    for number, one, months, monthly, total in zip(chosen.tolist(), ids, *amounts, strict=True):
        yield pattern.lines[number] % (one, months, monthly, total if months else " ")


def _jittered(random: np.random.Generator, values: Integers, most: int) -> Integers:
    """Return values moved by up to ``most``, none below 1; what is 0 stays 0."""
    moved = np.maximum(values + random.integers(-most, most, size=len(values), endpoint=True), 1)
    return np.where(values == 0, 0, moved)


def _ids(numbers: Integers, seed: int) -> Iterator[str]:
    """Yield ids such as ``7590-VHVEG``, in no order, each number its own."""
    places = (numbers * _ID_STEP + seed * 1_000_003) % _IDS
    digits, letters = np.divmod(places, _LETTERS)
    threes, twos = np.divmod(letters, 26**2)
    for number, three, two in zip(digits.tolist(), threes.tolist(), twos.tolist(), strict=True):
        yield f"{number:04d}-{_words(3)[three]}{_words(2)[two]}"


@cache
def _words(length: int) -> tuple[str, ...]:
    return tuple("".join(letters) for letters in product(ascii_uppercase, repeat=length))


@cache
def _pattern() -> _Pattern:
    path = PROJECT / "data" / "churn.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=_HEADERS)
    gaps = frame.assign(**dict.fromkeys(_JITTERED, "%s"))[_HEADERS]
    return _Pattern(
        frame[TENURE.header].to_numpy(dtype=np.int64),
        np.rint(frame[MONTHLY_CHARGES.header].to_numpy(dtype=np.float64) * 100).astype(np.int64),
        tuple(",".join(row) + "\n" for row in gaps.itertuples(index=False)),
    )
