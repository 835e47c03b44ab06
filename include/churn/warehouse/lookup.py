"""Looks one customer up; needs no pandas, so that the service may."""

from typing import cast

from psycopg import sql

from churn.customer.description import CUSTOMER_ID, FEATURES, Customer
from churn.customer.field import Field, FieldKind, Value
from churn.customer.identifier import normalised_identifier
from churn.customer.parsing import parse_customer
from churn.warehouse.connect import Connection, placeholders, statement

_FIELDS = (CUSTOMER_ID, *FEATURES)


def find_customer(connection: Connection, customer_id: str) -> Customer | None:
    """Return one customer without the outcome, or None if there is none of that id."""
    values = {CUSTOMER_ID.name: normalised_identifier(customer_id)}
    columns = sql.SQL(", ").join(map(_selected, _FIELDS))
    query = statement("find_customer", columns=columns, **placeholders(values))
    row = connection.execute(query, values).fetchone()
    if row is None:
        return None
    names = (field.name for field in _FIELDS)
    found = zip(names, cast("tuple[Value | None, ...]", row), strict=True)
    return parse_customer(dict(found))


def _selected(field: Field) -> sql.Composable:
    column = sql.Identifier(field.name)
    return sql.SQL("{}::float8").format(column) if field.kind is FieldKind.MONEY else column
