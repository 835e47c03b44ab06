"""A load that waits in its staging table to be cleaned, and the SQL that its file calls for."""

from dataclasses import dataclass, replace
from datetime import date
from typing import cast

import psycopg
from psycopg import sql

from churn.core.errors import WarehouseError
from churn.customer.description import COLUMNS, SNAPSHOT_DATE
from churn.warehouse.cleaning.rules import Rules
from churn.warehouse.connect import Connection, placeholders, scalar, statement
from churn.warehouse.loading.header import Header, match_header
from churn.warehouse.loading.number_format import NumberFormat
from churn.warehouse.loading.staging import staging_table


@dataclass(frozen=True)
class Cover:
    """A load that had every customer, so that those not changed since are known as of its day."""

    load_id: int
    day: date


@dataclass(frozen=True)
class Staged:
    """A load that waits to be cleaned, and the SQL that its file calls for."""

    load_id: int
    rows: int
    delimiter: str
    snapshot_date: object
    header: Header
    rules: Rules
    covers: tuple[Cover, ...] = ()
    is_latest: bool = True
    has_repeats: bool = False
    unended: str = ""
    """The last line, where the file does not end with a line end."""

    @property
    def speaks_of_one_day(self) -> bool:
        """Whether no row has a day of its own."""
        return SNAPSHOT_DATE not in self.header.fields

    def known_day(self, table: str) -> sql.Composable:
        """Return the day as of which a customer is known.

        That of the row, or of a later load that had every customer and left this one as it was.
        """
        day = sql.Identifier(table, "snapshot_date")
        if not self.covers:
            return day
        whens = [
            sql.SQL("WHEN {} <= {} THEN {}::date").format(
                sql.Identifier(table, "load_id"), cover.load_id, str(cover.day)
            )
            for cover in self.covers
        ]
        return sql.SQL("greatest({}, CASE {} END)").format(day, sql.SQL(" ").join(whens))

    def parts(self, *names: str) -> dict[str, sql.Composable]:
        """Return what the statements have in common, or what is named of it."""
        parts = {
            "staging": staging_table(self.load_id),
            "staged_id": self.rules.customer_id(),
            "is_known": self.rules.is_known(),
            "row_snapshot_date": self.rules.snapshot_date(sql.Literal(self.snapshot_date)),
            "columns": listed_columns(),
            "load_id": sql.Literal(self.load_id),
        }
        return {name: parts[name] for name in names}

    def with_repeats(self) -> "Staged":
        """Return the same load with rows whose id comes again further down."""
        return replace(self, has_repeats=True)

    def is_absent(self) -> sql.Composable:
        """Return whether a customer is not in the file."""
        return statement("is_absent", **self.parts("staging", "staged_id"))

    def sampled(self, *, one_in: int) -> sql.Composable:
        """Return the query that types and checks one row in so many."""
        only = statement("only_sampled", **self.parts("staged_id"), one_in=sql.Literal(one_in))
        return self.with_repeats()._judged(only)

    def judged(self, *, only_changed: bool = False, with_text: bool = False) -> sql.Composable:
        """Return the query that types and checks the rows, with their text where it is needed."""
        only = statement("only_changed", **self.parts("staged_id", "is_known"))
        return self._judged(only if only_changed else sql.SQL(""), with_text=with_text)

    def _judged(self, only: sql.Composable, *, with_text: bool = False) -> sql.Composable:
        valid = self.rules.is_valid()
        repeated = statement("is_repeated", is_valid=valid)
        return statement(
            "judge_rows",
            **self.parts("staging", "row_snapshot_date"),
            typed_columns=self.rules.typed_columns(),
            is_valid=valid,
            is_repeated=repeated if self.has_repeats else sql.SQL("false"),
            only=only,
            raw_columns=self._raw_columns(with_text=with_text),
        )

    def _raw_columns(self, *, with_text: bool) -> sql.Composable:
        names = ("raw_line", *self.header.columns) if with_text else self.rules.looked_at
        return sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier("staging", n)) for n in names)


def listed_columns(table: str | None = None) -> sql.Composable:
    """Return the names of the customer columns, those of a table where one is named."""
    names = [(table, f.name) if table else (f.name,) for f in COLUMNS]
    return sql.SQL(", ").join(sql.Identifier(*name) for name in names)


def read_staged(connection: Connection, load_id: int) -> Staged:
    """Return the load that waits.

    Raises:
        WarehouseError: there is no such load, or its staging table is gone.
    """
    values = {"load_id": load_id}
    query = statement("read_waiting_load", **placeholders(values))
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise WarehouseError(f"there is no load {load_id}; load the file first")
    rows, delimiter, decimal, thousands, unended, headers, day, is_latest = row
    _require_staging(connection, load_id, int(str(rows)))
    header = match_header([str(name) for name in list(headers)])  # type: ignore[call-overload]
    present = [f for f in header.fields if f]
    rules = Rules(present, numbers=NumberFormat(str(decimal), str(thousands)))
    return Staged(
        load_id,
        int(str(rows)),
        str(delimiter),
        day,
        header,
        rules,
        covers=_read_covers(connection),
        is_latest=bool(is_latest),
        unended=str(unended or ""),
    )


def _read_covers(connection: Connection) -> tuple[Cover, ...]:
    """Return the latest day first, then only loads that cover rows which those before do not."""
    covers: list[Cover] = []
    for load_id, day in connection.execute(statement("read_complete_loads")).fetchall():
        cover = Cover(cast(int, load_id), cast(date, day))
        if not covers or cover.load_id > covers[-1].load_id:
            covers.append(cover)
    return tuple(covers)


def _require_staging(connection: Connection, load_id: int, rows: int) -> None:
    name = staging_table(load_id).as_string(connection)
    query = sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(sql.Literal(name))
    if scalar(connection, query):
        found = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(staging_table(load_id))
        if rows and scalar(connection, found):
            return
    raise WarehouseError(
        f"the staging table of load {load_id} is gone (a crash of PostgreSQL empties it); "
        "load the file again"
    )


def has_repeats(connection: Connection, staged: Staged) -> bool:
    """Whether an id is there twice, which a unique index finds out fastest."""
    try:
        with connection.transaction():
            connection.execute(statement("index_staging", **staged.parts("staging", "staged_id")))
    except psycopg.errors.UniqueViolation:
        return True
    return False
