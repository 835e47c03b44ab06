"""The rules between fields in SQL are those of Python, for every combination of values."""

from itertools import product

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
    try:
        parse_customer({f.name: v for f, v in zip(TIED, values, strict=True)})
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
