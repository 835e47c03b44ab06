"""A load that waits in its staging table to be cleaned, and the SQL that its file calls for."""

from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from churn.customer import COLUMNS
from churn.errors import WarehouseError
from churn.warehouse.connect import Connection, scalar, statement
from churn.warehouse.header import Header, match_header
from churn.warehouse.rules import Rules
from churn.warehouse.staging import staging_table


@dataclass(frozen=True)
class Staged:
    """A load that waits to be cleaned, and the SQL that its file calls for."""

    load_id: int
    rows: int
    delimiter: str
    snapshot_date: object
    header: Header
    rules: Rules
    has_repeats: bool = False

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

    def judged(self, *, only_changed: bool = False, with_text: bool = False) -> sql.Composable:
        """Return the query that types and checks the rows, with their text where it is needed."""
        valid = self.rules.is_valid()
        repeated = statement("is_repeated", is_valid=valid)
        only = statement("only_changed", **self.parts("staged_id", "is_known"))
        return statement(
            "judge_rows",
            **self.parts("staging", "row_snapshot_date"),
            typed_columns=self.rules.typed_columns(),
            is_valid=valid,
            is_repeated=repeated if self.has_repeats else sql.SQL("false"),
            only=only if only_changed else sql.SQL(""),
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
    row = connection.execute(
        "SELECT rows, delimiter, decimal_mark, headers, snapshot_date FROM loads"
        " WHERE load_id = %s",
        (load_id,),
    ).fetchone()
    if row is None:
        raise WarehouseError(f"there is no load {load_id}; load the file first")
    rows, delimiter, decimal, headers, day = row
    _require_staging(connection, load_id, int(str(rows)))
    header = match_header([str(name) for name in list(headers)])  # type: ignore[call-overload]
    present = [f for f in header.fields if f]
    rules = Rules(present, decimal_mark=str(decimal))
    return Staged(load_id, int(str(rows)), str(delimiter), day, header, rules)


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
