"""The profit per customer against what was measured before the product was built (out of fold)."""

import pytest

from churn.core.training_options import Economics, Objective
from churn.model.policy import Policy
from churn.training.evaluation import Dataset
from churn.training.sensitivity import by_acceptance, by_choice
from tests.customer_file import customers, trained


def _by_acceptance() -> dict[float, float]:
    report = trained().report
    found = by_acceptance(report.published, report.rows, trained().policy)
    return {round(true, 6): figure.value for true, figure in found.items()}


def _by_choice(policy: Policy) -> dict[str, float]:
    report = trained().report
    found = by_choice(report.published, report.rows, policy)
    return {name: figure.value for name, figure in found.items()}


def test_deciding_by_an_acceptance_that_is_not_true_costs_what_was_measured() -> None:
    found = _by_acceptance()
    assert found[0.3] == pytest.approx(14.48, abs=0.1)
    assert found[0.1] == pytest.approx(1.37, abs=0.1)
    assert found[0.05] == pytest.approx(-1.91, abs=0.1)
    assert found[0.3] > found[0.2] > found[0.1] > 0 > found[0.05]


def test_other_ways_to_choose_bring_what_was_measured() -> None:
    found = _by_choice(trained().policy)
    expected = {
        "expected profit over 0 (`profit`)": 14.48,
        "probability at least .5 (`half`)": 9.81,
        "monthly charges and the base rate alone": 13.11,
        "every customer": 11.33,
        "an oracle": 18.68,
    }
    assert found == pytest.approx(expected, abs=0.15)  # other folds


def test_whatever_the_live_policy_is_the_ways_to_choose_are_the_same() -> None:
    by_half = trained().policy.model_copy(update={"objective": Objective.HALF, "threshold": 0.5})
    assert _by_choice(by_half) == _by_choice(trained().policy)


def test_no_choice_brings_more_than_the_oracle_and_an_incentive_lowers_them_all() -> None:
    policy = trained().policy
    dear = policy.model_copy(update={"incentive": 5.0, "margin": 0.8})
    report = trained().report
    rows = Dataset.of(report.rows.frame, Economics(incentive=5.0, margin=0.8))
    found = by_choice(report.published, rows, dear)
    for name, value in _by_choice(policy).items():
        assert found[name].value < value
        assert found[name].value <= found["an oracle"].value


def test_contacting_every_customer_brings_what_is_worked_by_hand() -> None:
    frame, report = customers(), trained().report
    everybody = trained().policy.model_copy(update={"objective": Objective.HALF, "threshold": 0.0})
    charges = frame["monthly_charges"][frame["churn"]].sum() / len(frame)
    for true, figure in by_acceptance(report.published, report.rows, everybody).items():
        assert figure.value == pytest.approx(true * 3.6 * charges - 10)
