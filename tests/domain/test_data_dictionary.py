from churn.customer.data_dictionary import render
from tests.customer_file import CHURN_CSV


def test_the_data_dictionary_in_the_data_folder_is_up_to_date() -> None:
    written = CHURN_CSV.with_name("data_dictionary.md").read_text(encoding="utf-8")
    assert written == render(), "churn data-dictionary > data/data_dictionary.md"
