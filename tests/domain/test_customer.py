from churn.customer.description import BY_OUTSIDE_NAME, COLUMNS, FEATURES, normalised
from tests.customer_file import read_rows


def test_the_columns_are_the_customer_files_in_its_order() -> None:
    assert [field.header for field in COLUMNS] == list(read_rows()[0])


def test_every_name_and_header_leads_to_its_own_field() -> None:
    for field in COLUMNS:
        assert BY_OUTSIDE_NAME[normalised(field.name)] is field
        assert BY_OUTSIDE_NAME[normalised(field.header)] is field


def test_the_values_of_every_choice_and_flag_are_those_of_the_file() -> None:
    rows = read_rows()
    for field in (f for f in FEATURES if f.values):
        in_file = {field.spellings[row[field.header].lower()] for row in rows}
        assert in_file == set(field.values), field.name


def test_only_gender_and_age_are_marked_as_protected() -> None:
    assert {f.name for f in COLUMNS if f.protected} == {"gender", "senior_citizen"}
