"""Pictures of scores against observed churn: calibration, ROC, precision and recall, lift."""

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from churn.model import metrics
from churn.model.ranking import Ranked
from churn.model.recipe import SEED
from churn.training.evaluation import Dataset, Evaluation
from churn.training.fitted import Trained
from churn.training.report.canvas import BLUE, COLOURS, INK, MUTED, bars, canvas
from churn.training.report.reliability import Bin, reliability


def calibration(trained: Trained) -> Canvas:
    """Draw predicted probabilities against observed churn."""
    published, rows = trained.report.published, trained.report.rows
    picture, (curve, counts) = canvas(2, (11.0, 5.0))
    bins = reliability(
        rows.y, published.repeat(0), rows.weights, draws=rows.recipe.draws, seed=SEED
    )
    _reliability_curve(curve, bins)
    counts.hist(
        published.repeat(0), bins=40, range=(0, 1), weights=rows.weights, color=BLUE, alpha=0.85
    )
    counts.set(title="How many customers get which probability", xlabel="probability of churning")
    counts.set_ylabel("customers")
    return picture


def _reliability_curve(axes: Axes, bins: tuple[Bin, ...]) -> None:
    predicted = [one.mean_score for one in bins]
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, label="perfect")
    axes.fill_between(
        predicted,
        [one.lowest for one in bins],
        [one.highest for one in bins],
        color=MUTED,
        alpha=0.35,
        label="where a perfect model's dots lie, 19 times in 20",
    )
    axes.plot(predicted, [one.churn_rate for one in bins], "o-", color=BLUE, label="this model")
    axes.set(title="Do the probabilities come true?", xlabel="predicted probability (out of fold)")
    axes.set_ylabel("share that churned")
    axes.legend(loc="upper left", frameon=False)


def roc_and_pr(trained: Trained) -> Canvas:
    """Draw every family's ROC and precision-recall curves."""
    report = trained.report
    picture, (roc, pr) = canvas(2, (11.0, 5.2))
    for evaluation, colour in zip(report.challengers, itertools.cycle(COLOURS), strict=False):
        width = 2.4 if evaluation.family is trained.family else 1.1
        ranked = _ranked(evaluation, report.rows.take(~report.rows.is_held_out))
        hit, retained = ranked.churned[0], ranked.customers[0] - ranked.churned[0]
        label = _with_figure(evaluation, "roc_auc")
        roc.plot(retained / retained[-1], hit / hit[-1], color=colour, linewidth=width, label=label)
        label = _with_figure(evaluation, "pr_auc")
        precision = hit / ranked.customers[0]
        pr.plot(hit / hit[-1], precision, color=colour, linewidth=width, label=label)
    roc.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    roc.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate (recall)")
    roc.legend(loc="lower right", frameon=False, title="ROC-AUC")
    base = report.baseline.figure("pr_auc").value
    pr.axhline(base, color=MUTED, linewidth=0.8, linestyle=":")
    pr.set(title="Precision and recall", xlabel="recall", ylim=(0, 1.02))
    pr.set_ylabel("precision")
    pr.legend(loc="lower left", frameon=False, title="PR-AUC")
    return picture


def _ranked(evaluation: Evaluation, rows: Dataset) -> Ranked:
    return Ranked(rows.y, evaluation.repeat(0), rows.weights[np.newaxis])


def _with_figure(evaluation: Evaluation, name: str) -> str:
    return f"{evaluation.family.title} {evaluation.measured.figure(name).value:.3f}"


def lift(trained: Trained) -> Canvas:
    """Draw the share of churned customers found by contacting a share of all."""
    report = trained.report
    picture, (found, lift) = canvas(2, (11.0, 5.0))
    ranked = _ranked(report.published, report.rows)
    contacted = ranked.customers[0] / ranked.customers[0, -1]
    hit = ranked.churned[0] / ranked.churned[0, -1]
    found.plot(contacted, hit, color=BLUE, linewidth=2, label="by the model's order")
    found.plot([0, 1], [0, 1], color=MUTED, linestyle=":", label="in random order")
    found.set(title="Churned customers found", xlabel="customers contacted (share)")
    found.set_ylabel("churned customers among them (share of all)")
    found.legend(loc="lower right", frameon=False)
    tops = [f"{percent}%" for percent in metrics.TOP_PERCENTS]
    figures = [report.published.measured.figure(f"lift_at_{top[:-1]}") for top in tops]
    bars(lift, [f"top {top}" for top in tops], figures)
    lift.axhline(1, color=INK, linewidth=1)
    lift.set(title="Lift: churned customers found, relative to a random choice", ylabel="times")
    lift.margins(y=0.12)
    return picture
