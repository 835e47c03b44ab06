"""Reasons and changes in words, in the languages of ``churn.model.phrases``."""

from churn import customer
from churn.customer import ADD_ONS, DEPENDENCIES, MULTIPLE_LINES, NO_PHONE, Known
from churn.field import NO, YES, Field, Kind, Value
from churn.model.explanation import INTERNET_ADD_ONS, PHONE, Reason
from churn.model.phrases import PHRASES, Language, Phrases
from churn.model.what_if import Change


def described(name: str, known: Known, language: Language = Language.ENGLISH) -> str:
    """Return what a completed customer has of a field or group, in words."""
    phrases = PHRASES[language]
    if name == INTERNET_ADD_ONS:
        return _add_ons(known, phrases)
    if name == PHONE:
        return _phone(known, phrases)
    field = customer.BY_NAME[name]
    if field.name in known:
        return _labelled(field, known[field.name], phrases)
    return phrases.either.join(_labelled(field, v, phrases) for v in _possible(field))


def reason_text(reason: Reason, known: Known, language: Language = Language.ENGLISH) -> str:
    """Return a reason as a sentence."""
    phrases = PHRASES[language]
    sentence = phrases.raises if reason.log_odds > 0 else phrases.lowers
    value = described(reason.field, known, language)
    return sentence.format(name=phrases.names[reason.field], value=value)


def change_text(change: Change, language: Language = Language.ENGLISH) -> str:
    """Return a change as a sentence that says what it is: an association."""
    phrases = PHRASES[language]
    return phrases.change.format(
        name=phrases.names[change.field],
        value=_labelled(customer.BY_NAME[change.field], change.value, phrases),
        then=_percent(change.probability, phrases),
        now=_percent(change.probability - change.difference, phrases),
    )


def _percent(probability: float, phrases: Phrases) -> str:
    return f"{100 * probability:.1f}".replace(".", phrases.decimal)


def _labelled(field: Field, value: Value, phrases: Phrases) -> str:
    if field.kind is Kind.COUNT:
        return phrases.one_month if value == 1 else phrases.months.format(count=value)
    if field.kind is Kind.MONEY:
        return f"{value:.2f}".replace(".", phrases.decimal)
    return phrases.labels[field.name][field.label(value)]


def _possible(field: Field) -> list[Value]:
    """Return the values of a field of which only is known that it is not the dependency's."""
    (excluded,) = (d.value for d in DEPENDENCIES if d.parent is field)
    return [value for value in field.values if value != excluded]


def _add_ons(known: Known, phrases: Phrases) -> str:
    given = {phrases.names[f.name]: known[f.name] for f in ADD_ONS if f.name in known}
    taken = [name for name, value in given.items() if value == YES]
    if taken or len(given) == len(ADD_ONS):
        return ", ".join(taken) or phrases.nothing
    return ", ".join(phrases.without.format(name=name) for name in given)


def _phone(known: Known, phrases: Phrases) -> str:
    words = {
        YES: phrases.names[MULTIPLE_LINES.name],
        NO: phrases.single_line,
        NO_PHONE: phrases.no_phone,
    }
    return words.get(str(known.get(MULTIPLE_LINES.name)), phrases.phone)
