"""The rule up to 2026-11: one hold-out, fixed margins, vetoes by noise. For comparison only.

Intervals are those of the standard error; the product's were percentiles of a paired bootstrap,
which differ by less than their own noise.
"""

from typing import Final

from churn.training.comparison import Comparison, differences

_LEVEL: Final = 0.95
_CUSTOMERS: Final = 100
_OF_EACH_OUTCOME: Final = 50
_LEAST_GAIN: Final = 0.001
_MARGIN_AUC: Final = 0.01
_SLICE_MARGIN: Final = 0.02


def promotes(compared: Comparison) -> bool:
    """Whether the candidate would have taken over."""
    if not _is_enough(compared):
        return False
    loss, auc = differences(compared, level=_LEVEL).values()
    better = loss.high < 0 and -loss.mean >= _LEAST_GAIN and auc.low >= -_MARGIN_AUC
    slices = (compared.only(mask) for mask in compared.slices.values())
    return better and not any(_is_harmed(one) for one in slices if _is_enough(one))


def _is_harmed(compared: Comparison) -> bool:
    loss, auc = differences(compared, level=_LEVEL).values()
    return (loss.low > 0 and loss.mean > _SLICE_MARGIN) or (
        auc.high < 0 and -auc.mean > _SLICE_MARGIN
    )


def _is_enough(compared: Comparison) -> bool:
    rarer = min(compared.churned, compared.retained)
    return rarer >= _OF_EACH_OUTCOME and compared.churned + compared.retained >= _CUSTOMERS
