"""Answers to prediction requests as plain JSON values.

They are not validated at run time; tests compare them with ``schemas.Prediction``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from churn.customer.description import FEATURES, Customer
from churn.model.explanation import Explanation, Reason, explain
from churn.model.phrases import Language
from churn.model.score import Score
from churn.model.what_if import Change, what_if
from churn.model.wording import change_text, worded
from churn.registry.loaded_model import LoadedModel
from serving.api.schemas import Explain

SHORT = 3
"""Number of reasons in a short answer."""

_NAMES = [field.name for field in FEATURES]

JsonObject = Mapping[str, object]


@dataclass(frozen=True)
class AnswerOptions:
    """The options of a request."""

    explain: Explain = Explain.SHORT
    protected: bool = False
    language: Language = Language.ENGLISH


def answer(
    model: LoadedModel, customer: Customer, options: AnswerOptions, prediction_id: str
) -> JsonObject:
    """Return the answer for a customer."""
    score = model.score(customer, explained=options.explain is not Explain.NONE)
    contact, expected_profit, threshold = model.decision(score, customer)
    parts: dict[str, object] = {
        "prediction": score.prediction,
        "probability_churn": score.probability,
        "interval": score.interval,
        "contact": contact,
        "expected_profit": expected_profit,
        "threshold": threshold,
        "assumptions": model.manifest.policy.assumptions,
    }
    if options.explain is not Explain.NONE:
        parts.update(_explained(customer, score, options))
    if options.explain is Explain.FULL:
        changes = what_if(customer, model.changed)
        parts["what_if"] = [_change(change, options.language) for change in changes]
    parts.update(_provenance(model, customer, score))
    parts["prediction_id"] = prediction_id
    return parts


def _provenance(model: LoadedModel, customer: Customer, score: Score) -> JsonObject:
    return {
        "unknown_fields": [name for name in _NAMES if name not in customer],
        "ask_next": score.ask_next(customer),
        "scored_by": score.scored_by,
        "fallback": score.scored_by is not model.family,
        "model_version": model.version,
    }


def _explained(customer: Customer, score: Score, options: AnswerOptions) -> JsonObject:
    most = SHORT if options.explain is Explain.SHORT else None
    explanation = explain(customer, score, most=most, protected=options.protected)
    return {
        "reasons": [_reason(reason, customer, options.language) for reason in explanation.reasons],
        "log_odds": _log_odds(explanation),
    }


def _reason(reason: Reason, customer: Customer, language: Language) -> JsonObject:
    value, text = worded(reason, customer, language)
    return {"field": reason.field, "value": value, "log_odds": reason.log_odds, "text": text}


def _log_odds(explanation: Explanation) -> JsonObject:
    return {
        "average_customer": explanation.base,
        "other": explanation.other,
        "uncertainty": explanation.uncertainty,
        "total": explanation.log_odds,
    }


def _change(change: Change, language: Language) -> JsonObject:
    return {
        "field": change.field,
        "value": change.value,
        "probability_churn": change.probability,
        "difference": change.difference,
        "text": change_text(change, language),
    }
