import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from churn.core.training_options import Economics, Objective, TrainingOptions
from churn.model import policy
from churn.model.policy import Policy, best_f1_threshold
from tests.customer_file import trained


def test_expected_profit_decides_by_default() -> None:
    assert Policy().objective is TrainingOptions().objective is Objective.PROFIT


def test_by_one_half_a_customer_at_one_half_is_contacted() -> None:
    rule = Policy(objective=Objective.HALF)
    assert rule.contact(0.5)
    assert not rule.contact(0.4999)


@given(
    st.floats(0, 1),
    st.floats(1, 500),
    st.floats(0.05, 1),
    st.floats(0.5, 24),
    st.floats(0.5, 100),
)
def test_profit_contacts_exactly_where_the_expected_profit_is_over_0(
    probability: float, bill: float, acceptance: float, months: float, cost: float
) -> None:
    rule = Policy(objective=Objective.PROFIT, acceptance=acceptance, months=months, cost=cost)
    value = probability * acceptance * months * bill - cost
    assert rule.expected_profit(probability, bill) == pytest.approx(value)
    assert rule.contact(probability, bill) == (rule.expected_profit(probability, bill) > 0)


@given(
    st.floats(0, 1),
    st.floats(0, 500),
    st.tuples(st.floats(0.05, 1), st.floats(0, 1)),
    st.floats(0.05, 1),
    st.floats(0, 100),
)
def test_the_expected_profit_is_the_mean_over_churning_and_retained_customers(
    p: float, charges: float, accepted: tuple[float, float], margin: float, incentive: float
) -> None:
    acceptance, retained = accepted
    rule = Policy(
        acceptance=acceptance, margin=margin, incentive=incentive, retained_acceptance=retained
    )
    churning = acceptance * (margin * 3.6 * charges - incentive) - 10
    staying = -retained * incentive - 10
    expected = p * churning + (1 - p) * staying
    assert rule.expected_profit(p, charges) == pytest.approx(expected, abs=1e-9)


def test_an_incentive_that_retained_customers_take_too_costs_its_worth() -> None:
    """Worked by hand: .3 x .2 x (.5 x 3.6 x 100 - 20) - .7 x .4 x 20 - 10, with p = .3."""
    rule = Policy(acceptance=0.2, margin=0.5, incentive=20.0, retained_acceptance=0.4)
    assert rule.expected_profit(0.3, 100.0) == pytest.approx(-6.0)
    assert not rule.contact(0.3, 100.0)
    assert rule.break_even(100.0) == pytest.approx(18 / 40)


def test_the_profit_of_a_worked_example() -> None:
    rule = Policy(objective=Objective.PROFIT)
    assert rule.expected_profit(0.5, 100.0) == pytest.approx(0.5 * 0.3 * 3.6 * 100 - 10)
    assert rule.contact(0.5, 100.0)
    assert not rule.contact(0.5, 18.0)


def test_unknown_monthly_charges_are_taken_as_the_typical_ones() -> None:
    rule = Policy(objective=Objective.PROFIT, typical_monthly_charges=65.0)
    assert rule.expected_profit(0.3) == rule.expected_profit(0.3, 65.0)


@pytest.mark.parametrize("objective", list(Objective))
def test_deciding_on_many_is_deciding_on_each(objective: Objective) -> None:
    rule = Policy(objective=objective, threshold=0.3, typical_monthly_charges=60.0)
    random = np.random.default_rng(2)
    p, charges = random.random(200), random.uniform(18, 120, 200)
    charges[::7] = np.nan
    known = [None if np.isnan(each) else each for each in charges.tolist()]
    each = list(zip(p.tolist(), known, strict=True))
    assert rule.contacts(p, charges).tolist() == [rule.contact(*pair) for pair in each]
    assert rule.expected_profits(p, charges).tolist() == [rule.expected_profit(*o) for o in each]
    assert rule.thresholds(charges).tolist() == [rule.threshold_at(one) for one in known]


def test_break_even_is_where_asking_costs_what_it_brings() -> None:
    assert Policy().break_even(100.0) == pytest.approx(10 / 108)
    assert Policy().break_even(1.0) == 1.0
    assert Policy().break_even(0.0) == 1.0


@given(st.integers(0, 1_000))
def test_no_threshold_has_a_better_f1_than_the_best(seed: int) -> None:
    random = np.random.default_rng(seed)
    p = np.round(random.random(40), 1)
    y = np.append((random.random(39) < p[:39]).astype(np.int64), 1)
    best = best_f1_threshold(y, p, np.ones(40))
    tried = [f1_score(y, p >= threshold) for threshold in np.unique(p)]
    assert f1_score(y, p >= best) == pytest.approx(max(tried))


def test_thresholds_come_from_the_scores_they_are_chosen_on_and_no_others() -> None:
    report = trained().report
    learn = report.rows.take(~report.rows.is_held_out)
    chosen = policy.policies(
        Economics(),
        typical_monthly_charges=float(np.average(learn.monthly_charges, weights=learn.weights)),
        best_f1=best_f1_threshold(learn.y, report.challengers[0].repeat(0), learn.weights),
    )
    assert chosen[Objective.BEST_F1] == report.policies[1].policy


def test_contacting_by_expected_profit_brings_most_on_the_hold_out() -> None:
    profits = {c.policy.objective: c.figures["profit"].value for c in trained().report.policies}
    assert profits[Objective.PROFIT] > profits[Objective.BEST_F1] > profits[Objective.HALF]


def test_the_profit_out_of_fold_is_the_one_measured_before_we_started() -> None:
    assert trained().report.published.measured.figure("profit").value == pytest.approx(
        14.51, abs=0.1
    )
