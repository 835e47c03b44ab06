"""Pictures of comparisons: the families, the weights of the fields, the slices."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from churn.customer import description
from churn.model.ranking import Floats
from churn.training.fitted import Trained
from churn.training.report.canvas import BLUE, INK, ORANGE, canvas, ranges


def families(trained: Trained) -> Canvas:
    """Draw how much worse each challenger is."""
    picture, (axes,) = canvas()
    scorecard = trained.report.challengers[0].measured
    others = trained.report.challengers[1:]
    differences = [one.measured.minus(scorecard, "log_loss") for one in others]
    ranges(axes, [one.family.title for one in others], differences)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set(title="Log-loss of the challengers minus the scorecard's, on the same folds")
    axes.set_xlabel("further right is worse; the line is the 95 % interval")
    return picture


def weights(trained: Trained) -> Canvas:
    """Draw how far each field moves the score."""
    spans = _spans(trained)
    names = sorted(spans, key=lambda name: spans[name][1] - spans[name][0])
    picture, (axes,) = canvas(size=(9.0, 7.0))
    lows, highs = (np.array([spans[name][side] for name in names]) for side in (0, 1))
    axes.barh([n.replace("_", " ") for n in names], lows, color=BLUE, label="lowers the risk")
    axes.barh([n.replace("_", " ") for n in names], highs, color=ORANGE, label="raises the risk")
    axes.axvline(0, color=INK, linewidth=1)
    axes.set(title="How far each field can move the score", xlabel="log-odds from the average")
    axes.legend(loc="lower right", frameon=False)
    return picture


def _spans(trained: Trained) -> dict[str, tuple[float, float]]:
    """Return each field's lowest and highest points; of tenure, from none to the longest."""
    card = trained.scorecard
    spans = {name: (min(row.values()), max(row.values())) for name, row in card.points.items()}
    for column in card.columns:
        if column.weight and description.BY_NAME[column.field].is_number:
            values: Floats = trained.report.rows.frame[column.field].to_numpy()
            ends = [column.weight * column.standardised(v) for v in (values.min(), values.max())]
            spans[column.field] = (min(ends), max(ends))
    return spans


def slices(trained: Trained) -> Canvas:
    """Draw how the slices differ."""
    picture, (auc, gap, rates) = canvas(3, (13.0, 4.6))
    found = trained.report.slices
    names = [one.name for one in found]
    ranges(auc, names, [one.scores["roc_auc"] for one in found])
    auc.set(title="ROC-AUC, out of fold")
    auc.axvline(trained.report.published.measured.figure("roc_auc").value, color=INK, linewidth=1)
    ranges(gap, names, [one.scores["calibration_gap"] for one in found])
    gap.set(title="Mean probability minus churn rate")
    gap.axvline(0, color=INK, linewidth=1)
    ranges(rates, names, [one.decisions["false_positive_rate"] for one in found])
    rates.set(title="Retained customers who are contacted (share), hold-out")
    for axes in (gap, rates):
        axes.set_yticklabels([])
    return picture
