"""Turns a staging table into customers and rejected rows, in one transaction."""

from dataclasses import asdict, dataclass

from psycopg import sql

from churn.customer import MIN_PER_CLASS
from churn.errors import DataQualityError, WarehouseError
from churn.warehouse import rules
from churn.warehouse.connect import Connection, placeholders, scalar, statement
from churn.warehouse.load import staging_table

MAX_REJECTED_SHARE = 0.05


@dataclass(frozen=True)
class Cleaned:
    """What became of a load's rows; accepted + rejected = rows in the file."""

    load_id: int
    accepted: int
    rejected: int
    inserted: int
    updated: int
    removed: int


def clean(
    connection: Connection,
    load_id: int,
    *,
    replace: bool = False,
    max_rejected_share: float = MAX_REJECTED_SHARE,
) -> Cleaned:
    """Merge the load's good rows into ``customers`` and keep the others in ``rejected_rows``.

    ``replace`` says that the file is the whole customer base: who is not in it is removed.
    A load that was cleaned before is left as it is.

    Raises:
        DataQualityError: too many rows were rejected; nothing was changed.
        WarehouseError: the staging table is gone, so the file has to be loaded again.
    """
    done = _finished(connection, load_id)
    if done:
        return done
    rows = _require_staging(connection, load_id)
    staging = staging_table(load_id)
    check = statement(
        "check_rows",
        staging=staging,
        typed_columns=rules.typed_columns(),
        reasons=rules.reasons(),
    )
    connection.execute(check)
    rejected = _reject(connection, load_id)
    _refuse_if_too_many(connection, load_id, rejected, rows, max_rejected_share)
    inserted, updated = _merge(connection, load_id)
    removed = _remove_absent(connection, load_id) if replace else 0
    cleaned = Cleaned(load_id, rows - rejected, rejected, inserted, updated, removed)
    values = asdict(cleaned)
    connection.execute(statement("finish_load", **placeholders(values)), values)
    connection.execute(sql.SQL("DROP TABLE {}").format(staging))
    return cleaned


def _remove_absent(connection: Connection, load_id: int) -> int:
    """Remove customers who are not in the file, unless too few would be left to learn from."""
    removed = connection.execute(statement("remove_absent_customers")).rowcount
    count = "SELECT count(*) FILTER (WHERE churn), count(*) FILTER (WHERE NOT churn) FROM customers"
    left, stayed = (int(str(n)) for n in connection.execute(count).fetchone() or (0, 0))
    if min(left, stayed) < MIN_PER_CLASS:
        raise DataQualityError(
            f"{_file_of(connection, load_id)}: to replace all customers, a file needs at least "
            f"{MIN_PER_CLASS} who left and {MIN_PER_CLASS} who stayed; it would leave {left} and "
            f"{stayed}. Nothing was changed"
        )
    return removed


def _file_of(connection: Connection, load_id: int) -> object:
    values = {"load_id": load_id}
    query = sql.SQL("SELECT file FROM loads WHERE load_id = {load_id}")
    return scalar(connection, query.format(**placeholders(values)), values)


def _finished(connection: Connection, load_id: int) -> Cleaned | None:
    row = connection.execute(
        "SELECT cleaned_at, accepted, rejected, inserted, updated, removed"
        " FROM loads WHERE load_id = %s FOR UPDATE",
        (load_id,),
    ).fetchone()
    if row is None:
        raise WarehouseError(f"there is no load {load_id}; load the file first")
    return Cleaned(load_id, *(int(str(n)) for n in row[1:])) if row[0] else None


def _require_staging(connection: Connection, load_id: int) -> int:
    name = staging_table(load_id).as_string(connection)
    query = sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(sql.Literal(name))
    expected = int(str(_rows_of(connection, load_id)))
    if scalar(connection, query):
        count = sql.SQL("SELECT count(*) FROM {}").format(staging_table(load_id))
        if scalar(connection, count) == expected:
            return expected
    raise WarehouseError(
        f"the staging table of load {load_id} is gone (a later load, or a crash of PostgreSQL, "
        "which empties unlogged tables); load the file again"
    )


def _rows_of(connection: Connection, load_id: int) -> object:
    query = sql.SQL("SELECT rows FROM loads WHERE load_id = {load_id}")
    values = {"load_id": load_id}
    return scalar(connection, query.format(**placeholders(values)), values)


def _reject(connection: Connection, load_id: int) -> int:
    query = statement(
        "reject_rows",
        load_id=sql.Literal(load_id),
        raw_pairs=rules.raw_pairs(),
        repeated=sql.Literal(rules.REPEATED),
    )
    return connection.execute(query).rowcount


def _refuse_if_too_many(
    connection: Connection, load_id: int, rejected: int, rows: int, limit: float
) -> None:
    if rejected <= limit * rows:
        return
    examples = connection.execute(
        "SELECT row_number + 1, reasons[1] FROM rejected_rows WHERE load_id = %s"
        " ORDER BY row_number LIMIT 3",
        (load_id,),
    ).fetchall()
    told = "; ".join(f"line {line}: {reason}" for line, reason in examples)
    raise DataQualityError(
        f"{_file_of(connection, load_id)}: {rejected} of {rows} rows are not valid customers, "
        f"over the limit of {limit:.0%}; nothing was changed. First: {told}"
    )


def _merge(connection: Connection, load_id: int) -> tuple[int, int]:
    query = statement(
        "merge_customers",
        columns=rules.columns(),
        assignments=rules.assignments(),
        existing_columns=rules.columns("customers"),
        excluded_columns=rules.columns("excluded"),
        load_id=sql.Literal(load_id),
    )
    row = connection.execute(query).fetchone() or (0, 0)
    return int(str(row[0])), int(str(row[1]))
