"""The model card: what a manager and a data scientist want to know of a version."""

from datetime import datetime

from churn import customer
from churn.model.scorecard import WeightedColumn
from churn.training import Trained

_METRICS = {
    "accuracy": "accuracy",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log-loss",
    "brier": "Brier score",
}


def render(version: str, created_at: datetime, trained: Trained) -> str:
    """Return the card as Markdown."""
    share = trained.churned / trained.customers
    lines = [
        f"# Churn model {version}",
        "",
        f"Trained {created_at:%Y-%m-%d %H:%M} UTC on {trained.customers:,} customers, of whom "
        f"{trained.churned:,} ({share:.2%}) had left.",
        "",
        "## How good it is",
        "",
        "Measured on customers it had not seen (5 folds, 3 times), beside giving everybody the "
        "same answer.",
        "",
        "| metric | this model | majority baseline |",
        "|---|---|---|",
        *(_metric_row(name, title, trained) for name, title in _METRICS.items()),
        "",
        "## What it goes by",
        "",
        "Points are log-odds relative to the average customer: above 0 raises the risk.",
        "",
        "| field | value | points |",
        "|---|---|---|",
        *_point_rows(trained),
        *(_slope_row(c) for c in trained.scorecard.columns if _is_slope(c)),
        "",
    ]
    return "\n".join(lines)


def _metric_row(name: str, title: str, trained: Trained) -> str:
    measured = trained.cross_validation[name]
    baseline = trained.majority_baseline[name]
    return f"| {title} | {measured.mean:.4f} ± {measured.sd:.4f} | {baseline:.4f} |"


def _point_rows(trained: Trained) -> list[str]:
    return [
        f"| {field.replace('_', ' ')} | {label} | {points:+.3f} |"
        for field, row in trained.scorecard.points.items()
        for label, points in row.items()
    ]


def _is_slope(column: WeightedColumn) -> bool:
    return bool(column.weight) and customer.BY_NAME[column.field].is_number


def _slope_row(column: WeightedColumn) -> str:
    unit = f"per unit of log(1 + {column.field})"
    return f"| {column.field} | {unit} | {column.weight / column.scale:+.3f} |"
