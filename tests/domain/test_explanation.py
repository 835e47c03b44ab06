import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.customer.description import ADD_ONS, FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model.explanation import Explanation, Reason, explain
from churn.model.score import Score, sigmoid
from tests.customer_file import conditioner, customers, customers_of, read_rows

ROWS = customers_of(customers().iloc[::70])
_SUBSETS = st.frozensets(st.sampled_from([field.name for field in FEATURES]))


def _of_row(number: int, *, protected: bool = False) -> tuple[Explanation, Score]:
    known = parse_customer({k: v for k, v in read_rows()[number].items() if k != "Churn"})
    score = conditioner().score(known)
    return explain(known, score, protected=protected), score


def _reasons(raw: dict[str, object]) -> dict[str, float]:
    known = parse_customer(raw)
    found = explain(known, conditioner().score(known)).reasons
    return {reason.field: reason.log_odds for reason in found}


@given(
    st.sampled_from(ROWS),
    _SUBSETS,
    st.none() | st.integers(min_value=0, max_value=6),
    st.booleans(),
)
def test_the_parts_add_up_to_the_probability_whatever_is_known_and_shown(
    row: Customer, names: frozenset[str], most: int | None, protected: bool
) -> None:
    known = parse_customer({name: value for name, value in row.items() if name in names})
    score = conditioner().score(known)
    parts = explain(known, score, most=most, protected=protected)
    reasons = math.fsum(reason.log_odds for reason in parts.reasons)
    assert abs(parts.base + reasons + parts.other + parts.uncertainty - parts.log_odds) <= 1e-9
    assert abs(sigmoid(parts.log_odds) - score.probability) <= 1e-12


@pytest.mark.parametrize("number", range(0, 7_000, 700))
def test_the_strongest_reason_comes_first(number: int) -> None:
    sizes = [abs(reason.log_odds) for reason in _of_row(number)[0].reasons]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("number", range(0, 7_000, 700))
def test_with_every_reason_shown_nothing_is_left_over(number: int) -> None:
    parts, score = _of_row(number, protected=True)
    assert parts.other == 0
    assert parts.uncertainty == 0
    assert parts.base == score.base


def test_protected_attributes_are_hidden_unless_requested_but_counted() -> None:
    (hidden, score), (shown, _) = _of_row(0), _of_row(0, protected=True)
    difference = {r.field for r in shown.reasons} - {r.field for r in hidden.reasons}
    assert difference == {"gender", "senior_citizen"}
    protected = score.contributions["gender"] + score.contributions["senior_citizen"]
    assert hidden.other == pytest.approx(protected, abs=1e-12)
    assert protected != 0


def test_only_as_many_reasons_as_requested_are_shown_and_the_others_are_counted() -> None:
    row = ROWS[3]
    score = conditioner().score(row)
    every = explain(row, score, protected=True).reasons
    short = explain(row, score, most=3, protected=True)
    assert short.reasons == every[:3]
    assert short.other == pytest.approx(sum(reason.log_odds for reason in every[3:]))


def test_tied_fields_are_one_reason_with_their_sum() -> None:
    parts, score = _of_row(0, protected=True)
    sums = {reason.field: reason.log_odds for reason in parts.reasons}
    add_ons = [field.name for field in ADD_ONS]
    expected = sum(score.contributions[name] for name in add_ons)
    assert sums["internet_add_ons"] == pytest.approx(expected)
    phone = score.contributions["phone_service"] + score.contributions["multiple_lines"]
    assert sums["phone"] == pytest.approx(phone)
    assert sums.keys().isdisjoint((*add_ons, "phone_service", "multiple_lines"))


def test_without_internet_its_add_ons_are_no_reason_of_their_own() -> None:
    score = conditioner().score(parse_customer({"internet_service": "No"}))
    found = _reasons({"internet_service": "No"})
    assert found == {"internet_service": pytest.approx(sum(score.contributions.values()))}


def test_a_reason_that_adds_nothing_is_not_given() -> None:
    parts, _ = _of_row(0, protected=True)
    assert {"monthly_charges", "total_charges"}.isdisjoint(r.field for r in parts.reasons)


def test_a_short_stay_raises_the_risk_and_a_long_one_lowers_it() -> None:
    assert _reasons({"tenure": 1})["tenure"] > 0 > _reasons({"tenure": 70})["tenure"]


def test_the_reasons_of_the_average_customer_are_relative_to_the_base() -> None:
    score = Score(log_odds=-1.0, variance=0.0, base=-1.5, contributions={"partner": 0.5})
    parts = explain(parse_customer({"partner": False}), score)
    assert parts == Explanation(-1.5, (Reason("partner", 0.5),), 0.0, 0.0, -1.0)


def test_nothing_known_gives_no_reasons() -> None:
    assert _reasons({}) == {}
