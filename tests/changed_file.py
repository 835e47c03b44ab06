"""The real customers after a change of their behaviour, for which the former model is stale."""

import csv
from pathlib import Path

from tests.customer_file import read_rows

_SWAPPED = {"Month-to-month": "Two year", "Two year": "Month-to-month"}


def write_changed(path: Path, *, rows: int | None = None) -> Path:
    """Write the real file, or so many rows, with the longest and the shortest contract swapped."""
    changed = [
        {**row, "Contract": _SWAPPED.get(row["Contract"], row["Contract"])}
        for row in read_rows()[:rows]
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(changed[0]))
        writer.writeheader()
        writer.writerows(changed)
    return path
