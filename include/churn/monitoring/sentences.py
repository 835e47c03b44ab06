"""States in a sentence how a field has drifted, since when, and whether the model cares."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from churn.customer.description import BY_NAME
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.monitoring.drift import SCORE, ColumnDrift, g_statistic
from churn.monitoring.reference import FieldReference, Integers, ScoreReference, bin_centres

CARES: Final = 0.1
"""A mean change of the score, in log-odds, from which a drift asks for a new model."""
_MOST_NAMED: Final = 2


def since(days: Sequence[date], counts: Integers) -> date | None:
    """Return the day from which on a column is most unlike before, None if there is no such day.

    ``counts`` has the shape (days, bins). The day is that of the largest G statistic of what is
    before against what follows, if it exceeds the bins and twice the logarithm of the days: the
    maximum likelihood estimate of one change, with a penalty as in Yao 1988.
    """
    if not days[1:]:
        return None
    before = np.cumsum(counts, axis=0)
    after = before[-1] - before
    gains = g_statistic(before[:-1], after[:-1])
    bins = int((before[-1] > 0).sum())
    place = int(gains.argmax())
    return days[place + 1] if gains[place] > bins * (1 + 2 * np.log(len(days))) else None


def field_alarm(
    drift: ColumnDrift,
    reference: FieldReference,
    window: Integers,
    model_version: str,
    changed: date | None,
) -> Alarm:
    """Return the alarm of a field that has drifted."""
    when = f" since about {changed:%-d %B}" if changed else " in all its predictions so far"
    cares = abs(drift.log_odds) >= CARES
    sentence = (
        f"{drift.name} differs from training{when}: {_change(reference, window)}. {_effect(drift)}"
    )
    return Alarm(AlarmKind.DRIFT, drift.name, model_version, sentence, _figures(drift), cares)


def score_alarm(
    drift: ColumnDrift, reference: ScoreReference, window: Integers, model_version: str
) -> Alarm:
    """Return the alarm of scores that have drifted."""
    trained, centres = np.array(reference.customers), bin_centres()
    was, now = centres @ trained / trained.sum(), centres @ window / window.sum()
    sentence = (
        f"the scores of this window differ from training's: their mean is {now:.1%}, not {was:.1%}"
        ". The fields that changed are named as well, if any did"
    )
    figures = {**_figures(drift), "mean": float(now), "mean_in_training": float(was)}
    return Alarm(AlarmKind.DRIFT, SCORE, model_version, sentence, figures)


def _figures(drift: ColumnDrift) -> dict[str, float]:
    return {
        "rows": drift.rows,
        "distance": drift.distance,
        "p": drift.p if drift.p is not None else float("nan"),
        "log_odds": drift.log_odds,
        "log_loss": drift.log_loss,
        "outside": drift.outside,
    }


def _change(reference: FieldReference, window: Integers) -> str:
    if reference.is_number:
        return _numbers(reference, window)
    was, now = reference.counts / reference.counts.sum(), window / window.sum()
    names = [*reference.values, "a value that training did not have"]
    order = np.argsort(-np.abs(now - was), kind="stable")[:_MOST_NAMED]
    return ", ".join(f"{names[n]} {now[n]:.1%} instead of {was[n]:.1%}" for n in order)


def _numbers(reference: FieldReference, window: Integers) -> str:
    field = BY_NAME.get(reference.field)
    unit = f" {field.unit}" if field and field.unit else ""
    was, now = _median(reference, reference.counts), _median(reference, window)
    sentence = f"the median is {now:,g}{unit} instead of {was:,g}"
    beyond = reference.outside(window) / window.sum()
    return sentence + (f", and {beyond:.1%} are beyond what training had" if beyond else "")


def _median(reference: FieldReference, counts: Integers) -> float:
    """Return the lower bound of the bin that holds the median."""
    place = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    return float(f"{reference.edges[max(place - 1, 0)]:.3g}")


def _effect(drift: ColumnDrift) -> str:
    if not drift.log_odds:
        return "The scores do not depend on it"
    direction = "raises" if drift.log_odds > 0 else "lowers"
    weight = "much" if abs(drift.log_odds) >= CARES else "little"
    return (
        f"That {direction} the mean score by {abs(drift.log_odds):.2f} in log-odds, which is "
        f"{weight}, and changes the log-loss that the scores promise by {drift.log_loss:+.4f}"
    )
