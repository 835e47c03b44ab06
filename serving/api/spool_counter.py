"""Counts the predictions in a spool."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from churn.warehouse.predictions import spool
from churn.warehouse.predictions.log_records import predictions_in
from churn.warehouse.predictions.spool import Writer


class Counter:
    """Counts a folder's predictions: finished segments by name, others without rereading."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}

    def count(self, own: Writer | None) -> int:
        """Return how many the segments contain now, that of our own writer included."""
        paths = spool.segments(self._folder)
        named = {path: spool.count_of(path) for path in paths if not own or path != own.path}
        self._seen = dict(self._read([path for path, count in named.items() if count is None]))
        # A segment that is not there was finished meanwhile.
        ours = own.predictions if own and own.path in paths else 0
        others = sum(predictions for _, predictions in self._seen.values())
        return ours + others + sum(count or 0 for count in named.values())

    def _read(self, paths: Sequence[Path]) -> Iterator[tuple[Path, tuple[int, int]]]:
        """Yield how far each segment of another process was read, and its predictions so far."""
        for path in paths:
            place, predictions = self._seen.get(path, (0, 0))
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(place)
                content = file.read()
                found = spool.read(content)
                end = place + len(content) - found.unread
                yield path, (end, predictions + sum(map(predictions_in, found.records)))
