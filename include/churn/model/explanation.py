"""Says why: exact contributions to the log-odds, relative to the average customer."""

from collections.abc import Mapping
from dataclasses import dataclass

from churn import customer
from churn.customer import ADD_ONS, INTERNET_SERVICE, MULTIPLE_LINES, PHONE_SERVICE, Known
from churn.field import NO, YES, Field, Kind
from churn.model.score import Score

INTERNET_ADD_ONS = "internet_add_ons"
PHONE = "phone"

_GROUP: Mapping[str, str] = {
    **{field.name: INTERNET_ADD_ONS for field in ADD_ONS},
    PHONE_SERVICE.name: PHONE,
    MULTIPLE_LINES.name: PHONE,
}


@dataclass(frozen=True)
class Reason:
    """What one field, or a group of tied fields, adds to the log-odds of leaving."""

    field: str
    value: str
    log_odds: float

    @property
    def text(self) -> str:
        """The reason in words."""
        direction = "raises" if self.log_odds > 0 else "lowers"
        return f"{self.field.replace('_', ' ')}: {self.value} {direction} the risk"


def reasons(known: Known, score: Score, *, protected: bool = False) -> tuple[Reason, ...]:
    """Return the reasons, strongest first; protected attributes only if asked for."""
    grouped: dict[str, float] = {}
    for name, log_odds in score.contributions.items():
        if protected or not customer.BY_NAME[name].protected:
            group = _GROUP.get(name, name)
            grouped[group] = grouped.get(group, 0.0) + log_odds
    found = [Reason(name, _described(name, known), x) for name, x in grouped.items() if x]
    return tuple(sorted(found, key=lambda reason: -abs(reason.log_odds)))


def _described(name: str, known: Known) -> str:
    if name == INTERNET_ADD_ONS:
        return _add_ons(known)
    if name == PHONE:
        return _phone(known)
    return _labelled(customer.BY_NAME[name], known)


def _add_ons(known: Known) -> str:
    if known.get(INTERNET_SERVICE.name) == NO:
        return "no internet service"
    given = {f.name.replace("_", " "): known[f.name] for f in ADD_ONS if f.name in known}
    taken = [name for name, value in given.items() if value == YES]
    if taken or len(given) == len(ADD_ONS):
        return ", ".join(taken) or "none"
    return ", ".join(f"no {name}" for name in given)


def _phone(known: Known) -> str:
    if known.get(PHONE_SERVICE.name) is False:
        return "no phone service"
    lines = known.get(MULTIPLE_LINES.name)
    return {YES: "multiple lines", NO: "single line"}.get(str(lines), "phone service")


def _labelled(field: Field, known: Known) -> str:
    value = field.label(known[field.name])
    return f"{value} {field.unit}" if field.kind is Kind.COUNT else value
