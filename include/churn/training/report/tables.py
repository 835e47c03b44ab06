"""The card's tables, as lines of Markdown."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from churn.core.training_options import Objective
from churn.customer import description
from churn.model.bootstrap import Figure
from churn.model.metrics import METRICS
from churn.model.scorecard import WeightedColumn
from churn.training.evaluation import folds_ahead
from churn.training.fitted import Trained
from churn.training.selection import EvaluationReport
from churn.training.sensitivity import by_acceptance, by_choice

POLICIES: Final[Mapping[Objective, str]] = {
    Objective.HALF: "probability at least .5 (`half`)",
    Objective.BEST_F1: "best balance of precision and recall (`best_f1`)",
    Objective.PROFIT: "expected profit over 0 (`profit`)",
}


def table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def shown(figure: Figure, decimals: int = 4) -> str:
    """Return a figure with its interval, or n/a where it is not defined."""
    if not math.isfinite(figure.value):
        return "n/a"
    if not math.isfinite(figure.high):
        return f"{figure.value:.{decimals}f}"
    return f"{figure.value:.{decimals}f} ({figure.low:.{decimals}f} to {figure.high:.{decimals}f})"


def quality(report: EvaluationReport) -> list[str]:
    """Return every metric: cross-validated, on the hold-out, and of the majority baseline."""
    published = report.published.measured.figures
    held_out = report.published_on_hold_out.measured.figures
    rows = (
        [
            metric.title,
            shown(published[name], metric.decimals),
            shown(held_out[name], metric.decimals),
            f"{report.baseline.figure(name).value:.{metric.decimals}f}",
        ]
        for name, metric in METRICS.items()
    )
    return table(["metric", "cross-validated", "hold-out", "majority baseline"], rows)


def families(report: EvaluationReport) -> list[str]:
    """Return every family on the same folds, and its paired difference to the scorecard."""
    scorecard = report.challengers[0].measured
    of = report.rows.recipe.fits
    rows = (
        [
            f"**{one.family.title}**" if one.family is report.choice.family else one.family.title,
            *(f"{one.measured.figure(name).value:.4f}" for name in _COMPARED),
            "" if one.measured is scorecard else shown(one.measured.minus(scorecard, "log_loss")),
            "" if one.measured is scorecard else f"{folds_ahead(one.measured, scorecard)} of {of}",
            f"{held_out.measured.figure('log_loss').value:.4f}",
        ]
        for one, held_out in zip(report.challengers, report.held_out, strict=True)
    )
    titles = [METRICS[name].title for name in _COMPARED]
    last = ["log-loss minus the scorecard's", "folds ahead of it", "hold-out log-loss"]
    return table(["family", *titles, *last], rows)


_COMPARED: Final = ("accuracy", "roc_auc", "pr_auc", "log_loss", "brier", "calibration_error")


def policies(trained: Trained) -> list[str]:
    """Return what each decision policy leads to on the hold-out."""
    rows = (
        [
            f"**{POLICIES[one.policy.objective]}**"
            if one.policy.objective is trained.policy.objective
            else POLICIES[one.policy.objective],
            f"{one.policy.threshold:.3f}",
            *(shown(one.figures[name], 3) for name in ("contacted", "precision", "recall", "f1")),
            shown(one.figures["profit"], 2),
        ]
        for one in trained.report.policies
    )
    header = ["who is contacted", "threshold", "share contacted", "precision", "recall"]
    return table([*header, "F1", "profit per customer"], rows)


def acceptances(trained: Trained) -> list[str]:
    """Return the profit per customer by the acceptance that is true."""
    report, policy = trained.report, trained.policy
    found = by_acceptance(report.published, report.rows, policy)
    rows = (
        [f"{policy.acceptance:g}", f"{true:.3g}", shown(figure, 2)]
        for true, figure in found.items()
    )
    return table(["acceptance assumed", "acceptance true", "profit per customer"], rows)


def choices(trained: Trained) -> list[str]:
    """Return the profit per customer by who is contacted."""
    report = trained.report
    found = by_choice(report.published, report.rows, trained.policy)
    rows = ([name, shown(figure, 2)] for name, figure in found.items())
    return table(["who is contacted", "profit per customer"], rows)


def slices(report: EvaluationReport) -> list[str]:
    """Return each slice: ranked and calibrated out of fold, decided upon on the hold-out."""
    rows = (
        [
            one.name,
            f"{one.customers:,}",
            shown(one.scores["churn_rate"], 3),
            shown(one.scores["mean_score"], 3),
            shown(one.scores["roc_auc"], 3),
            shown(one.scores["log_loss"], 3),
            shown(one.decisions["recall"], 3),
            shown(one.decisions["false_positive_rate"], 3),
        ]
        for one in report.slices
    )
    header = ["slice", "customers", "share who churned", "mean probability", "ROC-AUC", "log-loss"]
    return table([*header, "churned: contacted", "retained: contacted"], rows)


def leaks(report: EvaluationReport) -> list[str]:
    """Return the columns that explain most by themselves."""
    ranked = sorted(report.single_field_auc.items(), key=lambda one: -one[1])
    rows = ([name.replace("_", " "), f"{auc:.3f}"] for name, auc in ranked[:5])
    return table(["column", "ROC-AUC by itself"], iter(rows))


def points(trained: Trained) -> list[str]:
    """Return what each value of each field adds, in log-odds."""
    rows = [
        [field.replace("_", " "), label, f"{value:+.3f}"]
        for field, row in trained.scorecard.points.items()
        for label, value in row.items()
    ]
    slopes = [_slope(column) for column in trained.scorecard.columns if _is_slope(column)]
    return table(["field", "value", "points"], iter([*rows, *slopes]))


def _is_slope(column: WeightedColumn) -> bool:
    return bool(column.weight) and description.BY_NAME[column.field].is_number


def _slope(column: WeightedColumn) -> list[str]:
    unit = f"per unit of log(1 + {column.field})"
    return [column.field, unit, f"{column.weight / column.scale:+.3f}"]
