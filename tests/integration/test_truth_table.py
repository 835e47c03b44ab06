"""Cleaning in SQL keeps the truth table of tests/domain/test_implications.py."""

from itertools import product

import pytest

from churn.core.errors import InvalidCustomerError
from churn.customer.description import DEPENDENCIES, Dependency
from churn.customer.parsing import parse_customer
from churn.warehouse.connect import Connection
from tests.customer_file import read_rows
from tests.loading import Row, Write, bring_in, csv_text, everything

BASE = next(row for row in read_rows() if row["tenure"] != "0")


def _combinations(dependency: Dependency) -> list[Row]:
    """Return a row for every combination of the fields of a rule."""
    fields = (dependency.parent, *dependency.children)
    every = product(*([field.label(value) for value in field.values] for field in fields))
    headers = [field.header for field in fields]
    return [
        {**BASE, **dict(zip(headers, labels, strict=True)), "customerID": str(number)}
        for number, labels in enumerate(every)
    ]


def _is_read(row: Row) -> bool:
    try:
        parse_customer({name: value for name, value in row.items() if name != "Churn"})
    except InvalidCustomerError:
        return False
    return True


@pytest.mark.parametrize("dependency", DEPENDENCIES, ids=lambda rule: str(rule.parent.name))
def test_cleaning_accepts_the_rows_that_parsing_reads(
    url: str, connection: Connection, write: Write, dependency: Dependency
) -> None:
    rows = _combinations(dependency)
    bring_in(url, write(csv_text(rows)), limit_rejected=1.0, allow_change=True)
    accepted = {str(row[0]) for row in everything(connection, "SELECT customer_id FROM customers")}
    assert accepted == {row["customerID"] for row in rows if _is_read(row)}
