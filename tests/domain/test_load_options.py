import pytest

from churn.core.errors import ChurnError
from churn.core.load_options import LoadOptions


def test_a_night_takes_the_whole_folder_and_a_load_may_lose_a_tenth() -> None:
    assert LoadOptions.from_values({}) == LoadOptions(data_file="", limit_lost=0.1)
    empty = {"CHURN_DATA_FILE": " ", "CHURN_LIMIT_LOST": ""}
    assert LoadOptions.from_values(empty) == LoadOptions()


def test_both_can_be_set() -> None:
    values = {"CHURN_DATA_FILE": "exports/*.csv", "CHURN_LIMIT_LOST": "0.25"}
    assert LoadOptions.from_values(values) == LoadOptions(
        data_file="exports/*.csv", limit_lost=0.25
    )


@pytest.mark.parametrize("text", ["10 %", "-0.1", "1.1", "nan", "none"])
def test_a_limit_that_is_no_share_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ChurnError, match=r"CHURN_LIMIT_LOST=.*expected a number from 0 to 1"):
        LoadOptions.from_values({"CHURN_LIMIT_LOST": text})
