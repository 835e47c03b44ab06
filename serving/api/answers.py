"""Answers to prediction requests, built as plain JSON values: validating our own is not worth it.

``schemas.Prediction`` describes them, and the tests hold them to it.
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
"""How many reasons a short answer has."""

_NAMES = [field.name for field in FEATURES]

Answer = Mapping[str, object]


@dataclass(frozen=True)
class AnswerOptions:
    """What a caller wants to be told beside the probability."""

    explain: Explain = Explain.SHORT
    protected: bool = False
    language: Language = Language.ENGLISH


def answer(
    model: LoadedModel, customer: Customer, options: AnswerOptions, prediction_id: str
) -> Answer:
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


def _provenance(model: LoadedModel, customer: Customer, score: Score) -> Answer:
    return {
        "unknown_fields": [name for name in _NAMES if name not in customer],
        "ask_next": score.ask_next(customer),
        "scored_by": score.scored_by,
        "fallback": score.scored_by is not model.family,
        "model_version": model.version,
    }


def _explained(customer: Customer, score: Score, options: AnswerOptions) -> Answer:
    most = SHORT if options.explain is Explain.SHORT else None
    explanation = explain(customer, score, most=most, protected=options.protected)
    return {
        "reasons": [_reason(reason, customer, options.language) for reason in explanation.reasons],
        "log_odds": _log_odds(explanation),
    }


def _reason(reason: Reason, customer: Customer, language: Language) -> Answer:
    value, text = worded(reason, customer, language)
    return {"field": reason.field, "value": value, "log_odds": reason.log_odds, "text": text}


def _log_odds(explanation: Explanation) -> Answer:
    return {
        "average_customer": explanation.base,
        "other": explanation.other,
        "uncertainty": explanation.uncertainty,
        "total": explanation.log_odds,
    }


def _change(change: Change, language: Language) -> Answer:
    return {
        "field": change.field,
        "value": change.value,
        "probability_churn": change.probability,
        "difference": change.difference,
        "text": change_text(change, language),
    }
