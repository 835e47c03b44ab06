"""How often a candidate is promoted wrongly, how late rightly, and what a stale champion costs.

Companies of 700 to 200,000 customers are simulated for 100 nights. Their true probabilities of
churning are known, so the expected log-loss of every model is. The former and the present rule see
the same customers and the same candidates. Decisions are the product's own (``churn.registry``);
the models are the recipe's logistic regression on a design like the product's.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from threadpoolctl import threadpool_limits

from benchmarks.promotion.company import SHIFTS, Drift
from benchmarks.promotion.nights import (
    NIGHTS,
    SHIFTED_AT,
    Course,
    Setting,
    former_rule,
    present_rule,
    simulate,
)

_ALL: Final = (Drift(), *(Drift(kind, pace) for kind in SHIFTS for pace in ("slow", "abrupt")))
_SOME: Final = (Drift(), Drift("coefficient", "slow"), Drift("interaction", "abrupt"))
_RENEWED: Final = 1.0


@dataclass(frozen=True)
class _Part:
    """Some companies of one size; seeds are 0, 1, ..."""

    customers: int
    churn: tuple[float, ...]
    drifts: tuple[Drift, ...]
    seeds: int
    renewed: float = 0.05


_PARTS: Final = (
    _Part(700, (0.10, 0.27), _ALL, 4),
    _Part(700, (0.27,), _SOME, 4, _RENEWED),
    _Part(2_000, (0.10, 0.27), _ALL, 2),
    _Part(7_000, (0.02, 0.10, 0.27), _ALL, 1),
    _Part(7_000, (0.27,), _SOME, 1, _RENEWED),
    _Part(50_000, (0.02, 0.10, 0.27), _SOME, 1),
    _Part(200_000, (0.02, 0.10, 0.27), _SOME, 1),
)
_HEAD: Final = (
    "| customers | churn | drift | renewed a night | seeds | mean regret: before | after "
    "| nights until the first promotion: before | after | promotions: before | after "
    "| wrong: before | after |"
)


@dataclass(frozen=True)
class Result:
    """What both rules did with a company, by seed."""

    setting: Setting
    former: Sequence[Course]
    present: Sequence[Course]

    def __str__(self) -> str:
        one, rules = self.setting, (self.former, self.present)
        cells = [
            *(f"{regret(courses):.4f}" for courses in rules),
            *(_delay(courses, one.drift) for courses in rules),
            *(str(sum(len(c.promoted) for c in courses)) for courses in rules),
            *(str(wrong(courses)) for courses in rules),
        ]
        start = f"| {one.customers:,} | {one.churn:.0%} | {one.drift} | {one.renewed:.0%}"
        return f"{start} | {len(self.former)} | {' | '.join(cells)} |"


def measure() -> str:
    """Simulate every company; print each row as it is known, and return what follows from all."""
    print(f"## Promotions in {NIGHTS} nights\n\n{_HEAD}\n|{'---|' * 13}")
    results = []
    with threadpool_limits(1):
        for result in _results():
            print(result, flush=True)
            results.append(result)
    return _conclusion(results)


def _results() -> Iterator[Result]:
    for part in _PARTS:
        for churn in part.churn:
            for drift in part.drifts:
                setting = Setting(part.customers, churn, drift, part.renewed)
                rules = (former_rule, present_rule)
                runs = [simulate(setting, seed, rules) for seed in range(part.seeds)]
                former, present = zip(*runs, strict=True)
                yield Result(setting, former, present)


def regret(courses: Sequence[Course]) -> float:
    """Return the mean over nights and seeds, in log-loss per customer."""
    return statistics.mean(statistics.mean(course.regret) for course in courses)


def wrong(courses: Sequence[Course]) -> int:
    """Return how many promoted candidates were worse than the champion, by expected log-loss."""
    return sum(course.wrong for course in courses)


def _delay(courses: Sequence[Course], drift: Drift) -> str:
    """Return the median of the nights from the drift's begin to the first promotion after it."""
    if not drift.kind:
        return ""
    start = SHIFTED_AT if drift.pace == "abrupt" else 0
    firsts = [next((n for n in c.promoted if n >= start), NIGHTS) - start for c in courses]
    median = statistics.median_high(firsts)
    return "never" if median == NIGHTS - start else f"{median}"


def _conclusion(results: Sequence[Result]) -> str:
    former = [(one.setting, one.former) for one in results]
    present = [(one.setting, one.present) for one in results]
    return f"\nbefore: {_sum_up(former)}\nafter: {_sum_up(present)}\n"


def _sum_up(rule: Sequence[tuple[Setting, Sequence[Course]]]) -> str:
    worst, courses = max(rule, key=lambda pair: regret(pair[1]))
    nights = sum(len(each) * (NIGHTS - 1) for _, each in rule)
    promoted = sum(len(course.promoted) for _, each in rule for course in each)
    missed = sum(wrong(each) for _, each in rule)
    return (
        f"worst mean regret {regret(courses):.4f} ({worst.customers:,} customers, "
        f"{worst.churn:.0%} churn, drift: {worst.drift}); {missed} of {promoted} promotions wrong, "
        f"{missed / nights:.2%} of {nights:,} nights."
    )
