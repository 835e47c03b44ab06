"""An outcome: a statement about what became of a prediction or of a customer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from churn.core.errors import InvalidOutcomeError, Problem
from churn.customer.description import BY_OUTSIDE_NAME, CHURN, CUSTOMER_ID, normalised
from churn.customer.identifier import is_identifier, normalised_identifier

PREDICTION_ID: Final = "prediction_id"
CHURNED: Final = "churned"
OBSERVED_AT: Final = "observed_at"
RECORDED_AT: Final = "recorded_at"
CONTACTED: Final = "contacted"
NAMES: Final = (PREDICTION_ID, CUSTOMER_ID.name, CHURNED, OBSERVED_AT, RECORDED_AT, CONTACTED)
REQUIRED: Final = (CHURNED, OBSERVED_AT)
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clock of a source may be ahead."""

_EXPECTED_ID: Final = "the prediction_id of an answer, such as 0c6f3a4e-8f53-4d7e-9a37-4f1e1f0d9d10"
_EXPECTED_TIME: Final = (
    "a date such as 2026-01-31 or a time such as 2026-01-31T18:30:00+01:00, not in the future"
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_ZONE: Final = r" ?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
_TIME: Final = re.compile(rf"{_DAY}(?:[Tt ]{_CLOCK}(?:{_ZONE})?)?")
_OUTSIDE: Final = {
    **{normalised(name): name for name in NAMES},
    **{outside: f.name for outside, f in BY_OUTSIDE_NAME.items() if f is CUSTOMER_ID},
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A statement about a prediction, a customer or both.

    ``observed_at`` is when the customer left, or the moment as of which the customer was still
    there; ``recorded_at`` is when the source recorded that. ``contacted``: a person contacted the
    customer about staying; None where the source does not state it.
    """

    churned: bool
    observed_at: datetime
    recorded_at: datetime
    prediction_id: UUID | None = None
    customer_id: str | None = None
    contacted: bool | None = None


def own_name(outside: str) -> str | None:
    """Return a field's name by how others spell it: without case, spaces, dashes, underscores."""
    return _OUTSIDE.get(normalised(outside.strip()))


def parse_outcome(raw: Mapping[str, object], now: datetime) -> Outcome:
    """Return the statement of a JSON object or of a row under its header.

    A blank text means that the field is not there.

    Raises:
        InvalidOutcomeError: with a problem for each field.
    """
    problems: list[Problem] = []
    given = _named(raw, problems)
    values: dict[str, object] = {}
    for name, value in given.items():
        try:
            values[name] = _READERS[name](value)
        except (ValueError, TypeError):
            problems.append(Problem(name, value, _EXPECTED[name]))
    problems += _late(given, values, now)
    problems += [Problem(n, None, _EXPECTED[n]) for n in REQUIRED if n not in given]
    if PREDICTION_ID not in given and CUSTOMER_ID.name not in given:
        problems.append(Problem(CUSTOMER_ID.name, None, "a prediction_id, a customer_id or both"))
    if problems:
        raise InvalidOutcomeError(tuple(problems))
    values.setdefault(RECORDED_AT, values[OBSERVED_AT])
    return Outcome(**values)  # type: ignore[arg-type] # _READERS has the type of each


def _named(raw: Mapping[str, object], problems: list[Problem]) -> dict[str, object]:
    """Return the fields that have a value, by our names."""
    given: dict[str, object] = {}
    seen: set[str] = set()
    for outside, value in raw.items():
        name = own_name(outside)
        if name is None:
            problems.append(Problem(outside, value, f"one of {', '.join(NAMES)}"))
        elif name in seen:
            problems.append(Problem(outside, value, f"{name} only once"))
        elif value is not None and not (isinstance(value, str) and not value.strip()):
            given[name] = value
        seen.add(name or "")
    return given


def _late(
    given: Mapping[str, object], values: Mapping[str, object], now: datetime
) -> list[Problem]:
    latest = now + CLOCK_TOLERANCE
    return [
        Problem(name, given[name], _EXPECTED[name])
        for name in (OBSERVED_AT, RECORDED_AT)
        if isinstance(moment := values.get(name), datetime) and moment > latest
    ]


def _prediction_id(value: object) -> UUID:
    if not isinstance(value, str) or not _UUID.fullmatch(value.strip()):
        raise ValueError
    return UUID(value.strip())


def _customer_id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    text = normalised_identifier(str(value))
    if not is_identifier(text):
        raise ValueError
    return text


def _flag(value: object) -> bool:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int):
        raise TypeError
    word = CHURN.spellings.get(str(value).strip().lower())
    if word is None:
        raise ValueError
    return bool(word)


def _moment(value: object) -> datetime:
    """Return a moment in UTC; a date is its midnight, and a time without a zone is in UTC."""
    if not isinstance(value, str) or not _TIME.fullmatch(value.strip()):
        raise ValueError
    found = datetime.fromisoformat(value.strip().upper().replace(" +", "+").replace(" -", "-"))
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:  # within hours of the year 1 or 9999
        raise ValueError from None


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    PREDICTION_ID: _prediction_id,
    CUSTOMER_ID.name: _customer_id,
    CHURNED: _flag,
    OBSERVED_AT: _moment,
    RECORDED_AT: _moment,
    CONTACTED: _flag,
}
_EXPECTED: Final[Mapping[str, str]] = {
    PREDICTION_ID: _EXPECTED_ID,
    CUSTOMER_ID.name: CUSTOMER_ID.allowed,
    CHURNED: CHURN.allowed,
    OBSERVED_AT: _EXPECTED_TIME,
    RECORDED_AT: _EXPECTED_TIME,
    CONTACTED: CHURN.allowed,
}
