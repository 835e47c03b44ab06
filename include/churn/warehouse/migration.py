"""Numbered SQL files that bring the tables of any earlier release to those of this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from psycopg import sql

from churn.core.errors import WarehouseError
from churn.warehouse.connect import Connection, run, scalar, statement
from churn.warehouse.load_lock import lock_loads


@dataclass(frozen=True)
class Migration:
    """One numbered file of ``migrations/``; it never changes after a release."""

    number: int
    name: str
    script: str

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


@cache
def migrations() -> Sequence[Migration]:
    """Return every migration, in order."""
    folder = files("churn.warehouse").joinpath("migrations")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [_read(folder.joinpath(name).read_text(encoding="utf-8"), name) for name in names]


def _read(script: str, file: str) -> Migration:
    number, _, name = file.removesuffix(".sql").partition("_")
    return Migration(int(number), name, script)


def named(name: str) -> Migration:
    """Return the migration of a name."""
    return next(one for one in migrations() if one.name == name)


def migrate(connection: Connection, known: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what the database lacks, each migration in a transaction of its own; return those.

    The last transaction, which has the lock on loads, stays open.

    Raises:
        WarehouseError: the database is ahead of this release.
    """
    applied: list[Migration] = []
    while following := _apply_next(connection, known or migrations()):
        connection.commit()
        applied.append(following)
    return applied


def _apply_next(connection: Connection, known: Sequence[Migration]) -> Migration | None:
    lock_loads(connection, "migrate the tables")
    connection.execute(statement("record_migrations"))
    last = _last_applied(connection)
    if trouble := _ahead(last, known):
        raise WarehouseError(trouble)
    following = next((one for one in known if one.number > last), None)
    if following:
        connection.execute(sql.SQL(following.script))
        values = {"number": following.number, "migration": following.name}
        run(connection, "insert_migration", values)
    return following


def find_trouble(connection: Connection) -> str | None:
    """Return how the database's migrations differ from this release's, and the remedy."""
    known, last = migrations(), _last_applied(connection)
    if last == 0:
        return "the tables are missing; run `churn migrate` or the DAG"
    if last < known[-1].number:
        return (
            f"the database is behind this release, at migration {last} of {known[-1].number}; "
            "run `churn migrate` or the DAG"
        )
    return _ahead(last, known)


def _ahead(last: int, known: Sequence[Migration]) -> str | None:
    if last <= known[-1].number:
        return None
    return (
        f"the database is ahead of this release, at migration {last}, where this release has "
        f"{known[-1].number}; install the release that migrated the database"
    )


def _last_applied(connection: Connection) -> int:
    """Return the number of the last migration, 1 for release 0.1.0, 0 without tables."""
    if scalar(connection, sql.SQL("SELECT to_regclass('schema_migrations') IS NOT NULL")):
        return int(str(scalar(connection, statement("find_last_migration"))))
    return int(bool(scalar(connection, sql.SQL("SELECT to_regclass('loads') IS NOT NULL"))))
