"""How a benchmark's figures are shown."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Seconds of each thing measured, over the runs, and what follows from them.

    ``references`` names, for what is compared, the row that it is compared with.
    """

    title: str
    seconds: Mapping[str, Sequence[float]]
    conclusion: str
    references: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        rows = [self._row(name, values) for name, values in self.seconds.items()]
        head = ["| what | median s | min s | max s | runs |", "|---|---|---|---|---|"]
        if self.references:
            head = [f"{head[0]} times the reference |", f"{head[1]}---|"]
        return "\n".join([f"## {self.title}", "", *head, *rows, "", self.conclusion, ""])

    def _row(self, name: str, values: Sequence[float]) -> str:
        median = statistics.median(values)
        figures = f"{median:.2f} | {min(values):.2f} | {max(values):.2f} | {len(values)}"
        return f"| {name} | {figures} |{self._ratio(name, median)}"

    def _ratio(self, name: str, median: float) -> str:
        if not self.references:
            return ""
        reference = self.references.get(name)
        times = median / statistics.median(self.seconds[reference]) if reference else 1.0
        return f" {times:.2f} |"
