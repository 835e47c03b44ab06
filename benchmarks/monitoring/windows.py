"""False alarms of windows without drift, and how surely named shifts are found in one window."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.monitoring.population import Integers, Population
from churn.customer.description import (
    INTERNET_SERVICE,
    MONTHLY_CHARGES,
    PAPERLESS_BILLING,
    PAYMENT_METHOD,
    TENURE,
)
from churn.monitoring import drift

_SIZES: Final = (50, 200, 2_000, 20_000)
_WINDOWS: Final = 1_000
_SHIFTED_WINDOWS: Final = 100
_SHIFTED_SIZE: Final = 2_000
_WEEK: Final = 7
_PSI: Final = 0.1
_P: Final = 0.05
_NEW: Final = 0.05
_FIBRE: Final = INTERNET_SERVICE.values[1]

Shift = Callable[[pd.DataFrame, np.random.Generator], None]


def measure(found: Population) -> str:
    """Return both tables."""
    lines = [
        "## Windows without drift: the share of windows with any alarm",
        "",
        "| rows | churn monitor | any PSI > .1 | any test p < .05 |",
        "|---|---|---|---|",
    ]
    lines += [_false_alarms(found, size) for size in _SIZES]
    lines += [
        "",
        f"## Shifts: the share of windows of {_SHIFTED_SIZE:,} rows in which it is found",
        "",
        "| shift | found | the field named |",
        "|---|---|---|",
        *(_detections(found, name, *one) for name, one in SHIFTS.items()),
    ]
    return "\n".join(lines)


def _false_alarms(found: Population, size: int) -> str:
    random = np.random.default_rng(size)
    wrong = np.zeros(3)
    for _ in range(_WINDOWS):
        rows = random.integers(0, len(found.p), size)
        counts = found.counts(found.frame.iloc[rows])
        judged = drift.judge(
            found.reference, counts, found.scores(rows), alpha=drift.window_alpha(_WEEK)
        )
        wrong += [any(one.is_alarm for one in judged), *_as_usual(found, counts)]
    shares = " | ".join(f"{share:.1%}" for share in wrong / _WINDOWS)
    return f"| {size:,} | {shares} |"


def _as_usual(found: Population, counts: Mapping[str, Integers]) -> tuple[bool, bool]:
    """Return whether the usual rules raise an alarm: any PSI above .1, any p-value under .05."""
    psi, p = [], []
    for one in found.reference.fields:
        window = counts[one.field]
        expected = one.counts / one.counts.sum()
        kept = expected > 0
        share = np.maximum(window[kept] / window.sum(), 1e-4)
        psi.append(((share - expected[kept]) * np.log(share / expected[kept])).sum())
        p.append(stats.chisquare(window[kept], expected[kept] * window[kept].sum()).pvalue)
    return max(psi) > _PSI, min(p) < _P


def _detections(found: Population, name: str, field: str, shift: Shift) -> str:
    random = np.random.default_rng(1)
    alarmed = named = 0
    for _ in range(_SHIFTED_WINDOWS):
        rows = random.integers(0, len(found.p), _SHIFTED_SIZE)
        frame = found.frame.iloc[rows].astype(object)
        shift(frame, random)
        judged = drift.judge(
            found.reference,
            found.counts(frame),
            found.scores(rows),
            alpha=drift.window_alpha(_WEEK),
        )
        alarms = {one.name for one in judged if one.is_alarm}
        alarmed += bool(alarms)
        named += field in alarms
    return f"| {name} | {alarmed / _SHIFTED_WINDOWS:.0%} | {named / _SHIFTED_WINDOWS:.0%} |"


def _more_fibre(frame: pd.DataFrame, random: np.random.Generator) -> None:
    others = np.flatnonzero(frame[INTERNET_SERVICE.name] != _FIBRE)
    moved = random.choice(others, len(frame) // 10, replace=False)
    frame.loc[frame.index[moved], INTERNET_SERVICE.name] = _FIBRE


def _new_payment(frame: pd.DataFrame, random: np.random.Generator) -> None:
    frame.loc[random.random(len(frame)) < _NEW, PAYMENT_METHOD.name] = "Wallet"


def _scaled(factor: float) -> Shift:
    def scale(frame: pd.DataFrame, _random: np.random.Generator) -> None:
        frame[MONTHLY_CHARGES.name] = frame[MONTHLY_CHARGES.name].astype(float) * factor

    return scale


def _constant(frame: pd.DataFrame, _random: np.random.Generator) -> None:
    frame[PAPERLESS_BILLING.name] = True


def _older(frame: pd.DataFrame, _random: np.random.Generator) -> None:
    frame[TENURE.name] = frame[TENURE.name].astype(int) + 6


SHIFTS: Final[Mapping[str, tuple[str, Shift]]] = {
    "10 points more fibre": (INTERNET_SERVICE.name, _more_fibre),
    "prices +15 %": (MONTHLY_CHARGES.name, _scaled(1.15)),
    "a new payment method, 5 %": (PAYMENT_METHOD.name, _new_payment),
    "a column gone constant": (PAPERLESS_BILLING.name, _constant),
    "a unit change (x 100)": (MONTHLY_CHARGES.name, _scaled(100)),
    "tenure + 6 months": (TENURE.name, _older),
}
