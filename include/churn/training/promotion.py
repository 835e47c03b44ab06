"""Decides whether a candidate replaces the champion, in words and with the numbers behind it.

A candidate replaces the champion only if it is *superior beyond noise*: the whole interval of its
gain in log-loss is above 0, and the gain is at least a share of what the candidate knows more than
the base rate. The same customers are compared every night, and a step that has to be taken at once
keeps many small lucky gains from adding up (Blum & Hardt, The Ladder, ICML 2015).

ROC-AUC and the slices can stop a promotion only by proof: they must be shown to be *inferior*,
worse beyond noise and by more than a margin (Piaggio et al., JAMA 308, 2012). An interval of a few
churned customers is mostly inconclusive, and a veto by noise would keep a stale champion for ever.
Keeping a champion can harm a slice as well. So a slice's loss also has to exceed what any slice is
shown to gain: the choice with the smaller largest loss is taken (minimax regret; Savage, JASA 46,
1951). Slices are compared by log-loss, which contains the ranking; their ROC-AUC is recorded.

A champion that has grown stale loses by the same rule: the refreshed candidate is then superior.
One that is merely newer is not; the champion stays, and stays comparable.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from churn.training.comparison import Comparison, Difference, differences

MOST_REFITTED: Final = 50_000
"""Customers up to which both recipes are fitted again for each fold."""


@dataclass(frozen=True)
class PromotionRule:
    """How sure, and how much better, a candidate has to be.

    least_share: of the candidate's gain over the base rate. The margins of log-loss are shares, as
        .001 is little where a quarter of the customers churn and much where 2 % do.
    slice_share: of the log-loss that the slice's own base rate has.
    slice_customers, slice_class: what a comparison, of all customers or of a slice, needs in all
        and of each outcome. A slice that has fewer is named and not judged.
    held_out_class: the hold-out is judged on where it has so many of each outcome; where it has
        fewer, all customers are, by cross-validation.
    margin_roc_auc: where half of the customers churn; where a share s does, it is as many times
        wider as a ROC-AUC is less precise, 1 / sqrt(4 s (1 - s)) (Hanley & McNeil 1982).
    """

    level: float = 0.95
    least_share: float = 0.005
    margin_roc_auc: float = 0.01
    slice_share: float = 0.05
    slice_customers: int = 100
    slice_class: int = 50
    held_out_class: int = 500


@dataclass(frozen=True)
class Decision:
    """Whether the candidate takes over, why in words, and the numbers behind it."""

    promote: bool
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    unchanged: bool = False


def first(candidate: str) -> Decision:
    """Decide where no version serves yet."""
    return Decision(True, f"{candidate} is the first version: there is nothing to compare it with")


def unchanged(champion: str) -> Decision:
    """Decide where data and code gave the champion once more."""
    reason = f"unchanged: data and code give {champion} again, which stays live"
    return Decision(False, reason, unchanged=True)


def judge(compared: Comparison, rule: PromotionRule | None = None) -> Decision:
    """Decide between two models that were scored on the same customers."""
    chosen = rule or PromotionRule()
    where = _where(compared)
    if _too_few(compared, chosen):
        return Decision(False, f"keep: there are too few customers to compare {where}")
    overall = differences(compared, level=chosen.level)
    slices = {name: compared.only(mask) for name, mask in compared.slices.items()}
    small = [name for name, one in slices.items() if _too_few(one, chosen)]
    judged = {
        name: _Slice(base_rate_loss(one), differences(one, level=chosen.level))
        for name, one in slices.items()
        if name not in small
    }
    objections = [
        *_against(overall, compared, chosen),
        *_against_slices(judged, overall, chosen),
    ]
    passed = f"better beyond noise, and none of {len(judged)} slices loses more than it may"
    reason = "; ".join(
        [
            f"{'keep' if objections else 'promote'}: {'; '.join(objections) or passed}",
            *(f"{_NAMES[name]} {_shown(d)}" for name, d in overall.items()),
            where,
            *(f"too few to judge {name}: {_size(slices[name])}" for name in small),
        ]
    )
    return Decision(not objections, reason, _numbers(compared, overall, judged))


def needs_refits(held_out: Comparison, customers: int, rule: PromotionRule) -> bool:
    """Whether the hold-out has too few customers to judge by, and refits on all are affordable."""
    rarer = min(held_out.churned, held_out.retained)
    return rarer < rule.held_out_class and customers <= MOST_REFITTED


def base_rate_loss(compared: Comparison) -> float:
    """Return the log-loss of giving all customers the share that churned (its entropy)."""
    share = compared.share
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


Compared = Mapping[str, Difference]
_NAMES: Final = {"log_loss": "log-loss", "roc_auc": "ROC-AUC"}


@dataclass(frozen=True)
class _Slice:
    base_rate_loss: float
    found: Compared


def _against(overall: Compared, compared: Comparison, rule: PromotionRule) -> Iterator[str]:
    loss, auc = overall["log_loss"], overall["roc_auc"]
    least = rule.least_share * (base_rate_loss(compared) - loss.challenger)
    margin = rule.margin_roc_auc / math.sqrt(4 * compared.share * (1 - compared.share))
    if loss.high >= 0:
        yield "it is not better beyond noise"
    elif -loss.mean < least:
        yield (
            f"its gain of {-loss.mean:.5f} log-loss is under {least:.5f}, "
            f"{rule.least_share:.2%} of what it gains over the base rate"
        )
    if auc.high < 0 and -auc.mean > margin:
        yield f"it loses {-auc.mean:.4f} ROC-AUC, more than {margin:.4f}"


def _against_slices(
    judged: Mapping[str, _Slice], overall: Compared, rule: PromotionRule
) -> Iterator[str]:
    losses = [overall["log_loss"], *(one.found["log_loss"] for one in judged.values())]
    gained = max((-loss.mean for loss in losses if loss.high < 0), default=0.0)
    for name, one in judged.items():
        loss = one.found["log_loss"]
        margin = max(rule.slice_share * one.base_rate_loss, gained)
        if loss.low > 0 and loss.mean > margin:
            yield f"{name} loses {loss.mean:.4f} log-loss, more than {margin:.4f}"


def _shown(difference: Difference) -> str:
    return (
        f"{difference.challenger:.4f} against {difference.champion:.4f} "
        f"({difference.mean:+.4f}, interval {difference.low:+.4f} to {difference.high:+.4f})"
    )


def _too_few(compared: Comparison, rule: PromotionRule) -> bool:
    outcomes = (compared.churned, compared.retained)
    return sum(outcomes) < rule.slice_customers or min(outcomes) < rule.slice_class


def _where(compared: Comparison) -> str:
    if not compared.folds:
        return f"on the hold-out of {_size(compared)}"
    return f"out of fold ({compared.repeats} x {compared.folds} folds) on {_size(compared)}"


def _size(compared: Comparison) -> str:
    return f"{compared.churned + compared.retained:,} customers, {compared.churned:,} churned"


def _numbers(
    compared: Comparison, overall: Compared, judged: Mapping[str, _Slice]
) -> dict[str, float]:
    numbers: dict[str, float] = {"customers": compared.churned + compared.retained}
    found = {"": overall, **{f"{name} ": one.found for name, one in judged.items()}}
    for where, each in found.items():
        for metric, difference in each.items():
            for part, value in vars(difference).items():
                numbers[f"{where}{metric} {part}"] = round(value, 6)
    return numbers
