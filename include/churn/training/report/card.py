"""The model card: what a manager and a data scientist want to know of a version."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from churn.core.training_options import ProtectedAttributes
from churn.model.bootstrap import Figure
from churn.training.fitted import Trained
from churn.training.holdout import HELD_OUT_SHARE
from churn.training.report import tables
from churn.training.report.names import FOLDER
from churn.training.report.summary import in_short
from churn.training.selection import EvaluationReport


def render(version: str, created_at: datetime, trained: Trained) -> str:
    """Return the card as Markdown; pictures are named by their path inside the version."""
    report = trained.report
    share = trained.churned / trained.customers
    sections = (
        f"# Churn model {version}",
        f"Trained {created_at:%Y-%m-%d %H:%M} UTC. Of {trained.customers:,} customers, "
        f"{trained.churned:,} ({share:.2%}) had churned; the model is fitted on {trained.fitted:,} "
        f"of them, and {trained.customers - trained.fitted:,} are the hold-out, which it never "
        f"learns from. Family: {trained.family.title}.",
        _section("In short", *in_short(trained)),
        _section("How good it is", _quality_text(report), *tables.quality(report)),
        _section(
            "Do the probabilities come true?", _calibration_text(report), _plot("calibration")
        ),
        _section("Whom it finds", _plot("lift"), "", _plot("roc-and-pr")),
        _section("Compared with other models", *_families(report)),
        _section("Whom to contact", *_decisions(trained)),
        _section("Is it the same for every group?", *_slices(trained)),
        _section("Does a column leak the answer?", _leaks_text(report), *tables.leaks(report)),
        _section("What it uses", _POINTS, _plot("weights"), "", *tables.points(trained)),
        _section("How it was measured", *_method(trained)),
    )
    return "\n\n".join(sections) + "\n"


def _section(title: str, *lines: str) -> str:
    return "\n".join([f"## {title}", "", *lines])


def _plot(name: str) -> str:
    return f"![{name.replace('-', ' ')}]({FOLDER}/{name}.png)"


_POINTS: Final = (
    "Points are log-odds relative to the average customer: above 0 raises the risk. Fields go "
    "together: points show what the model uses, not what changes if a field is changed.\n"
)


def _quality_text(report: EvaluationReport) -> str:
    rows, recipe = report.held_out_rows, report.rows.recipe
    return (
        f"Cross-validated: the mean over {recipe.folds} folds, {recipe.repeats} times, of "
        "customers that the model in question had not seen. "
        f"Hold-out: {len(rows.y):,} customers chosen by a "
        "hash of their id, the same in every run, that the published model has never learned from. "
        f"In brackets the 95 % interval. {_luck(report)}\n"
    )


def _luck(report: EvaluationReport) -> str:
    """Return a note when the hold-out is easier, or harder, than the average for every family."""
    gaps = [
        held_out.measured.figure("log_loss").value - seen.measured.figure("log_loss").value
        for held_out, seen in zip(report.held_out, report.challengers, strict=True)
    ]
    if not (max(gaps) < 0 or min(gaps) > 0):
        return ""
    than = "easier" if max(gaps) < 0 else "harder"
    return (
        f"Every family has a {'lower' if than == 'easier' else 'higher'} log-loss there, the "
        f"weakest too: these customers are {than} than the average by the luck of the draw. The "
        "cross-validated figures are the ones to expect."
    )


def _calibration_text(report: EvaluationReport) -> str:
    floor = report.published.noise_floor
    error = report.published.measured.figure("calibration_error")
    verdict = "no worse than" if error.value <= floor.highest else "more than"
    return (
        f"The calibration error (10 bins of equally many customers) is {tables.shown(error)}. A "
        f"perfectly calibrated model would show {floor.mean:.4f} on as many customers, and over "
        f"{floor.highest:.4f} one time in twenty: this is {verdict} chance.\n"
    )


def _families(report: EvaluationReport) -> Iterator[str]:
    yield "On the same folds of the customers who are not held out; the published one is bold.\n"
    yield from tables.families(report)
    yield f"\n{_plot('families')}\n"
    all_columns = report.all_columns.measured.figure("log_loss").value
    ahead, of = report.folds_ahead_of_all_columns, report.rows.recipe.fits
    yield (
        f"Over all customers the published recipe is ahead of logistic on all columns (log-loss "
        f"{all_columns:.4f}) in {ahead} of {of} folds."
    )
    for name, reason in report.choice.reasons.items():
        yield f"\nThe promotion rule on {name.replace('_', ' ')}: {reason}."


def _decisions(trained: Trained) -> Iterator[str]:
    policy = trained.policy
    yield (
        f"Assumed: a churning customer who is contacted stays with probability "
        f"{policy.acceptance:g} (acceptance) and pays {policy.months:g} more months, of which the "
        f"share {policy.margin:g} is profit (margin); each contact costs {policy.cost:g}; those "
        f"who accept get an incentive of {policy.incentive:g}, and of the customers who would have "
        f"stayed anyway the share {policy.retained_acceptance:g} accepts. "
        "Thresholds were chosen on out-of-fold scores of the customers who are not held out; the "
        "figures are of the hold-out. The chosen policy is bold; of `profit`, whose threshold "
        "depends on each customer's charges, the one at the mean charges is shown.\n"
    )
    yield from tables.policies(trained)
    yield (
        "\nAcceptance is the uplift of contacting, and this data cannot measure it: only a control "
        "group can, customers chosen at random who are not contacted. The profit per customer, out "
        "of fold, if the chosen policy decides by the assumed acceptance and another one is true:\n"
    )
    yield from tables.acceptances(trained)
    yield "\nThe same by other ways to choose, if the assumed acceptance is true:\n"
    yield from tables.choices(trained)


def _slices(trained: Trained) -> Iterator[str]:
    yield "Scores are out of fold, decisions on the hold-out by the chosen policy.\n"
    yield from tables.slices(trained.report)
    yield f"\n{_plot('slices')}\n"
    cost = trained.report.cost_of_leaving_out
    used = trained.options.protected_attributes is ProtectedAttributes.USE
    yield (
        f"Gender and age are {'used' if used else 'left out'} (`CHURN_PROTECTED_ATTRIBUTES`). "
        "Leaving them out changes the scorecard, on the same folds, by "
        f"{_signed(cost['roc_auc'])} ROC-AUC and {_signed(cost['log_loss'])} log-loss."
    )


def _signed(figure: Figure) -> str:
    return f"{figure.value:+.4f} ({figure.low:+.4f} to {figure.high:+.4f})"


def _leaks_text(report: EvaluationReport) -> str:
    limits = report.ceilings
    accuracy = f", accuracy {limits.accuracy:g}" if limits.accuracy < 1 else ""
    return (
        "Checked: columns that leak the answer by themselves or by their name, customers who "
        f"are in the data twice, and figures over the ceiling ({limits.reason}: ROC-AUC "
        f"{limits.auc:g}{accuracy}). Nothing was found; the columns that explain most:\n"
    )


def _method(trained: Trained) -> Iterator[str]:
    rows = trained.report.rows
    if len(rows.y) < trained.customers:
        yield (
            f"- Measured on {len(rows.y):,} of {trained.customers:,} customers, chosen by a hash "
            "of the id (`CHURN_EVALUATED_ROWS`); the published model learned from all it may."
        )
    yield (
        f"- {HELD_OUT_SHARE:.0%} of customers are held out by a hash of their id; the models learn "
        "from the rest. Customers who differ in amounts alone are on one side of every split, so "
        "that no model scores a copy of a customer it learned from."
    )
    yield (
        "- The cross-validated column is over all customers, as nothing is chosen from it; the "
        "family and the thresholds are chosen from the customers who are not held out."
    )
    yield f"- Intervals: 1.96 standard errors of {rows.recipe.draws} bootstrap draws of customers."
    yield "- The data is one snapshot: it shows who churned, not when, and nothing about next year."
