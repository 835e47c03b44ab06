import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.customer.description import ADD_ONS, FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model.what_if import SERVICES, TERMS, Change, what_if
from tests.customer_file import conditioner, customers, customers_of, part_of

ROWS = customers_of(customers().iloc[::70])
_SUBSETS = st.frozensets(st.sampled_from([field.name for field in FEATURES]))


def _changes(known: Customer) -> tuple[Change, ...]:
    return what_if(known, conditioner().changed)


@given(st.sampled_from(ROWS), _SUBSETS)
def test_each_change_has_the_probability_of_the_changed_customer(
    row: Customer, names: frozenset[str]
) -> None:
    some = part_of(row, names)
    now = conditioner().score(some).probability
    for change in _changes(some):
        changed = parse_customer({**some, change.field: change.value})
        then = conditioner().score(changed).probability
        assert change.probability == pytest.approx(then, abs=1e-12)
        assert change.difference == pytest.approx(then - now, abs=1e-12)


@given(st.sampled_from(ROWS), _SUBSETS)
def test_a_changed_customer_keeps_the_rules_between_fields(
    row: Customer, names: frozenset[str]
) -> None:
    known = part_of(row, names)
    for change in _changes(known):
        changed = {**known, change.field: change.value}
        assert parse_customer(changed) == changed
        assert changed != known


def test_what_is_unknown_is_not_changed() -> None:
    assert {change.field for change in _changes(parse_customer({"contract": "One year"}))} == {
        "contract"
    }
    assert _changes(parse_customer({"tenure": 5, "gender": "Male"})) == ()


def test_every_other_term_is_offered_and_every_service_that_was_not_taken() -> None:
    row = next(r for r in ROWS if r["internet_service"] == "DSL" and r["multiple_lines"] == "No")
    found = {(change.field, change.value) for change in _changes(row)}
    terms = {(f.name, v) for f in TERMS for v in f.values if v != row[f.name]}
    services = {(f.name, "Yes") for f in SERVICES if row[f.name] == "No"}
    assert found == terms | services
    assert services


def test_without_internet_no_add_on_is_offered_and_without_a_phone_no_second_line() -> None:
    names = {field.name for field in ADD_ONS}
    without_internet = next(row for row in ROWS if row["internet_service"] == "No")
    assert names.isdisjoint(change.field for change in _changes(without_internet))
    without_phone = next(row for row in ROWS if row["phone_service"] is False)
    found = {change.field for change in _changes(without_phone)}
    assert "multiple_lines" not in found
    assert found & names


def test_the_change_with_the_lowest_probability_comes_first() -> None:
    found = [change.probability for change in _changes(ROWS[0])]
    assert found == sorted(found)
    assert len(found) > 5
