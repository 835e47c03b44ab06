"""How the figures of serving are shown."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.http_load import Load


@dataclass(frozen=True)
class ServingTable:
    """Loads of each thing measured, over the rounds, beside one of them."""

    title: str
    loads: Mapping[str, Sequence[Load]]
    reference: str
    notes: Sequence[str]

    def __str__(self) -> str:
        head = [
            "| what | requests/s | min-max | p50 ms | p99 ms | requests/s by the reference's "
            "| p99 by the reference's |",
            "|---|---|---|---|---|---|---|",
        ]
        rows = [self._row(name, loads) for name, loads in self.loads.items()]
        return "\n".join([f"## {self.title}", "", *head, *rows, "", *self._told(), ""])

    def _told(self) -> list[str]:
        return [f"- {note}" for note in self.notes]

    def _row(self, name: str, loads: Sequence[Load]) -> str:
        rates = sorted(each.per_second for each in loads)
        p50, p99 = _median(loads, lambda x: x.p50), _median(loads, lambda x: x.p99)
        figures = f"{statistics.median(rates):,.0f} | {rates[0]:,.0f}-{rates[-1]:,.0f}"
        return f"| {name} | {figures} | {p50:.2f} | {p99:.2f} | {self._ratios(loads)} |"

    def _ratios(self, loads: Sequence[Load]) -> str:
        """Medians of the ratios within each round, where the rounds are the same."""
        pairs = list(zip(loads, self.loads[self.reference], strict=False))
        rate = statistics.median(a.per_second / b.per_second for a, b in pairs)
        p99 = statistics.median(a.p99 / b.p99 for a, b in pairs)
        return f"{rate:.2f} | {p99:.2f}" if rate > 0.1 else f"{rate:.4f} | {p99:.1f}"  # noqa: PLR2004


def _median(loads: Sequence[Load], of: Callable[[Load], float]) -> float:
    return statistics.median(map(of, loads))
