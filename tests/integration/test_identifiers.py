"""Ids that look alike are one customer, however and by whichever way they come."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from churn.core.errors import InvalidCustomerError
from churn.customer.description import CUSTOMER_ID
from churn.customer.identifier import normalised_identifier
from churn.customer.parsing import parse_customer
from churn.pipeline.batch.table import Table, cells_of
from churn.warehouse.cleaning import cells
from churn.warehouse.connect import Connection, connect
from churn.warehouse.loading.number_format import NumberFormat
from churn.warehouse.lookup import find_customer
from tests.customer_file import read_rows
from tests.loading import Write, bring_in, counted, csv_text, value

ROWS = read_rows()[:60]
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202e\u2066\u034f\ufe0f\u180e\u3164"
BLANKS = "\u00a0\u2007\u202f\u3000\u2003"
ALIKE = {
    "José 7": ["Jose\u0301 7", "José\u00a07", "José\u202f7", *(f"Jo{x}sé 7" for x in INVISIBLE)],
    "AB-12": ["\ufeffAB-12", "AB-12\u200b", "AB\u200b-12", "\u202eAB-12", "\u00a0AB-12\u3000"],
    "Å1": ["A\u030a1", "\u212b1", "A\u034f\u030a1"],
}


@pytest.mark.parametrize("customer_id", ALIKE)
def test_ids_that_look_alike_are_one_customer_in_a_file(
    url: str, connection: Connection, write: Write, customer_id: str
) -> None:
    bring_in(url, write(csv_text([{**ROWS[0], "customerID": customer_id}, *ROWS[1:]])))
    for i, other in enumerate(ALIKE[customer_id]):
        rows = [{**ROWS[0], "customerID": other}, *ROWS[1:]]
        report = bring_in(url, write(csv_text(rows), f"{i}.csv"), replace=i % 2 == 1)
        assert counted(report) == (60, 0), report
        changes = report.counts.inserted, report.counts.updated, report.counts.removed
        assert changes == (0, 0, 0), ascii(other)
    query = "SELECT count(*) FROM customers WHERE customer_id = '{}'"
    assert value(connection, query.format(customer_id)) == 1


@pytest.mark.parametrize("customer_id", ALIKE)
def test_ids_that_look_alike_are_one_customer_in_a_request_a_batch_and_a_search(
    url: str, write: Write, customer_id: str
) -> None:
    bring_in(url, write(csv_text([{**ROWS[0], "customerID": customer_id}, *ROWS[1:]])))
    table = Table(["customer_id", "tenure"])
    for other in ALIKE[customer_id]:
        assert parse_customer({"customer_id": other}) == {"customer_id": customer_id}
        rows = table.read(cells_of([[other, "5"], ["x", "5"]], 2))
        assert list(rows.customer_ids) == [customer_id, "x"]
        assert not rows.errors
        with connect(url) as connection:
            assert find_customer(connection, other)


@pytest.mark.parametrize("customer_id", [*INVISIBLE, "\u200b\u2060", "\u00a0\u200b", "\u2800"])
def test_an_id_that_cannot_be_seen_is_refused_everywhere(
    url: str, write: Write, customer_id: str
) -> None:
    rows = [{**ROWS[0], "customerID": customer_id}, *ROWS[1:]]
    assert counted(bring_in(url, write(csv_text(rows)))) == (59, 1)
    with pytest.raises(InvalidCustomerError):
        parse_customer({"customer_id": customer_id})
    read = Table(["customer_id", "tenure"]).read(cells_of([[customer_id, "5"]], 2))
    assert not customer_id.strip() or list(read.errors) == [0]


_letters = st.one_of(
    st.sampled_from(
        [*INVISIBLE, *BLANKS, *"aé-7 \t\u0301\u030a\u0327\u212b\u0958\uac00\u1100\u1161"]
    ),
    st.characters(exclude_categories=("Cs", "Cn", "Co")).filter(lambda c: c != "\0"),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(_letters, max_size=12), min_size=1, max_size=40))
def test_the_database_and_python_read_any_id_alike(
    connection: Connection, texts: list[str]
) -> None:
    query = sql.SQL(
        "SELECT {}, {} FROM unnest({}::text[]) WITH ORDINALITY AS staging (raw_customer_id, place)"
        " ORDER BY place"
    ).format(
        cells.normalised(CUSTOMER_ID),
        cells.value(CUSTOMER_ID, numbers=NumberFormat()),
        sql.Literal(texts),
    )
    for text, found in zip(texts, connection.execute(query).fetchall(), strict=True):
        assert found == (normalised_identifier(text), _parsed(text)), ascii(text)


def _parsed(text: str) -> object:
    try:
        return parse_customer({"customer_id": text}).get("customer_id")  # a blank is unknown
    except InvalidCustomerError:
        return None


@given(text=st.text(_letters))
def test_a_normalised_id_stays_as_it_is(text: str) -> None:
    once = normalised_identifier(text)
    assert normalised_identifier(once) == once
    assert unicodedata.is_normalized("NFC", once)
