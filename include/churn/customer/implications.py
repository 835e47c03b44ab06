"""What follows from what is known of a customer, by the rules between fields."""

from collections.abc import Iterator

from churn.customer.description import (
    DEPENDENCIES,
    FEATURES,
    TENURE,
    TOTAL_CHARGES,
    Dependency,
    Known,
)
from churn.customer.field import Value

_ALL = frozenset(field.name for field in FEATURES)


def completed(known: Known) -> Known:
    """Return what is known with every value that follows from it.

    Nothing that is known is changed, contradictions included: those are the parser's to refuse.
    """
    if len(known) >= len(_ALL) and known.keys() >= _ALL:
        return known
    implied: dict[str, Value] = {}
    for dependency in DEPENDENCIES:
        implied.update(_implied(dependency, known))
    if known.get(TENURE.name) == 0:
        implied[TOTAL_CHARGES.name] = 0.0
    return {**implied, **known} if not implied.keys() <= known.keys() else known


def _implied(dependency: Dependency, known: Known) -> Iterator[tuple[str, Value]]:
    holds = is_held(dependency, known)
    parent = dependency.parent
    if holds:
        yield parent.name, dependency.value
        yield from ((child.name, dependency.forced) for child in dependency.children)
    elif holds is False and len(parent.values) == 2:  # noqa: PLR2004 - a yes or a no
        yield parent.name, next(v for v in parent.values if v != dependency.value)


def is_held(dependency: Dependency, known: Known) -> bool | None:
    """Whether the parent has the dependency's value, as itself or a child tells; else None."""
    if dependency.parent.name in known:
        return known[dependency.parent.name] == dependency.value
    told = {known[c.name] for c in dependency.children if c.name in known}
    return dependency.forced in told if told else None
