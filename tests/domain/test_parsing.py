import json
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from churn.core.errors import InvalidCustomerError, Problem
from churn.customer.description import (
    ADD_ONS,
    BY_NAME,
    CUSTOMER_ID,
    FEATURES,
    NO_INTERNET,
    NO_PHONE,
)
from churn.customer.field import Field, FieldKind, Value
from churn.customer.parsing import parse_customer
from tests.customer_file import customers, read_rows

TRUE_WORDS = ("Yes", "yes", "YES", "y", "true", "True", "t", "1", " Yes ", True, 1, 1.0)
FALSE_WORDS = ("No", "no", "NO", "n", "false", "False", "f", "0", " no\t", False, 0, 0.0)
FLAGS = [f.name for f in FEATURES if f.kind is FieldKind.FLAG]
SERVICES = ["multiple_lines", *(f.name for f in ADD_ONS)]
NUMBERS = [f.name for f in FEATURES if f.is_number]


def _problems(raw: dict[str, object]) -> tuple[Problem, ...]:
    with pytest.raises(InvalidCustomerError) as caught:
        parse_customer(raw)
    return caught.value.problems


def _problem(raw: dict[str, object]) -> Problem:
    (problem,) = _problems(raw)
    return problem


def test_the_origins_curl_is_understood() -> None:
    raw = {"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0}
    assert parse_customer(raw) == {
        "tenure": 5,
        "monthly_charges": 95.5,
        "gender": "Male",
        "partner": False,
    }


def test_every_row_of_the_customer_file_is_read_as_the_model_reads_it() -> None:
    frame = customers().drop(columns="churn")
    for row, expected in zip(read_rows(), frame.to_dict("records"), strict=True):
        assert parse_customer({k: v for k, v in row.items() if k != "Churn"}) == expected


@pytest.mark.parametrize("field", FEATURES, ids=lambda field: field.name)
def test_a_field_is_known_by_any_writing_of_its_name(field: Field) -> None:
    spoken = {
        field.name,
        field.header,
        field.name.upper(),
        field.header.lower(),
        field.name.replace("_", " ").title(),
        field.name.replace("_", "-"),
    }
    given_value = field.label(field.example) if field.values else field.example
    for name in spoken:
        assert parse_customer({name: given_value})[field.name] == field.example, name


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_takes_every_word_for_yes_and_no(flag: str) -> None:
    assert {parse_customer({flag: word})[flag] for word in TRUE_WORDS} == {True}
    assert {parse_customer({flag: word})[flag] for word in FALSE_WORDS} == {False}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_every_word_for_yes_and_no(service: str) -> None:
    assert {parse_customer({service: word})[service] for word in TRUE_WORDS} == {"Yes"}
    assert {parse_customer({service: word})[service] for word in FALSE_WORDS} == {"No"}


@pytest.mark.parametrize("word", ["Male", "male", "MALE", "m", "M", 1, "1", 1.0])
def test_male_may_be_spelled_in_many_ways(word: object) -> None:
    assert parse_customer({"gender": word}) == {"gender": "Male"}


@pytest.mark.parametrize("word", ["Female", "female", "FEMALE", "f", "F", 0, "0", 0.0])
def test_female_may_be_spelled_in_many_ways(word: object) -> None:
    assert parse_customer({"gender": word}) == {"gender": "Female"}


@pytest.mark.parametrize("field", [f for f in FEATURES if f.values], ids=lambda f: f.name)
def test_a_value_may_be_written_in_any_case_and_with_blanks_around(field: Field) -> None:
    for value in field.values:
        for text in (field.label(value).upper(), f"  {field.label(value).lower()} "):
            assert parse_customer({field.name: text})[field.name] == value


@pytest.mark.parametrize("number", [12, 12.0, "12", " 12 ", "12.0"])
def test_a_whole_number_may_come_as_text_or_with_a_zero_fraction(number: object) -> None:
    tenure = parse_customer({"tenure": number})["tenure"]
    assert tenure == 12
    assert isinstance(tenure, int)


@pytest.mark.parametrize("number", [-1, -0.01, math.nan, math.inf, -math.inf, True, False, 1e308])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_cannot_be_is_refused(name: str, number: object) -> None:
    problem = _problem({name: number})
    assert (problem.field, problem.expected) == (name, BY_NAME[name].allowed)
    assert problem.value is number


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "five", "0x10", "1,5"])
def test_a_text_that_is_no_number_is_refused(text: str) -> None:
    assert _problem({"monthly_charges": text}).expected == "a number from 0 to 1,000,000"


@pytest.mark.parametrize("tenure", [2.5, "2.5", 1_201, 10**400, "1e3x", [], {}, [5]])
def test_a_tenure_that_is_no_sensible_whole_number_is_refused(tenure: object) -> None:
    assert _problem({"tenure": tenure}).expected == "a whole number from 0 to 1,200"


@pytest.mark.parametrize("value", [True, False, 0, 1, 1.0, 1.5, math.nan, [], {}, "No idea"])
def test_a_choice_without_codes_takes_only_its_own_values(value: object) -> None:
    expected = "Month-to-month | One year | Two year"
    assert _problem({"contract": value}).expected == expected


def test_gender_takes_no_boolean_as_that_would_mean_nothing() -> None:
    assert _problem({"gender": True}).expected == "Female | Male (or 1, 0)"


@pytest.mark.parametrize("name", ["tenure", "gender", "contract", "customer_id"])
def test_an_absurdly_long_whole_number_is_refused(name: str) -> None:
    assert _problem({name: 10**5_000}).field == name


def test_null_means_unknown() -> None:
    assert parse_customer({"tenure": 5, "contract": None, "customerID": None}) == {"tenure": 5}


def test_nothing_known_is_an_empty_customer() -> None:
    assert parse_customer({}) == {}


@pytest.mark.parametrize("value", ["7590-VHVEG", " 7590-VHVEG ", 7590, "ÿ 名前"])
def test_an_identifier_is_a_trimmed_text(value: str | int) -> None:
    assert parse_customer({"customerID": value}) == {"customer_id": str(value).strip()}


@pytest.mark.parametrize("value", ["x" * 201, True, 1.5, [], "a\nb", "a\0b", "\ud800"])
def test_an_identifier_that_cannot_be_stored_or_shown_is_refused(value: object) -> None:
    assert _problem({"customer_id": value}).expected == "a text of 1 to 200 characters"


def test_no_internet_fills_in_the_six_add_ons() -> None:
    assert parse_customer({"internet_service": "No"}) == {
        "internet_service": "No",
        **{field.name: NO_INTERNET for field in ADD_ONS},
    }


@pytest.mark.parametrize("add_on", ADD_ONS, ids=lambda field: field.name)
def test_an_add_on_that_needs_internet_implies_that_there_is_none(add_on: Field) -> None:
    known = parse_customer({add_on.name: NO_INTERNET})
    assert known["internet_service"] == "No"
    assert {known[field.name] for field in ADD_ONS} == {NO_INTERNET}


def test_no_phone_fills_in_multiple_lines_and_the_other_way_round() -> None:
    both: dict[str, Value] = {"phone_service": False, "multiple_lines": NO_PHONE}
    assert parse_customer({"PhoneService": "No"}) == both
    assert parse_customer({"MultipleLines": NO_PHONE}) == both


@pytest.mark.parametrize("lines", ["Yes", "No"])
def test_lines_of_any_number_imply_that_there_is_a_phone(lines: str) -> None:
    assert parse_customer({"multiple_lines": lines})["phone_service"] is True


@pytest.mark.parametrize("internet", ["DSL", "Fiber optic"])
def test_an_internet_service_does_not_imply_which_add_ons_are_taken(internet: str) -> None:
    assert parse_customer({"internet_service": internet}) == {"internet_service": internet}


@pytest.mark.parametrize("add_on", ADD_ONS, ids=lambda field: field.name)
@pytest.mark.parametrize("taken", ["Yes", "No"])
def test_an_add_on_without_internet_is_a_contradiction(add_on: Field, taken: str) -> None:
    problem = _problem({"internet_service": "No", add_on.name: taken})
    assert problem.field == add_on.name
    assert problem.expected == f"{NO_INTERNET}, as internet_service=No"


@pytest.mark.parametrize("internet", ["DSL", "Fiber optic"])
def test_internet_with_an_add_on_that_implies_there_is_none_is_a_contradiction(
    internet: str,
) -> None:
    problem = _problem({"internet_service": internet, "tech_support": NO_INTERNET})
    assert problem == Problem(
        "tech_support", NO_INTERNET, f"No | Yes, as internet_service={internet}"
    )


@pytest.mark.parametrize(
    ("phone", "lines", "expected"),
    [
        ("No", "Yes", f"{NO_PHONE}, as phone_service=No"),
        ("No", "No", f"{NO_PHONE}, as phone_service=No"),
        ("Yes", NO_PHONE, "No | Yes, as phone_service=Yes"),
    ],
)
def test_lines_that_contradict_the_phone_are_refused(phone: str, lines: str, expected: str) -> None:
    problem = _problem({"phone_service": phone, "multiple_lines": lines})
    assert (problem.field, problem.expected) == ("multiple_lines", expected)


def test_two_add_ons_that_contradict_each_other_are_refused() -> None:
    problem = _problem({"online_backup": NO_INTERNET, "tech_support": "Yes"})
    assert problem.field == "tech_support"


@pytest.mark.parametrize("blank", ["", " ", "\t ", "\u00a0", "\r\n"])
@pytest.mark.parametrize("field", [CUSTOMER_ID, *FEATURES], ids=lambda field: field.name)
def test_a_blank_text_means_unknown_for_every_field(field: Field, blank: str) -> None:
    other = "partner" if field.name == "dependents" else "dependents"
    for name in (field.name, field.header, field.header.upper()):
        assert parse_customer({name: blank, other: "Yes"}) == {other: True}


@pytest.mark.parametrize("tenure", [0, 0.0, "0", " 00.0 "])
@pytest.mark.parametrize("total", [100, "0.01", 1e9])
def test_an_amount_in_the_first_month_is_refused(tenure: object, total: object) -> None:
    for names in (("tenure", "total_charges"), ("Tenure", "TOTALCHARGES")):
        problem = _problem(dict(zip(names, (tenure, total), strict=True)))
        assert (problem.field, problem.expected) == ("total_charges", "0, as tenure=0")


@pytest.mark.parametrize(("tenure", "total"), [(0, 0), (0, "0.0"), (0, None), (5, 0), (None, 100)])
def test_what_the_rule_of_the_first_month_does_not_cover_is_taken(
    tenure: object, total: object
) -> None:
    assert parse_customer({"tenure": tenure, "total_charges": total})


def test_a_field_given_under_two_names_is_refused() -> None:
    problem = _problem({"MonthlyCharges": 20, "monthly_charges": 30})
    assert problem.expected == "monthly_charges only once"


def test_what_is_predicted_cannot_be_given() -> None:
    assert _problem({"Churn": "No"}).expected == "to be left out: it is what is predicted"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("tenur", "tenure"), ("ternure", "tenure"), ("MonthlyCharge", "monthly_charges")],
)
def test_an_unknown_field_is_answered_with_the_nearest_one(name: str, nearest: str) -> None:
    problem = _problem({name: 5})
    assert problem.nearest == nearest
    assert problem.expected.startswith("one of customer_id, gender, senior_citizen")


@pytest.mark.parametrize(
    ("field", "value", "nearest"),
    [
        ("contract", "Month to month", "Month-to-month"),
        ("contract", "Oneyear", "One year"),
        ("internet_service", "fibre optic", "Fiber optic"),
        ("payment_method", "electronic cheque", "Electronic check"),
        ("gender", "Mal", "Male"),
    ],
)
def test_an_unknown_value_is_answered_with_the_nearest_one(
    field: str, value: str, nearest: str
) -> None:
    assert _problem({field: value}).nearest == nearest


def test_a_value_that_is_near_nothing_has_no_hint() -> None:
    assert _problem({"contract": "zzzzzz"}).nearest is None
    assert _problem({"zzzzzz": 1}).nearest is None


def test_every_problem_of_a_customer_is_reported_at_once() -> None:
    problems = _problems({"tenure": -1, "contract": "forever", "colour": "red"})
    assert [problem.field for problem in problems] == ["tenure", "contract", "colour"]


def test_the_message_names_the_field_the_value_what_is_allowed_and_the_nearest() -> None:
    expected = (
        "contract='Month to month': expected Month-to-month | One year | Two year "
        "(did you mean 'Month-to-month'?)"
    )
    assert str(_problem({"contract": "Month to month"})) == expected


def test_what_is_given_is_left_as_it_was() -> None:
    raw: dict[str, object] = {"InternetService": "No", "TotalCharges": " "}
    parse_customer(raw)
    assert raw == {"InternetService": "No", "TotalCharges": " "}


_NAMES = st.sampled_from([f.name for f in FEATURES] + [f.header for f in FEATURES]) | st.text()
_SPELLINGS = st.sampled_from(sorted({s for f in FEATURES for s in f.spellings}))
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | _SPELLINGS
_JSON = _SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(st.text(), _SCALARS, max_size=3)


@given(st.dictionaries(_NAMES, _JSON, max_size=8))
def test_any_json_object_is_either_read_or_refused_with_problems(raw: dict[str, object]) -> None:
    try:
        known = parse_customer(raw)
    except InvalidCustomerError as error:
        known, problems = parse_customer({}), error.problems
    else:
        problems = ()
    are_unknown = all(v is None or (isinstance(v, str) and not v.strip()) for v in raw.values())
    assert bool(known) or bool(problems) or are_unknown
    assert set(known) <= set(BY_NAME)


@given(st.dictionaries(_NAMES, _JSON, max_size=8))
def test_what_was_read_is_read_again_as_itself(raw: dict[str, object]) -> None:
    try:
        known = parse_customer(raw)
    except InvalidCustomerError:
        return
    assert parse_customer(known) == known


def _label(field: Field) -> st.SearchStrategy[str]:
    return st.sampled_from([field.label(value) for value in field.values])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            f.name: _label(f)
            for f in FEATURES
            if f.values and f not in (*ADD_ONS, BY_NAME["multiple_lines"])
        },
    )
)
def test_canonical_labels_round_trip(raw: dict[str, str]) -> None:
    known = parse_customer(raw)
    assert {name: BY_NAME[name].label(known[name]) for name in raw} == raw


@given(st.integers(0, 1_200), st.floats(0, 1e6), st.floats(0, 1e9))
def test_every_number_within_bounds_is_kept_as_it_is(
    tenure: int, monthly: float, total: float
) -> None:
    assume(tenure > 0 or total == 0)
    raw: dict[str, object] = {"tenure": tenure, "monthly_charges": monthly, "total_charges": total}
    assert parse_customer(raw) == raw
    assert parse_customer(json.loads(json.dumps(raw))) == raw


def test_the_identifier_is_no_feature() -> None:
    assert CUSTOMER_ID not in FEATURES


@pytest.mark.parametrize("text", ["1_0", "٣", "1e2", "+5", "0x10", "nan", "5,0"])
def test_a_number_in_a_spelling_that_cleaning_would_reject_is_refused(text: str) -> None:
    assert _problem({"tenure": text}).field == "tenure"


def _carefully(raw: Mapping[str, object]) -> object:
    """Parse under names that only the careful way knows."""
    try:
        return parse_customer({f" {name}": value for name, value in raw.items()})
    except InvalidCustomerError as error:
        return [replace(p, field=p.field.strip()) for p in error.problems]


def _looked_up(raw: Mapping[str, object]) -> object:
    try:
        return parse_customer(raw)
    except InvalidCustomerError as error:
        return list(error.problems)


_OUTSIDE = st.sampled_from([name for f in (CUSTOMER_ID, *FEATURES) for name in (f.name, f.header)])
_SPELLINGS = st.sampled_from(
    sorted({word for f in FEATURES for word in (*f.spellings, *map(f.label, f.values))})
)
_ANY: st.SearchStrategy[object] = (
    _SPELLINGS
    | st.sampled_from(
        [True, False, 0, 1, 0.0, 1.0, -0.0, 2, -1, "", " ", "05", "1e3", None, [], {}]
    )
    | st.integers(-2, 2_000)
    | st.floats(0, 2_000)
    | st.text(max_size=3)
)


@given(st.dictionaries(_OUTSIDE, _ANY, max_size=8))
def test_looking_up_exact_spellings_changes_no_answer(raw: dict[str, object]) -> None:
    found, expected = _looked_up(raw), _carefully(raw)
    assert found == expected
    assert repr(found) == repr(expected) or isinstance(found, list)


@given(st.sampled_from(read_rows()), st.dictionaries(_OUTSIDE, _ANY, max_size=2))
def test_looking_up_a_whole_customer_changes_no_answer(
    row: dict[str, str], changed: dict[str, object]
) -> None:
    raw = {name: value for name, value in row.items() if name != "Churn"} | changed
    assert _looked_up(raw) == _carefully(raw)


def test_the_nearest_name_is_looked_for_only_so_often_and_only_for_what_may_be_one() -> None:
    with pytest.raises(InvalidCustomerError) as caught:
        parse_customer({f"tenur{number}": 1 for number in range(200)} | {"tenure" * 50: 1})
    hinted = [problem.nearest for problem in caught.value.problems]
    assert len(hinted) == 201
    assert hinted[:20] == ["tenure"] * 20
    assert set(hinted[20:]) == {None}
