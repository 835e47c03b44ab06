"""A model that does not beat the majority baseline beyond noise is refused, in those words."""

import numpy as np
import pandas as pd
import pytest

from churn.core.errors import DataQualityError
from churn.core.training_options import Economics
from churn.training.evaluation import Dataset, cross_validate
from churn.training.families import families
from churn.training.fitted import train_frame
from churn.training.majority_baseline import majority_baseline, refuse_no_better
from tests.customer_file import SMALL, customers

pytestmark = pytest.mark.slow

REFUSED = "does not beat the majority baseline beyond noise, so it is not published"


def _shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    churn = np.random.default_rng(seed).permutation(frame["churn"].to_numpy())
    return frame.assign(churn=churn)


def _judge(frame: pd.DataFrame) -> None:
    rows = Dataset.of(frame, Economics())
    refuse_no_better(cross_validate(families()[0], rows).measured, majority_baseline(rows))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_trained_on_shuffled_labels(seed: int) -> None:
    with pytest.raises(DataQualityError, match=REFUSED):
        train_frame(_shuffled(customers().iloc[seed::4], seed), recipe=SMALL)


@pytest.mark.parametrize("size", [300, 700, 2_000])
def test_shuffled_labels_are_refused_whatever_the_seed_and_the_size(size: int) -> None:
    for seed in range(15):
        some = customers().sample(size, random_state=seed)
        with pytest.raises(DataQualityError, match=REFUSED) as refused:
            _judge(_shuffled(some, seed))
        assert "all of it must be below 0" in str(refused.value)


@pytest.mark.parametrize("size", [250, 300, 700])
def test_small_files_with_a_real_signal_are_trained_on(size: int) -> None:
    for seed in range(10):
        _judge(customers().sample(size, random_state=seed))


def test_a_small_file_is_trained_on_from_end_to_end() -> None:
    model = train_frame(customers().sample(300, random_state=1), recipe=SMALL)
    assert model.report.published.measured.figure("roc_auc").value > 0.7


def test_a_signal_of_few_churned_customers_is_enough() -> None:
    """60 of 3,000 customers churned: 2 %."""
    frame = customers()
    some = pd.concat([frame[frame["churn"]].iloc[:60], frame[~frame["churn"]].iloc[:2_940]])
    _judge(some)
