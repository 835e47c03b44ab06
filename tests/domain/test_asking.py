from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.customer.description import FEATURES, Customer
from churn.model.gaussian import condition
from tests.customer_file import conditioner, customers, customers_of, part_of

ROWS = customers_of(customers().iloc[::70])
_SUBSETS = st.frozensets(st.sampled_from([field.name for field in FEATURES]))
_CUSTOMERS = st.sampled_from(ROWS)


def _variance(known: Customer, names: Iterable[str]) -> float:
    return conditioner().score(part_of(known, names)).variance


@given(st.sampled_from([row for row in ROWS if row["internet_service"] == "DSL"]), _SUBSETS)
def test_the_field_to_ask_next_lowers_the_variance_most(
    known: Customer, names: frozenset[str]
) -> None:
    some = part_of(known, names)
    asked = conditioner().score(some).ask_next(some)
    open_ = {f.name for f in FEATURES if not f.protected} - some.keys()
    left = {name: _variance(known, {*some, name}) for name in open_}
    if asked is None:
        assert all(variance > _variance(known, some) - 1e-5 for variance in left.values())
    else:
        assert left[asked] == pytest.approx(min(left.values()), abs=1e-9)


@given(_CUSTOMERS, _SUBSETS)
def test_what_is_known_or_follows_or_is_protected_is_never_requested(
    known: Customer, names: frozenset[str]
) -> None:
    whole = part_of(known, names)
    asked = conditioner().score(whole).ask_next(whole)
    assert asked not in {*whole, "gender", "senior_citizen", "customer_id"}


def test_the_variance_that_an_answer_removes_is_worked_by_hand() -> None:
    """Two correlated unknowns, weights 1 and 2: asking the second leaves 1 - 0.5^2."""
    moments = np.array([[1.0, 0.5], [0.5, 1.0]])
    given_nothing = condition(moments, np.array([1.0, 2.0]), np.array([False, False]))
    assert given_nothing.variance == pytest.approx(1 + 4 + 2 * 2 * 0.5)
    removed = given_nothing.variance_removed(np.array([False, True]))
    assert given_nothing.variance - removed == pytest.approx(1 - 0.5**2)


def test_everything_known_leaves_nothing_to_ask() -> None:
    assert conditioner().score(ROWS[0]).ask_next(ROWS[0]) is None
