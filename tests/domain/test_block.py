from collections.abc import Mapping

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from churn.core.errors import InvalidCustomerError
from churn.core.training_options import Objective
from churn.customer.description import FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model.block import block_of, describes_something
from churn.model.block_score import score_block
from churn.model.policy import Policy
from tests.customer_file import conditioner

_VALUES = {
    field.name: st.sampled_from(field.values) if field.values else st.integers(0, 120).map(float)
    for field in FEATURES
}
_GIVEN = st.fixed_dictionaries({}, optional={**_VALUES, "tenure": st.integers(0, 120)})


def _parsed(raw: Mapping[str, object]) -> Customer | None:
    try:
        return parse_customer(raw)
    except InvalidCustomerError:
        return None


_CUSTOMERS = _GIVEN.filter(lambda raw: _parsed(raw) is not None).map(parse_customer)


@given(st.lists(_CUSTOMERS, min_size=1, max_size=8))
def test_columns_have_the_customers_that_they_are_made_of(rows: list[Customer]) -> None:
    assert block_of(rows).customers() == rows
    assert describes_something(block_of(rows)).tolist() == [bool(row) for row in rows]


@given(st.lists(_CUSTOMERS, min_size=1, max_size=8))
def test_columns_are_scored_as_single_customers_are_to_the_last_bit(rows: list[Customer]) -> None:
    score = score_block(conditioner(), block_of(rows))
    for place, row in enumerate(rows):
        one = conditioner().score(row)
        assert score.probability[place] == one.probability
        assert (score.low[place], score.high[place]) == one.interval


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(0, 1_000)), min_size=1))
def test_many_decisions_are_those_of_one_customer_each(
    found: list[tuple[float, float | None]],
) -> None:
    policy = Policy(objective=Objective.PROFIT, typical_monthly_charges=64.76)
    p = np.array([one for one, _ in found])
    charges = np.array([np.nan if one is None else one for _, one in found])
    assert policy.expected_profits(p, charges).tolist() == [
        policy.expected_profit(*one) for one in found
    ]
    assert policy.contacts(p, charges).tolist() == [policy.contact(*one) for one in found]
    assert policy.thresholds(charges).tolist() == [policy.threshold_at(one) for _, one in found]
