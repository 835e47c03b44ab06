import pytest

from churn.customer import ADD_ONS
from churn.model.explanation import Reason, reasons
from churn.model.score import Score
from churn.parsing import parse_customer
from tests.customer_file import conditioner, read_rows, trained


def _of_row(number: int, *, protected: bool = False) -> tuple[tuple[Reason, ...], Score]:
    row = {k: v for k, v in read_rows()[number].items() if k != "Churn"}
    known = parse_customer(row)
    score = conditioner().score(known)
    return reasons(known, score, protected=protected), score


def _reasons(raw: dict[str, object]) -> dict[str, Reason]:
    known = parse_customer(raw)
    return {reason.field: reason for reason in reasons(known, conditioner().score(known))}


@pytest.mark.parametrize("number", range(0, 7_000, 700))
def test_the_strongest_reason_comes_first(number: int) -> None:
    sizes = [abs(reason.log_odds) for reason in _of_row(number)[0]]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("number", range(0, 7_000, 700))
def test_the_reasons_with_the_protected_ones_add_up_to_the_log_odds(number: int) -> None:
    found, score = _of_row(number, protected=True)
    total = trained().scorecard.intercept + sum(reason.log_odds for reason in found)
    assert total == pytest.approx(score.log_odds, abs=1e-9)


def test_protected_attributes_are_hidden_unless_asked_for() -> None:
    hidden, _ = _of_row(0)
    shown, _ = _of_row(0, protected=True)
    assert {r.field for r in shown} - {r.field for r in hidden} == {"gender", "senior_citizen"}


def test_tied_fields_are_one_reason_with_their_sum() -> None:
    found, score = _of_row(0, protected=True)
    sums = {reason.field: reason.log_odds for reason in found}
    add_ons = [field.name for field in ADD_ONS]
    expected = sum(score.contributions[name] for name in add_ons)
    assert sums["internet_add_ons"] == pytest.approx(expected)
    phone = score.contributions["phone_service"] + score.contributions["multiple_lines"]
    assert sums["phone"] == pytest.approx(phone)
    assert sums.keys().isdisjoint((*add_ons, "phone_service", "multiple_lines"))


def test_a_reason_that_adds_nothing_is_not_given() -> None:
    found, _ = _of_row(0, protected=True)
    assert {"monthly_charges", "total_charges"}.isdisjoint(reason.field for reason in found)


def test_a_short_stay_raises_the_risk_and_a_long_one_lowers_it() -> None:
    assert _reasons({"tenure": 1})["tenure"].text == "tenure: 1 months raises the risk"
    assert _reasons({"tenure": 70})["tenure"].text == "tenure: 70 months lowers the risk"


def test_a_value_is_told_as_the_file_spells_it() -> None:
    assert _reasons({"partner": True})["partner"].value == "Yes"
    assert _reasons({"contract": "two YEAR"})["contract"].value == "Two year"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"internet_service": "No"}, "no internet service"),
        ({"online_security": "Yes", "tech_support": "Yes"}, "online security, tech support"),
    ],
)
def test_the_add_ons_are_told_by_name(raw: dict[str, object], told: str) -> None:
    assert _reasons(raw)["internet_add_ons"].value == told


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"phone_service": "No"}, "no phone service"),
        ({"multiple_lines": "Yes"}, "multiple lines"),
        ({"multiple_lines": "No"}, "single line"),
    ],
)
def test_the_phone_is_told_in_words(raw: dict[str, object], told: str) -> None:
    assert _reasons(raw)["phone"].value == told


def test_a_phone_with_lines_unknown_is_not_told_as_a_single_line() -> None:
    assert _reasons({"phone_service": "Yes"})["phone"].value != "single line"


def test_nothing_known_gives_no_reasons() -> None:
    assert _reasons({}) == {}
