"""Reads the rules of promotion and retention from the environment's variables."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeVar

from churn.core.errors import ChurnError
from churn.registry.retention import RetentionRule
from churn.training.promotion import PromotionRule

AUTO: Final = "auto"
MANUAL: Final = "manual"
_MODE: Final = "CHURN_PROMOTION"
_PROMOTION: Final = "CHURN_PROMOTION_"
_RETENTION: Final = "CHURN_KEEP_"

Rule = TypeVar("Rule", PromotionRule, RetentionRule)


@dataclass(frozen=True)
class RegistryRules:
    """How a candidate is judged, whether a person has the last word, and what is kept."""

    promotion: PromotionRule = field(default_factory=PromotionRule)
    retention: RetentionRule = field(default_factory=RetentionRule)
    mode: str = AUTO


def read_registry_rules(values: Mapping[str, str]) -> RegistryRules:
    """Read ``CHURN_PROMOTION``, ``CHURN_PROMOTION_<PART>`` and ``CHURN_KEEP_<PART>``.

    Raises:
        ChurnError: naming the variable and what it may be.
    """
    mode = values.get(_MODE) or AUTO
    if mode not in (AUTO, MANUAL):
        raise ChurnError(f"{_MODE}={mode}: expected {AUTO} or {MANUAL}")
    return RegistryRules(
        _filled(PromotionRule(), _PROMOTION, values),
        _filled(RetentionRule(), _RETENTION, values),
        mode,
    )


def _filled(rule: Rule, prefix: str, values: Mapping[str, str]) -> Rule:
    parts = {part.name: type(getattr(rule, part.name)) for part in fields(rule)}
    given = {
        name.removeprefix(prefix).lower(): text
        for name, text in values.items()
        if name.startswith(prefix) and text
    }
    if unknown := sorted(set(given) - set(parts)):
        known = ", ".join(f"{prefix}{name.upper()}" for name in parts)
        raise ChurnError(
            f"{prefix}{unknown[0].upper()}: there is no such setting; there are {known}"
        )
    read: dict[str, Any] = {
        name: _number(f"{prefix}{name.upper()}", t, parts[name]) for name, t in given.items()
    }
    return replace(rule, **read)


def _number(name: str, text: str, kind: type) -> float | int:
    try:
        number: float | int = kind(text)
    except ValueError:
        number = math.nan
    least = _LEAST.get(name, 0)
    if not least <= number < math.inf or (name.endswith("_LEVEL") and not 0 < number < 1):
        raise ChurnError(f"{name}={text}: expected {_EXPECTED[kind].format(least)}")
    return number


_LEAST: Final[Mapping[str, int]] = {
    f"{_PROMOTION}SLICE_CLASS": 1,  # a slice with one outcome has no ROC-AUC
}
_EXPECTED: Final[Mapping[type, str]] = {
    int: "a whole number, {} or more",
    float: "a number, {} or more (a level: between 0 and 1)",
}
