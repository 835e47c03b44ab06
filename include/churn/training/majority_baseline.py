"""The base rate as every customer's probability, and the refusal of a model that is no better."""

import numpy as np

from churn.core.errors import DataQualityError
from churn.model.bootstrap import FoldScores, Measured
from churn.training.evaluation import Dataset


def majority_baseline(rows: Dataset) -> Measured:
    """Return the metrics of the base rate as every probability."""
    base = np.average(rows.y, weights=rows.weights)
    all_rows = np.arange(len(rows.y))
    return rows.measure([FoldScores(all_rows, np.full(len(rows.y), base))])


def refuse_no_better(found: Measured, baseline: Measured) -> None:
    """Refuse a model that does not beat the majority baseline on the same customers and draws.

    Raises:
        DataQualityError: the interval of their difference in log-loss does not lie below 0.
    """
    gap = found.minus(baseline, "log_loss")
    if gap.high < 0:
        return
    ours, theirs = (one.figure("log_loss").value for one in (found, baseline))
    raise DataQualityError(
        "the model does not beat the majority baseline beyond noise, so it is not published: "
        f"cross-validated log-loss {ours:.4f}, of the base rate for every customer {theirs:.4f}, "
        f"difference {gap.value:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}; all of it must be below "
        "0). Check that the churn column belongs to these customers; more customers may help"
    )
