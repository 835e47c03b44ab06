"""Decides whether a candidate takes over, in words and with the numbers it went by.

A candidate replaces the champion only if it is *superior beyond noise*: over paired bootstrap
draws of the same held-out customers the whole interval of its gain in log-loss is above 0, and the
gain is at least ``least_gain``. The hold-out is asked again every night, and a step that has to be
taken at once keeps many small lucky gains from adding up (Blum & Hardt, The Ladder, ICML 2015).
It must also be *non-inferior* in ROC-AUC: the interval of what it may lose stays within a margin
(Piaggio et al., JAMA 308, 2012). On a slice the trial is three-valued, as in the same paper: an
interval of a few hundred customers is mostly inconclusive for models that differ, and a veto by
noise would keep a stale champion for ever; so a slice objects when it is shown to be *inferior*,
worse beyond noise and by more than the margin.

A champion that has grown stale loses by the same rule: the refreshed candidate is then superior.
One that is merely newer is not; what serves stays, and stays comparable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from churn.registry.bootstrap import Comparison, Difference, differences

_SEED: Final = 20_260_102


@dataclass(frozen=True)
class PromotionRule:
    """How sure, and how much better, a candidate has to be. Every margin is per customer.

    least_gain: below .001 log-loss nobody would notice; the spread of retrains alone is .0015.
    margin_roc_auc: under two standard deviations between folds (.006 on the shipped file).
    slice_margin_*: wider, as a slice of 200 customers knows a difference only to .01.
    slice_customers, slice_class: what a slice needs, and needs of each outcome, to be judged: with
        50 who left, an ROC-AUC is known to .04. A smaller one is told and not judged.
    """

    level: float = 0.95
    draws: int = 1_000
    least_gain: float = 0.001
    margin_roc_auc: float = 0.01
    slice_margin_log_loss: float = 0.02
    slice_margin_roc_auc: float = 0.02
    slice_customers: int = 100
    slice_class: int = 50


@dataclass(frozen=True)
class Decision:
    """Whether the candidate takes over, why in words, and the numbers behind it."""

    promote: bool
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    unchanged: bool = False


def first(candidate: str) -> Decision:
    """Decide where nothing is in use yet."""
    return Decision(True, f"{candidate} is the first version: there is nothing to compare it with")


def unchanged(champion: str) -> Decision:
    """Decide where data and code gave the champion once more."""
    reason = f"unchanged: data and code give {champion} again, which stays in use"
    return Decision(False, reason, unchanged=True)


def judge(compared: Comparison, rule: PromotionRule | None = None) -> Decision:
    """Decide between two models that were scored on the same held-out customers."""
    chosen = rule or PromotionRule()
    told = _size(compared)
    if _too_few(compared, chosen):
        return Decision(False, f"keep: the hold-out is too small to compare on ({told})")
    overall = _compare(compared, chosen)
    slices = {name: compared.only(mask) for name, mask in compared.slices.items()}
    small = [name for name, one in slices.items() if _too_few(one, chosen)]
    judged = {name: _compare(one, chosen) for name, one in slices.items() if name not in small}
    objections = [*_against(overall, chosen), *_against_slices(judged, chosen)]
    passed = f"better beyond noise, and none of {len(judged)} slices loses more than it may"
    reason = "; ".join(
        [
            f"{'keep' if objections else 'promote'}: {'; '.join(objections) or passed}",
            *(f"{_NAMES[name]} {_told(d)}" for name, d in overall.items()),
            f"on the hold-out of {told}",
            *(f"too few to judge {name}: {_size(slices[name])}" for name in small),
        ]
    )
    return Decision(not objections, reason, _numbers(compared, overall, judged))


Compared = Mapping[str, Difference]
_NAMES: Final = {"log_loss": "log-loss", "roc_auc": "ROC-AUC"}


def _compare(compared: Comparison, rule: PromotionRule) -> Compared:
    return differences(compared, replicates=rule.draws, level=rule.level, seed=_SEED)


def _against(overall: Compared, rule: PromotionRule) -> Iterator[str]:
    loss, auc = overall["log_loss"], overall["roc_auc"]
    if loss.high >= 0:
        yield "it is not better beyond noise"
    elif -loss.mean < rule.least_gain:
        yield f"its gain of {-loss.mean:.4f} log-loss is under {rule.least_gain:g}"
    if auc.low < -rule.margin_roc_auc:
        yield f"it may lose {-auc.low:.4f} ROC-AUC, more than {rule.margin_roc_auc:g}"


def _against_slices(judged: Mapping[str, Compared], rule: PromotionRule) -> Iterator[str]:
    for name, found in judged.items():
        loss, auc = found["log_loss"], found["roc_auc"]
        if loss.low > 0 and loss.mean > rule.slice_margin_log_loss:
            yield f"{name} loses {loss.mean:.4f} log-loss, more than {rule.slice_margin_log_loss:g}"
        if auc.high < 0 and -auc.mean > rule.slice_margin_roc_auc:
            yield f"{name} loses {-auc.mean:.4f} ROC-AUC, more than {rule.slice_margin_roc_auc:g}"


def _told(difference: Difference) -> str:
    return (
        f"{difference.challenger:.4f} against {difference.champion:.4f} "
        f"({difference.mean:+.4f}, interval {difference.low:+.4f} to {difference.high:+.4f})"
    )


def _outcomes(compared: Comparison) -> tuple[int, int]:
    left = int(compared.counts[compared.y == 1].sum())
    return left, int(compared.counts.sum()) - left


def _too_few(compared: Comparison, rule: PromotionRule) -> bool:
    outcomes = _outcomes(compared)
    return sum(outcomes) < rule.slice_customers or min(outcomes) < rule.slice_class


def _size(compared: Comparison) -> str:
    left, stayed = _outcomes(compared)
    return f"{left + stayed:,} customers, {left:,} of whom left"


def _numbers(
    compared: Comparison, overall: Compared, judged: Mapping[str, Compared]
) -> dict[str, float]:
    numbers: dict[str, float] = {"customers": sum(_outcomes(compared))}
    for where, found in {"": overall, **{f"{name} ": one for name, one in judged.items()}}.items():
        for metric, difference in found.items():
            for part, value in vars(difference).items():
                numbers[f"{where}{metric} {part}"] = round(value, 6)
    return numbers
