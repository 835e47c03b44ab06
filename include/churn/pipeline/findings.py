"""The figures of a training run as the manifest keeps them."""

import math
from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from churn.model.bootstrap import Figure, Measured
from churn.registry.manifest import Metric
from churn.registry.quality import (
    Calibration,
    Challenger,
    Figures,
    HoldOut,
    Interval,
    LeakChecks,
    SliceQuality,
)
from churn.training.evaluation import Evaluation
from churn.training.selection import EvaluationReport


class Findings(TypedDict):
    """The manifest's fields that state how good a version is."""

    cross_validation: Mapping[str, Metric]
    majority_baseline: Mapping[str, float]
    calibration: Calibration
    hold_out: HoldOut
    challengers: Mapping[str, Challenger]
    folds_ahead_of_all_columns: int
    slices: tuple[SliceQuality, ...]
    cost_of_leaving_out_protected: Figures
    leak_checks: LeakChecks


def of(report: EvaluationReport) -> Findings:
    """Return the fields of the manifest that come from a report."""
    return {
        "cross_validation": cross_validation(report.published.measured),
        "majority_baseline": {name: f.value for name, f in report.baseline.figures.items()},
        "calibration": calibration(report.published),
        "hold_out": hold_out(report),
        "challengers": challengers(report),
        "folds_ahead_of_all_columns": report.folds_ahead_of_all_columns,
        "slices": slices(report),
        "cost_of_leaving_out_protected": figures(report.cost_of_leaving_out),
        "leak_checks": leak_checks(report),
    }


def cross_validation(measured: Measured) -> dict[str, Metric]:
    """Return each metric over the folds: mean, standard deviation, bootstrap interval."""
    return {
        name: Metric(
            mean=figure.value,
            sd=float(np.std(measured.by_part[name], ddof=1)),
            low=figure.low,
            high=figure.high,
        )
        for name, figure in measured.figures.items()
    }


def calibration(evaluation: Evaluation) -> Calibration:
    """Return the calibration error and its noise floor."""
    floor = evaluation.noise_floor
    return Calibration(
        error=_interval(evaluation.measured.figure("calibration_error")),
        noise_floor=floor.mean,
        exceeded_by_chance_in_5_percent=floor.highest,
    )


def hold_out(report: EvaluationReport) -> HoldOut:
    """Return the published family's figures on the hold-out."""
    rows = report.held_out_rows
    return HoldOut(
        customers=rows.customers,
        churned=rows.churned,
        figures=figures(report.published_on_hold_out.measured.figures),
    )


def challengers(report: EvaluationReport) -> dict[str, Challenger]:
    """Return every family on the same folds and on the hold-out, the scorecard first."""
    scorecard = report.challengers[0].measured
    return {
        evaluation.family.name: Challenger(
            figures=figures(evaluation.measured.figures),
            hold_out=figures(held_out.measured.figures),
            log_loss_difference=_interval(evaluation.measured.minus(scorecard, "log_loss")),
            judged=report.choice.reasons.get(evaluation.family.name),
        )
        for evaluation, held_out in zip(report.challengers, report.held_out, strict=True)
    }


def slices(report: EvaluationReport) -> tuple[SliceQuality, ...]:
    """Return each slice's figures."""
    return tuple(
        SliceQuality(
            field=one.field,
            value=one.value,
            customers=one.customers,
            churned=one.churned,
            scores=figures(one.scores),
            decisions=figures(one.decisions),
        )
        for one in report.slices
    )


def leak_checks(report: EvaluationReport) -> LeakChecks:
    """Return what the tripwire looked at."""
    limits = report.ceilings
    return LeakChecks(
        max_auc=limits.auc,
        max_accuracy=limits.accuracy,
        reason=limits.reason,
        single_field_auc={k: round(v, 6) for k, v in report.single_field_auc.items()},
    )


def figures(found: Mapping[str, Figure]) -> Figures:
    """Return the figures that are defined: a slice without churned customers has no recall."""
    return {name: _interval(one) for name, one in found.items() if math.isfinite(one.high)}


def _interval(figure: Figure) -> Interval:
    return Interval(value=figure.value, low=figure.low, high=figure.high)
