"""Reasons and changes in words, in the languages of ``churn.model.phrases``."""

from functools import lru_cache
from typing import NamedTuple

from churn.customer import description
from churn.customer.description import ADD_ONS, DEPENDENCIES, MULTIPLE_LINES, NO_PHONE, Customer
from churn.customer.field import NO, YES, Field, FieldKind, Value
from churn.model.explanation import INTERNET_ADD_ONS, PHONE, Reason
from churn.model.phrases import PHRASES, Language, Phrases
from churn.model.what_if import Change

Values = tuple[Value | None, ...]
"""The values that a field or group is described by; None where a value is not known."""

_FIELDS = {
    INTERNET_ADD_ONS: tuple(field.name for field in ADD_ONS),
    PHONE: (MULTIPLE_LINES.name,),
}
_MOST_KEPT = 1 << 13


def described(name: str, customer: Customer, language: Language = Language.ENGLISH) -> str:
    """Return a customer's value of a field or group, in words."""
    return _described(name, _values(name, customer), language)


def worded(reason: Reason, customer: Customer, language: Language = Language.ENGLISH) -> "Worded":
    """Return a reason's value and sentence."""
    name = reason.field
    return _worded(name, _values(name, customer), language, reason.log_odds > 0)


def _values(name: str, customer: Customer) -> Values:
    return tuple([customer.get(field) for field in _FIELDS.get(name, (name,))])


class Worded(NamedTuple):
    """A customer's value of a field or group, and the sentence about it."""

    value: str
    text: str


@lru_cache(maxsize=_MOST_KEPT)
def _described(name: str, values: Values, language: Language) -> str:
    phrases = PHRASES[language]
    if name == INTERNET_ADD_ONS:
        return _add_ons(values, phrases)
    if name == PHONE:
        return _phone(values, phrases)
    field, (value,) = description.BY_NAME[name], values
    if value is not None:
        return _labelled(field, value, phrases)
    return phrases.either.join(_labelled(field, v, phrases) for v in _possible(field))


@lru_cache(maxsize=_MOST_KEPT)
def _worded(name: str, values: Values, language: Language, raises: bool) -> Worded:
    phrases = PHRASES[language]
    sentence = phrases.raises if raises else phrases.lowers
    value = _described(name, values, language)
    return Worded(value, sentence.format(name=phrases.names[name], value=value))


def change_text(change: Change, language: Language = Language.ENGLISH) -> str:
    """Return a change as a sentence that calls it what it is: an association."""
    phrases = PHRASES[language]
    return phrases.change.format(
        name=phrases.names[change.field],
        value=_labelled(description.BY_NAME[change.field], change.value, phrases),
        then=_percent(change.probability, phrases),
        now=_percent(change.probability - change.difference, phrases),
    )


def _percent(probability: float, phrases: Phrases) -> str:
    return f"{100 * probability:.1f}".replace(".", phrases.decimal)


def _labelled(field: Field, value: Value, phrases: Phrases) -> str:
    if field.kind is FieldKind.COUNT:
        return phrases.one_month if value == 1 else phrases.months.format(count=value)
    if field.kind is FieldKind.MONEY:
        return f"{value:.2f}".replace(".", phrases.decimal)
    return phrases.labels[field.name][field.label(value)]


def _possible(field: Field) -> list[Value]:
    """Return the values that a field may have that is only known not to have the dependency's."""
    (excluded,) = (d.value for d in DEPENDENCIES if d.parent is field)
    return [value for value in field.values if value != excluded]


def _add_ons(values: Values, phrases: Phrases) -> str:
    pairs = zip(ADD_ONS, values, strict=True)
    given = {phrases.names[f.name]: value for f, value in pairs if value is not None}
    taken = [name for name, value in given.items() if value == YES]
    if taken or len(given) == len(ADD_ONS):
        return ", ".join(taken) or phrases.nothing
    return ", ".join(phrases.without.format(name=name) for name in given)


def _phone(values: Values, phrases: Phrases) -> str:
    words = {
        YES: phrases.names[MULTIPLE_LINES.name],
        NO: phrases.single_line,
        NO_PHONE: phrases.no_phone,
    }
    return words.get(str(values[0]), phrases.phone)
