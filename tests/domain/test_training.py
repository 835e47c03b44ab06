import pandas as pd
import pytest
from churn.model.training import train

from churn.customer import MIN_PER_CLASS
from churn.errors import DataQualityError
from tests.customer_file import customers, trained


def _of_each(*, churned: int, stayed: int) -> pd.DataFrame:
    frame = customers()
    return pd.concat([frame[frame["churn"]].head(churned), frame[~frame["churn"]].head(stayed)])


@pytest.mark.parametrize(
    ("churned", "stayed"), [(0, 500), (MIN_PER_CLASS - 1, 500), (500, 0), (500, 49)]
)
def test_too_few_of_a_class_is_refused_with_the_numbers(churned: int, stayed: int) -> None:
    with pytest.raises(DataQualityError, match=f"{churned} customers left and {stayed} stayed"):
        train(_of_each(churned=churned, stayed=stayed))


def test_no_customers_at_all_are_refused() -> None:
    with pytest.raises(DataQualityError, match="0 customers left and 0 stayed"):
        train(customers().iloc[:0])


def test_just_enough_of_each_class_is_trained_on() -> None:
    model = train(_of_each(churned=MIN_PER_CLASS, stayed=MIN_PER_CLASS))
    assert (model.customers, model.churned) == (100, 50)


def test_the_whole_file_is_counted_and_compiled_within_tolerance() -> None:
    assert (trained().customers, trained().churned) == (7_043, 1_869)
    assert trained().largest_difference <= 1e-9


def test_training_leaves_the_frame_as_it_was() -> None:
    frame = customers().iloc[::10]
    before = frame.copy()
    train(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_training_again_gives_the_same_scorecard() -> None:
    frame = customers().iloc[::10]
    assert train(frame).scorecard == train(frame).scorecard
