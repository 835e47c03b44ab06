"""How a benchmark's figures are shown."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Seconds of each thing measured, over the runs, and what follows from them."""

    title: str
    seconds: Mapping[str, Sequence[float]]
    conclusion: str

    def __str__(self) -> str:
        rows = [self._row(name, values) for name, values in self.seconds.items()]
        head = ["| what | median s | min s | max s | runs |", "|---|---|---|---|---|"]
        return "\n".join([f"## {self.title}", "", *head, *rows, "", self.conclusion, ""])

    def _row(self, name: str, values: Sequence[float]) -> str:
        median = statistics.median(values)
        figures = f"{median:.2f} | {min(values):.2f} | {max(values):.2f} | {len(values)}"
        return f"| {name} | {figures} |"
