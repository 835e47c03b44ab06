"""What judges small companies: models that have not learned from whom they score."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from churn.customer.look_alikes import hashes
from churn.training.holdout import is_held_out
from churn.training.refits import folds, refit, score_unseen

FIRST = hashes(f"customer {number}" for number in range(1_000))
DESIGN = np.arange(1_000, dtype=float)[:, np.newaxis]
Y = (np.arange(1_000) % 3 == 0).astype(np.int64)


@dataclass
class Memory:
    """A model that returns 1 for the customers it learned from, 0 for all others."""

    seen: set[float] = field(default_factory=set)

    def predict_proba(self, design: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.array([float(row[0]) in self.seen for row in design])
        return np.column_stack([1 - found, found])


def _memorise(design: NDArray[np.float64], _: Any) -> Memory:
    return Memory(set(design[:, 0]))


def test_a_customer_is_scored_by_models_that_did_not_learn_from_it() -> None:
    places = folds(FIRST)
    assert not score_unseen(refit(_memorise, DESIGN, Y, places), DESIGN, places).any()


def test_nor_did_a_model_of_an_earlier_load_in_which_the_customer_stood_elsewhere() -> None:
    then = np.random.default_rng(0).permutation(800)
    refits = refit(_memorise, DESIGN[then], Y[then], folds(FIRST[then]))
    found = score_unseen(refits, DESIGN, folds(FIRST))
    assert found.shape == (3, 1_000)
    assert not found.any()


def test_each_model_learns_from_all_other_folds() -> None:
    sizes = [len(one.fitted.seen) for one in refit(_memorise, DESIGN, Y, folds(FIRST))]
    assert len(sizes) == 15
    assert sum(sizes[:5]) == sum(sizes[5:10]) == sum(sizes[10:]) == 4 * len(FIRST)


def test_the_folds_are_even_and_differ_between_repeats_and_from_the_hold_out() -> None:
    places = folds(FIRST)
    for repeat in places:
        assert np.bincount(repeat) == pytest.approx(200, abs=60)
    assert np.mean(places[0] == places[1]) == pytest.approx(0.2, abs=0.05)
    assert np.bincount(places[0][is_held_out(FIRST)]) == pytest.approx(40, abs=20)


def test_a_customers_folds_depend_on_nothing_but_its_id() -> None:
    assert np.array_equal(folds(FIRST)[:, 500:], folds(FIRST[500:]))
