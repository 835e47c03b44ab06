"""Measures every family on the same folds and chooses the one to publish."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from churn.core.errors import DataQualityError
from churn.core.training_options import Objective, ProtectedAttributes, TrainingOptions
from churn.model import policy
from churn.model.bootstrap import Figure, Measured
from churn.model.policy import Policy
from churn.training import leaks
from churn.training.comparison import Comparison
from churn.training.consequences import Consequences, consequences
from churn.training.evaluation import (
    Dataset,
    Evaluation,
    cross_validate,
    evaluate_once,
    folds_ahead,
)
from churn.training.families import LOGISTIC_ALL_COLUMNS, SCORECARD, Learner, families
from churn.training.leaks import Ceilings
from churn.training.majority_baseline import majority_baseline, refuse_no_better
from churn.training.promotion import judge
from churn.training.slices import Slice, masks, slices

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """The family that is published, and how those with a lower log-loss than it were judged."""

    family: Learner
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class EvaluationReport:
    """What is known of a version's quality. ``objective`` is what its policy is for.

    ``published`` is the published family, cross-validated on every customer, hold-out included, as
    nothing is chosen from it. ``challengers`` are cross-validated on the others; the family and the
    thresholds are chosen from them. ``held_out`` is each family fitted on the others and scored on
    the hold-out.
    """

    rows: Dataset
    held_out_rows: Dataset
    baseline: Measured
    published: Evaluation
    all_columns: Evaluation
    challengers: tuple[Evaluation, ...]
    held_out: tuple[Evaluation, ...]
    choice: Choice
    policies: tuple[Consequences, ...]
    objective: Objective
    cost_of_leaving_out: Mapping[str, Figure]
    ceilings: Ceilings
    single_field_auc: Mapping[str, float]

    def policy(self, objective: Objective) -> Policy:
        """Return the policy for an objective."""
        return next(c.policy for c in self.policies if c.policy.objective is objective)

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """How the published family does on parts of the customers."""
        p = self.published_on_hold_out.parts[0].p
        return slices(self.rows, self.published, self.held_out_rows, p, self.policy(self.objective))

    @property
    def published_on_hold_out(self) -> Evaluation:
        """The published family, scored on the hold-out."""
        return next(one for one in self.held_out if one.family is self.choice.family)

    @property
    def folds_ahead_of_all_columns(self) -> int:
        """In how many folds the published family has a lower log-loss than all columns have."""
        return folds_ahead(self.published.measured, self.all_columns.measured)


def evaluate(rows: Dataset, options: TrainingOptions) -> EvaluationReport:
    """Measure every family on the same folds and choose the one to publish.

    Raises:
        DataQualityError: a column leaks the answer, and is named, or no column predicts it.
    """
    single_field_auc = leaks.refuse_suspects(rows.frame, rows.y, rows.weights)
    training, held_out = rows.take(~rows.is_held_out), rows.take(rows.is_held_out)
    _require_both_held_out(held_out)
    candidates = families(options.protected_attributes)
    challengers = tuple(_logged(cross_validate(family, training)) for family in candidates)
    choice = choose(challengers, training)
    position = candidates.index(choice.family)
    rules = _policies(challengers[position], training, options)
    rows, held_out = (one.decided_by(rules[options.objective]) for one in (rows, held_out))
    on_held_out = tuple(evaluate_once(family, training, held_out) for family in candidates)
    held_out_scores = on_held_out[position].parts[0].p
    report = EvaluationReport(
        rows=rows,
        held_out_rows=held_out,
        baseline=majority_baseline(rows),
        published=cross_validate(choice.family, rows),
        all_columns=cross_validate(_named(candidates, LOGISTIC_ALL_COLUMNS), rows),
        challengers=challengers,
        held_out=on_held_out,
        choice=choice,
        policies=tuple(consequences(one, held_out, held_out_scores) for one in rules.values()),
        ceilings=leaks.ceilings(rows.frame, options),
        single_field_auc=single_field_auc,
        cost_of_leaving_out=_cost_of_leaving_out(rows),
        objective=options.objective,
    )
    _refuse_worthless_or_leaking(report)
    return report


def _refuse_worthless_or_leaking(report: EvaluationReport) -> None:
    found = report.published.measured
    refuse_no_better(found, report.baseline)
    size = len(report.rows.y)
    leaks.refuse_too_good(found.figures, report.ceilings, report.single_field_auc, rows=size)


def _require_both_held_out(held_out: Dataset) -> None:
    if not 0 < held_out.churned < held_out.customers:
        raise DataQualityError(
            f"of the {held_out.customers} customers that are held out by a hash, "
            f"{held_out.churned} churned: too few to judge a model by; more customers are needed"
        )


def choose(challengers: tuple[Evaluation, ...], rows: Dataset) -> Choice:
    """Return the family to publish: the scorecard, unless one beats it by the promotion rule.

    Both are compared out of fold, over all repeats. The challenger with the lowest log-loss is
    compared first, and the first one that beats the scorecard is taken.
    """
    scorecard = challengers[0]
    ranked = sorted(challengers, key=_log_loss)
    reasons: dict[str, str] = {}
    for other in ranked[: ranked.index(scorecard)]:
        if not other.family.is_publishable:
            reasons[other.family.name] = "for comparison only"
            continue
        decision = judge(_comparison(scorecard, other, rows))
        reasons[other.family.name] = decision.reason
        if decision.promote:
            return Choice(other.family, reasons)
    return Choice(scorecard.family, reasons)


def _log_loss(evaluation: Evaluation) -> float:
    return evaluation.measured.figure("log_loss").value


def _comparison(champion: Evaluation, challenger: Evaluation, rows: Dataset) -> Comparison:
    masked = {f"{field} {value}": mask for field, value, mask in masks(rows.frame)}
    scores = champion.out_of_fold, challenger.out_of_fold
    return Comparison(rows.y, scores[0], scores[1], masked, rows.weights, champion.folds)


def _policies(
    evaluation: Evaluation, training: Dataset, options: TrainingOptions
) -> Mapping[Objective, Policy]:
    """Return the policy for every objective, its threshold chosen on out-of-fold scores."""
    return policy.policies(
        options.economics,
        typical_monthly_charges=float(
            np.average(training.monthly_charges, weights=training.weights)
        ),
        best_f1=policy.best_f1_threshold(training.y, evaluation.repeat(0), training.weights),
    )


def _cost_of_leaving_out(rows: Dataset) -> dict[str, Figure]:
    """Return what the scorecard loses without gender and age, on the same folds and draws."""
    use, leave_out = (
        cross_validate(_named(families(way), SCORECARD), rows).measured
        for way in ProtectedAttributes
    )
    return {name: leave_out.minus(use, name) for name in ("roc_auc", "log_loss", "brier")}


def _named(candidates: tuple[Learner, ...], name: str) -> Learner:
    return next(family for family in candidates if family.name == name)


def _logged(evaluation: Evaluation) -> Evaluation:
    loss, auc = (evaluation.measured.figure(name) for name in ("log_loss", "roc_auc"))
    log.info("%s: log-loss %.4f, ROC-AUC %.4f", evaluation.family.title, loss.value, auc.value)
    return evaluation
