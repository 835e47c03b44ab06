"""Reads one customer from the names and spellings that callers use."""

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Final

from churn.core.errors import InvalidCustomerError, Problem
from churn.customer import description
from churn.customer.description import Customer
from churn.customer.field import Field, FieldKind, Value
from churn.customer.identifier import is_identifier, normalised_identifier
from churn.customer.implications import FAILS, HOLDS, Rule, conclude

_MOST_HINTS = 20
_LONGEST_TYPO = 100  # of characters; a longer text is not compared with names
_NUMERIC = (int, float, str)
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]*)?|\.[0-9]+")


class _RejectedError(Exception):
    """A raw value is not one of the field's."""


def parse_customer(raw: Mapping[str, object]) -> Customer:
    """Return a customer: the canonical value of every field that is given or follows.

    Names may be snake_case or the file's own; values any accepted spelling. ``None`` and a blank
    text mean unknown, for every field: only a customer file's blank TotalCharges means tenure 0,
    and that is the loading's rule.

    Raises:
        InvalidCustomerError: with one problem per offending field.
    """
    problems: list[Problem] = []
    known = _read_exact(raw)
    if known is None:
        known, problems = _read(raw)
    conclusion = conclude(known)
    if problems or conclusion.contradicted:
        for rule in conclusion.contradicted:
            problems += _contradictions(rule, known)
        raise InvalidCustomerError(tuple(problems))
    return Customer({**conclusion.implied, **known} if conclusion.implied else known)


def _read_exact(raw: Mapping[str, object]) -> dict[str, Value] | None:
    """Return what ``_read`` would, by a few look-ups, or None where those are not enough.

    They are enough for a request that spells names and values as the file or the schema does.
    """
    known: dict[str, Value] = {}
    try:
        for outside, value in raw.items():
            name, exact, read = _EXACT[outside]
            known[name] = exact[value] if value in exact else read(value)
    except (KeyError, TypeError, ValueError, _RejectedError):
        return None
    return known if len(known) == len(raw) else None


def _read(raw: Mapping[str, object]) -> tuple[dict[str, Value], list[Problem]]:
    known: dict[str, Value] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        try:
            field = _field(name, value, hint=len(problems) < _MOST_HINTS)
            if field.name in known:
                problems.append(Problem(name, value, f"{field.name} only once"))
            elif not _is_unknown(value):
                known[field.name] = _value(field, value)
        except InvalidCustomerError as error:
            problems += error.problems
    return known, problems


def _field(name: str, value: object, *, hint: bool) -> Field:
    field = description.BY_OUTSIDE_NAME.get(description.normalised(name))
    if field is description.CHURN:
        expected = "to be left out: it is what is predicted"
        raise InvalidCustomerError((Problem(name, value, expected),))
    if field is None:
        names = [f.name for f in (description.CUSTOMER_ID, *description.FEATURES)]
        expected = f"one of {', '.join(names)}"
        nearest = _nearest(name, names) if hint else None
        raise InvalidCustomerError((Problem(name, value, expected, nearest),))
    return field


def _value(field: Field, value: object) -> Value:
    try:
        return parse_value(field, value)
    except (_RejectedError, ValueError):  # ValueError: str() of a number of thousands of digits
        labels = [field.label(v) for v in field.values]
        nearest = _nearest(value, labels) if isinstance(value, str) else None
        raise InvalidCustomerError((Problem(field.name, value, field.allowed, nearest),)) from None


def _is_unknown(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def parse_value(field: Field, value: object) -> Value:
    """Return the canonical value for one accepted spelling, or raise ``_RejectedError``."""
    return _reader(field)(value)


def _reader(field: Field) -> Callable[[object], Value]:
    if field.kind is FieldKind.IDENTIFIER:
        return _identifier
    return partial(_number if field.is_number else _one_of, field)


def _identifier(value: object) -> str:
    text = normalised_identifier(str(value)) if isinstance(value, str | int) else ""
    if isinstance(value, bool) or not is_identifier(text):
        raise _RejectedError
    return text


def _one_of(field: Field, value: object) -> Value:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int) or (isinstance(value, bool) and not _takes_bool(field)):
        raise _RejectedError
    try:
        return field.spellings[str(value).strip().lower()]
    except KeyError:
        raise _RejectedError from None


def _takes_bool(field: Field) -> bool:
    return "true" in field.spellings


def _number(field: Field, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        raise _RejectedError
    if isinstance(value, str) and not _DECIMAL.fullmatch(value.strip()):
        raise _RejectedError
    try:
        number = float(value)
    except OverflowError:
        raise _RejectedError from None
    if not (math.isfinite(number) and 0 <= number <= (field.maximum or math.inf)):
        raise _RejectedError
    if field.kind is FieldKind.MONEY:
        return number
    if not number.is_integer():
        raise _RejectedError
    return int(number)


def _contradictions(rule: Rule, known: Mapping[str, Value]) -> Iterator[Problem]:
    """Yield a problem for each field that contradicts the rule's first one."""
    first, value = next(iter(rule.values.items()))
    given = known.get(first, value)
    holds = given == value
    reason = f"as {first}={description.BY_NAME[first].label(given)}"
    for name, expected in rule.values.items():
        is_equal = known.get(name) == expected
        if name in known and rule.shown(name, is_equal=is_equal) == (FAILS if holds else HOLDS):
            field = description.BY_NAME[name]
            allowed = [v for v in field.values or (0,) if (v == expected) == holds]
            labels = " | ".join(map(field.label, allowed))
            yield Problem(name, known[name], f"{labels}, {reason}")


def _nearest(text: str, among: list[str]) -> str | None:
    return _nearest_of(text, tuple(among)) if len(text) <= _LONGEST_TYPO else None


@lru_cache(maxsize=1 << 12)  # as whole columns of a file are misspelled alike
def _nearest_of(text: str, among: tuple[str, ...]) -> str | None:
    by_key = {description.normalised(name): name for name in among}
    found = difflib.get_close_matches(description.normalised(text), by_key, n=1, cutoff=0.6)
    return by_key[found[0]] if found else None


def _exact(field: Field) -> Mapping[object, Value]:
    """Return a field's values by their exact spelling."""
    exact: dict[object, Value] = {field.label(value): value for value in field.values}
    if _takes_bool(field):  # and so 0 and 1, which are equal to them
        exact |= {flag: field.spellings[str(flag).lower()] for flag in (False, True)}
    return exact


_EXACT: Final = {
    outside: (field.name, _exact(field), _reader(field))
    for field in (description.CUSTOMER_ID, *description.FEATURES)
    for outside in (field.name, field.header)
}
