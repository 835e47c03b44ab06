"""The rules between fields in SQL are those of Python, for every combination of values."""

from collections.abc import Mapping
from itertools import product

import pytest

from churn.core.errors import InvalidCustomerError
from churn.customer.description import DEPENDENCIES
from churn.customer.field import Value
from churn.customer.parsing import parse_customer
from churn.warehouse.connect import Connection
from tests.customer_file import read_rows
from tests.loading import Row, Write, bring_in, csv_text, everything

TIED = [field for rule in DEPENDENCIES for field in (rule.parent, *rule.children)]
COMBINATIONS = list(product(*(field.values for field in TIED)))


def _rows() -> list[Row]:
    first = read_rows()[0]
    return [
        {**first, "customerID": f"C{number}"}
        | {f.header: f.label(value) for f, value in zip(TIED, values, strict=True)}
        for number, values in enumerate(COMBINATIONS)
    ]


def _is_valid(values: tuple[Value, ...]) -> bool:
    return _is_customer({f.name: v for f, v in zip(TIED, values, strict=True)})


def _is_customer(given: Mapping[str, Value]) -> bool:
    try:
        parse_customer(given)
    except InvalidCustomerError:
        return False
    return True


def _broken(values: tuple[Value, ...]) -> set[str]:
    """Return the children that differ from what the description says of their parent."""
    given = {f.name: v for f, v in zip(TIED, values, strict=True)}
    return {
        child.name
        for rule in DEPENDENCIES
        for child in rule.children
        if (given[rule.parent.name] == rule.value) != (given[child.name] == rule.forced)
    }


@pytest.mark.parametrize(
    "case",
    [
        ("0", "", None),
        ("0", "0", None),
        ("0", "0.00", None),
        ("0", "0.01", "total_charges: expected 0, as tenure is 0, got 0.01"),
        ("0", "100", "total_charges: expected 0, as tenure is 0, got 100"),
        ("5", "0", None),
        ("5", "100", None),
        ("5", "", "total_charges: blank, which means tenure 0, but tenure is 5"),
    ],
)
def test_the_first_month_in_sql_is_that_of_python(
    url: str, connection: Connection, write: Write, case: tuple[str, str, str | None]
) -> None:
    tenure, total, reason = case
    row = {**read_rows()[0], "tenure": tenure, "TotalCharges": total}
    bring_in(url, write(csv_text([row])), limit_rejected=1)
    found = everything(connection, "SELECT array_to_string(reasons, '|') FROM rejected_rows")
    assert [str(one) for (one,) in found] == ([reason] if reason else [])
    if total:  # a blank one is unknown in a request
        assert _is_customer({"tenure": tenure, "total_charges": total}) == (reason is None)


def test_sql_rejects_exactly_the_combinations_that_python_rejects_and_names_the_fields(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(_rows())), limit_rejected=1)
    query = "SELECT line, array_to_string(reasons, '|') FROM rejected_rows"
    found = {
        int(str(line)) - 2: {reason.split(":")[0] for reason in str(reasons).split("|")}
        for line, reasons in everything(connection, query)
    }
    expected = {n: broken for n, v in enumerate(COMBINATIONS) if (broken := _broken(v))}
    assert found == expected
    assert set(found) == {n for n, v in enumerate(COMBINATIONS) if not _is_valid(v)}
    accepted = everything(connection, "SELECT count(*) FROM customers")
    assert accepted == [(len(COMBINATIONS) - len(found),)]
