"""A load whose rows are in a staging table, not yet cleaned, and the SQL that cleans them."""

from dataclasses import dataclass, replace
from datetime import date
from typing import cast

import psycopg
from psycopg import sql

from churn.core.errors import WarehouseError
from churn.customer.description import COLUMNS, SNAPSHOT_DATE
from churn.warehouse.cleaning.row_rules import RowRules
from churn.warehouse.connect import Connection, run, scalar, statement
from churn.warehouse.loading.header import Header, match_header
from churn.warehouse.loading.number_format import NumberFormat
from churn.warehouse.loading.staging import staging_table


@dataclass(frozen=True)
class CompleteLoad:
    """A load that had every customer: rows not changed since were right on its day."""

    load_id: int
    day: date


@dataclass(frozen=True)
class WaitingLoad:
    """A load that is not yet cleaned, and the SQL that cleans it."""

    load_id: int
    rows: int
    delimiter: str
    snapshot_date: object
    header: Header
    rules: RowRules
    complete_loads: tuple[CompleteLoad, ...] = ()
    is_latest: bool = True
    has_repeats: bool = False
    unended: str = ""
    """The last line, where the file does not end with a line end."""

    @property
    def has_one_day(self) -> bool:
        """Whether the file has one snapshot date, and no column of dates."""
        return SNAPSHOT_DATE not in self.header.fields

    def known_day(self, table: str) -> sql.Composable:
        """Return the latest day for which a customer's row is known to be right.

        It is the row's own snapshot date, or that of a later complete load that did not change it.
        """
        own_day = sql.Identifier(table, "snapshot_date")
        if not self.complete_loads:
            return own_day
        changed_by = sql.Identifier(table, "load_id")
        whens = [
            sql.SQL("WHEN {} <= {} THEN {}::date").format(changed_by, one.load_id, str(one.day))
            for one in self.complete_loads
        ]
        return sql.SQL("greatest({}, CASE {} END)").format(own_day, sql.SQL(" ").join(whens))

    def parts(self, *names: str) -> dict[str, sql.Composable]:
        """Return the named parts that several statements have."""
        parts = {
            "staging": staging_table(self.load_id),
            "staged_id": self.rules.customer_id(),
            "is_known": self.rules.is_known(),
            "row_snapshot_date": self.rules.snapshot_date(sql.Literal(self.snapshot_date)),
            "columns": listed_columns(),
            "load_id": sql.Literal(self.load_id),
        }
        return {name: parts[name] for name in names}

    def with_repeats(self) -> "WaitingLoad":
        """Return the same load, whose file has an id twice."""
        return replace(self, has_repeats=True)

    def is_absent(self) -> sql.Composable:
        """Return whether a customer is not in the file."""
        return statement("is_absent", **self.parts("staging", "staged_id"))

    def sampled(self, *, one_in: int) -> sql.Composable:
        """Return the query that types and checks a sample: one row of ``one_in``."""
        only = statement("only_sampled", **self.parts("staged_id"), one_in=sql.Literal(one_in))
        return self.with_repeats()._judged(only)

    def judged(self, *, only_changed: bool = False, with_text: bool = False) -> sql.Composable:
        """Return the query that types and checks the rows, with their raw text if requested."""
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
        names = ("raw_line", *self.header.columns) if with_text else self.rules.needed_texts
        return sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier("staging", n)) for n in names)


def listed_columns(table: str | None = None) -> sql.Composable:
    """Return the names of the customer columns, those of a table where one is named."""
    names = [(table, f.name) if table else (f.name,) for f in COLUMNS]
    return sql.SQL(", ").join(sql.Identifier(*name) for name in names)


def read_waiting_load(connection: Connection, load_id: int) -> WaitingLoad:
    """Return a load that is not yet cleaned.

    Raises:
        WarehouseError: there is no such load, or its staging table is gone.
    """
    values = {"load_id": load_id}
    row = run(connection, "read_waiting_load", values).fetchone()
    if row is None:
        raise WarehouseError(f"there is no load {load_id}; load the file first")
    rows, delimiter, decimal, thousands, unended, headers, day, is_latest = row
    _require_staging(connection, load_id, int(str(rows)))
    header = match_header([str(name) for name in list(headers)])  # type: ignore[call-overload]
    present = [f for f in header.fields if f]
    rules = RowRules(present, numbers=NumberFormat(str(decimal), str(thousands)))
    return WaitingLoad(
        load_id,
        int(str(rows)),
        str(delimiter),
        day,
        header,
        rules,
        complete_loads=_read_complete_loads(connection),
        is_latest=bool(is_latest),
        unended=str(unended or ""),
    )


def _read_complete_loads(connection: Connection) -> tuple[CompleteLoad, ...]:
    """Return the complete loads, the latest day first.

    Without those that changed no row after an entry before them: that entry has a later day.
    """
    found: list[CompleteLoad] = []
    for load_id, day in connection.execute(statement("read_complete_loads")).fetchall():
        load = CompleteLoad(cast(int, load_id), cast(date, day))
        if not found or load.load_id > found[-1].load_id:
            found.append(load)
    return tuple(found)


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


def has_repeats(connection: Connection, load: WaitingLoad) -> bool:
    """Whether an id occurs twice; a unique index finds that fastest."""
    try:
        with connection.transaction():
            connection.execute(statement("index_staging", **load.parts("staging", "staged_id")))
    except psycopg.errors.UniqueViolation:
        return True
    return False
