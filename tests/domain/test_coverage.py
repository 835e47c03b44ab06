"""Intervals hold the probability with every field known 9 times in 10, whatever is known.

On the hold-out, from which nothing was learned, in every quarter of risk. A quarter has 348
customers, so its coverage is known to 1.6 points (one standard error).
"""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from churn.customer.description import FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model.block import block_of
from churn.model.block_score import BlockScore, score_block
from churn.model.conditioning import Conditioner
from churn.model.scorecard import Scorecard
from churn.training.compiling import compile_scorecard
from churn.training.encoded_customers import Encoded, leaders_of
from churn.training.features import fit_profiles
from churn.training.folds import deal
from tests.customer_file import (
    conditioner,
    customers,
    customers_of,
    held_out,
    learned_from,
    part_of,
    trained,
)

NAMES = [field.name for field in FEATURES]
ORIGIN = ("tenure", "monthly_charges", "gender", "partner")
SUBSETS = 50


def _scored(model: Conditioner, rows: list[Customer]) -> BlockScore:
    return score_block(model, block_of(rows))


@cache
def _held_out() -> list[Customer]:
    frame = customers()
    return customers_of(frame[held_out(frame)])


@cache
def _truth() -> NDArray[np.float64]:
    return _scored(conditioner(), _held_out()).probability


@cache
def _unseen() -> list[tuple[Conditioner, list[Customer], NDArray[np.float64]]]:
    """Return a model of each four fifths of the customers, with the last fifth and its truth."""
    frame, found = customers(), []
    for places in _folds():
        some = frame[~places]
        learn = Encoded.of(some)
        model = Conditioner(compile_scorecard(fit_profiles(learn, some), learn))
        rows = customers_of(frame[places])
        found.append((model, rows, _scored(model, rows).probability))
    return found


def _folds() -> list[NDArray[np.bool_]]:
    (places,) = deal(Encoded.of(customers()).y, leaders_of(customers()), folds=5, repeats=1)
    return [places == fold for fold in range(5)]


def _coverage(names: tuple[str, ...]) -> list[float]:
    """Return the share of customers whose interval holds the truth, by quarter of risk.

    Of all customers, each by a model that has not learned from it.
    """
    risks, inside = [], []
    for model, rows, truth in _unseen():
        found = _scored(model, [part_of(row, names) for row in rows])
        risks.append(found.probability)
        inside.append((found.low <= truth + 1e-9) & (truth - 1e-9 <= found.high))
    quarters = np.array_split(np.argsort(np.concatenate(risks), kind="stable"), 4)
    return [float(np.concatenate(inside)[one].mean()) for one in quarters]


def _on_hold_out(names: tuple[str, ...], model: Conditioner) -> list[float]:
    found = _scored(model, [part_of(row, names) for row in _held_out()])
    inside = (found.low <= _truth() + 1e-9) & (_truth() - 1e-9 <= found.high)
    quarters = np.array_split(np.argsort(found.probability, kind="stable"), 4)
    return [float(inside[one].mean()) for one in quarters]


def _subsets() -> list[tuple[str, ...]]:
    rng = np.random.default_rng(20_260_103)
    sizes = rng.integers(1, len(NAMES), size=SUBSETS)
    return [tuple(rng.permutation(NAMES)[:size].tolist()) for size in sizes]


@pytest.mark.parametrize("names", [ORIGIN, *((name,) for name in NAMES)], ids="-".join)
def test_the_origins_fields_and_single_ones_are_covered_in_every_quarter(
    names: tuple[str, ...],
) -> None:
    quarters = _coverage(names)
    assert 0.88 <= np.mean(quarters) <= 0.95, quarters
    assert min(quarters) >= 0.85, quarters


def test_random_subsets_are_covered_in_every_quarter() -> None:
    found = {names: _coverage(names) for names in _subsets()}
    means = [np.mean(quarters) for quarters in found.values()]
    assert min(means) >= 0.87
    assert 0.89 <= np.median(means) <= 0.93
    low = {names: quarters for names, quarters in found.items() if min(quarters) < 0.85}
    assert not low


def test_without_third_moments_the_intervals_are_as_wide_for_every_customer() -> None:
    """A version from before there were any; it is also what the moments are good for."""
    earlier = trained().scorecard.model_copy(update={"third_moments": ()})
    model = Conditioner(earlier)
    assert model.score(parse_customer({"internet_service": "No"})).spread is None
    assert min(_on_hold_out(("internet_service",), model)) < 0.82
    assert min(_on_hold_out(("internet_service",), conditioner())) > 0.85


def test_the_spread_of_a_single_choice_is_the_variance_that_was_seen() -> None:
    frame = learned_from()
    log_odds = trained().model.decision_function(frame)
    for value in ("DSL", "Fiber optic", "No"):
        seen = float(np.var(log_odds[(frame["internet_service"] == value).to_numpy()]))
        score = conditioner().score(parse_customer({"internet_service": value}))
        assert score.spread == pytest.approx(max(seen, 0.6 * score.variance), rel=1e-5)


def test_few_customers_to_learn_from_cover_too() -> None:
    some = learned_from().sample(560, random_state=1)
    learn = Encoded.of(some)
    few: Scorecard = compile_scorecard(fit_profiles(learn, some), learn)
    model, means = Conditioner(few), []
    truth = _scored(model, _held_out()).probability
    for names in (ORIGIN, *_subsets()[:20]):
        found = _scored(model, [part_of(row, names) for row in _held_out()])
        inside = (found.low <= truth + 1e-9) & (truth - 1e-9 <= found.high)
        means.append(inside.mean())
    assert min(means) >= 0.8
    assert 0.87 <= np.mean(means) <= 0.95
