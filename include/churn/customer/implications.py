"""What follows from what is known of a customer: the truth table of the rules between fields.

A rule is a statement about a customer, such as "has no internet". Each known field shows that it
holds, that it fails, or neither; what all of them show together decides what follows. Parsing, the
column-wise reader and the JSON schema are derived from ``RULES``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from churn.customer.description import BY_NAME, DEPENDENCIES, TENURE, TOTAL_CHARGES, Dependency
from churn.customer.field import Value

OPEN: Final = 0
HOLDS: Final = 1
FAILS: Final = 2
CONTRADICTION: Final = HOLDS | FAILS


@dataclass(frozen=True)
class Rule:
    """Fields have these values where the rule holds, and another value where it fails.

    Fields in ``either`` may have their value where it fails, too.
    """

    values: Mapping[str, Value]
    either: frozenset[str] = frozenset()

    def shown(self, name: str, *, is_equal: bool) -> int:
        """Return what a known field shows, by whether it has the rule's value."""
        if is_equal:
            return OPEN if name in self.either else HOLDS
        return FAILS

    def verdict(self, known: Mapping[str, Value]) -> int:
        """Return what all known fields show together."""
        verdict = OPEN
        for name, value in self.values.items():
            if name in known:
                verdict |= self.shown(name, is_equal=known[name] == value)
        return verdict

    def implied(self, verdict: int) -> Mapping[str, Value]:
        """Return the value of each field that a verdict leaves only one for."""
        if verdict == HOLDS:
            return self.values
        return self._others if verdict == FAILS else {}

    @property
    def _others(self) -> Mapping[str, Value]:
        """The other value of each field that has just two."""
        others = {
            name: [other for other in BY_NAME[name].values if other != value]
            for name, value in self.values.items()
        }
        return {name: values[0] for name, values in others.items() if len(values) == 1}


def _rule(dependency: Dependency) -> Rule:
    children = {child.name: dependency.forced for child in dependency.children}
    return Rule({dependency.parent.name: dependency.value, **children})


RULES: Final = (
    *map(_rule, DEPENDENCIES),
    Rule({TENURE.name: 0, TOTAL_CHARGES.name: 0.0}, either=frozenset({TOTAL_CHARGES.name})),
)


@dataclass(frozen=True)
class Conclusion:
    """The values of unknown fields that follow, and the rules that are contradicted."""

    implied: Mapping[str, Value]
    contradicted: tuple[Rule, ...]


_FIELDS: Final = [BY_NAME[name] for rule in RULES for name in rule.values]
_CHOICES: Final = tuple(field.name for field in _FIELDS if field.values)
_NUMBERS: Final = tuple(field.name for field in _FIELDS if not field.values)


def conclude(known: Mapping[str, Value]) -> Conclusion:
    """Return what follows from canonical values."""
    get = known.get
    # Of a number the rules only look at whether it is 0; any other is taken as 1.
    numbers = [number and 1 for number in map(get, _NUMBERS)]
    return _conclude((*map(get, _CHOICES), *numbers))


@lru_cache(maxsize=1 << 14)
def _conclude(values: tuple[Value | None, ...]) -> Conclusion:
    pairs = zip((*_CHOICES, *_NUMBERS), values, strict=True)
    known = {name: value for name, value in pairs if value is not None}
    verdicts = [(rule, rule.verdict(known)) for rule in RULES]
    implied = {n: v for rule, verdict in verdicts for n, v in rule.implied(verdict).items()}
    return Conclusion(
        {name: value for name, value in implied.items() if name not in known},
        tuple(rule for rule, verdict in verdicts if verdict == CONTRADICTION),
    )
