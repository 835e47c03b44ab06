"""The card's first paragraph: the model in plain words."""

from collections.abc import Iterator, Mapping

from churn.core.training_options import Objective
from churn.model.bootstrap import Figure
from churn.training.fitted import Trained
from churn.training.report.tables import POLICIES
from churn.training.selection import EvaluationReport


def in_short(trained: Trained) -> Iterator[str]:
    """Yield what a manager wants to know, a bullet each."""
    report = trained.report
    yield from _ranking(report)
    yield _calibration(report)
    yield _decision(trained)
    yield _choice(report)
    yield (
        "- It shows who is likely to churn and what goes with it (an association), not what "
        "contacting a customer changes (the uplift): only a control group measures that."
    )


def _ranking(report: EvaluationReport) -> Iterator[str]:
    found = report.published.measured.figures
    base = report.baseline.figure("precision_at_10").value
    yield (
        f"- **Of the 10 % it thinks most likely to churn, {_in_100(found['precision_at_10'])} in "
        f"100 do** ({_between(found['precision_at_10'])}); picked at random it would be "
        f"{100 * base:.0f}. Of the top 5 %, {_in_100(found['precision_at_5'])}."
    )
    yield (
        f"- Of one churned and one retained customer, it ranks the churned one higher "
        f"{_in_100(found['roc_auc'])} times in 100 (ROC-AUC; chance is 50)."
    )
    yield (
        f"- {_in_100(found['accuracy'], 1)} of 100 yes-or-no predictions are right; predicting "
        f"that {_most(report)} is right in {_in_100(report.baseline.figure('accuracy'), 1)}."
    )


def _most(report: EvaluationReport) -> str:
    """Return what the majority does."""
    return (
        "every customer churns"
        if 2 * report.rows.churned > report.rows.customers
        else "no customer churns"
    )


def _calibration(report: EvaluationReport) -> str:
    error = report.published.measured.figure("calibration_error").value
    floor = report.published.noise_floor
    if error <= floor.highest:
        return (
            "- **Its probabilities can be taken at their word**: they err no more than by chance."
        )
    return (
        f"- Its probabilities are off by {100 * error:.1f} points on average, where chance alone "
        f"would give {100 * floor.mean:.1f}: take them as a ranking."
    )


def _decision(trained: Trained) -> str:
    in_use, best = (_policy(trained, one) for one in (trained.policy.objective, Objective.PROFIT))
    text = (
        f"- Whom to contact, by the chosen policy, {POLICIES[trained.policy.objective]}: "
        f"{_in_100(in_use['contacted'])} of 100 customers. {_contacted(in_use)} "
        f"It brings {in_use['profit'].value:.2f} per customer, if the assumed "
        f"{100 * trained.policy.acceptance:g} in 100 of those who would churn stay"
    )
    if trained.policy.objective is Objective.PROFIT:
        return f"{text}."
    return f"{text}; contacting where profit is expected brings {best['profit'].value:.2f}."


def _contacted(in_use: Mapping[str, Figure]) -> str:
    if not in_use["contacted"].value:
        return "No customer of the hold-out is likely enough to churn to be contacted."
    return (
        f"Of 100 contacted, {_in_100(in_use['precision'])} would churn; of 100 who would churn, "
        f"{_in_100(in_use['recall'])} are contacted."
    )


def _policy(trained: Trained, objective: Objective) -> dict[str, Figure]:
    found = trained.report.policies[list(Objective).index(objective)]
    return dict(found.figures)


def _choice(report: EvaluationReport) -> str:
    scorecard, *others = report.challengers
    best = min(others, key=lambda one: one.measured.figure("log_loss").value)
    gap = best.measured.minus(scorecard.measured, "log_loss")
    if report.choice.family is not scorecard.family:
        return (
            f"- **{report.choice.family.title} is published**: it beats the scorecard by "
            f"{-gap.value:.4f} log-loss ({-gap.high:.4f} to {-gap.low:.4f}). The scorecard answers "
            "where fields are missing."
        )
    return (
        f"- No other model beats it beyond noise: the best, {best.family.title}, has a log-loss "
        f"{gap.value:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) from it on the same customers."
    )


def _in_100(figure: Figure, decimals: int = 0) -> str:
    return f"{100 * figure.value:.{decimals}f}"


def _between(figure: Figure) -> str:
    return f"{100 * figure.low:.0f} to {100 * figure.high:.0f}"
