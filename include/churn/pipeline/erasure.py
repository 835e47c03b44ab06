"""Removes every trace of a customer: from the database, and from the spool of predictions.

What still waits in a spool that cannot be reached from here is kept out when it is shipped: the
database remembers the customer by a SHA-256 of the id, and until when.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from psycopg import sql

from churn.core.errors import ChurnError
from churn.customer.description import CUSTOMER_ID
from churn.customer.identifier import normalised_identifier
from churn.warehouse.connect import Connection, placeholders, run, statement
from churn.warehouse.load_lock import lock_loads
from churn.warehouse.predictions import spool
from churn.warehouse.predictions.log_records import predictions_in, without

_PATIENCE_SECONDS: Final = 15.0
_PAUSE_SECONDS: Final = 0.2
_CHUNK: Final = 1 << 20
_OUTCOMES: Final = "outcomes"


@dataclass(frozen=True)
class Erased:
    """What was removed, by table, and the model versions whose customers this one was among."""

    rows: Mapping[str, int]
    spooled: int
    versions: Sequence[str]

    def __str__(self) -> str:
        counts = [f"{count} from {name}" for name, count in self.rows.items() if count]
        counts += [f"{self.spooled} from the spool"] if self.spooled else []
        message = f"erased {', '.join(counts)}" if counts else "nothing was there to erase"
        if not self.versions:
            return f"{message}; no model version was trained with this customer"
        return f"{message}; trained with or measured on this customer: {', '.join(self.versions)}"


def erase(connection: Connection, customer_id: str, folder: Path) -> Erased:
    """Erase a customer in one transaction, and then from the spool's folder; safe to run again.

    Raises:
        ChurnError: there is no id, or a running service still holds a record of the customer.
    """
    wanted = normalised_identifier(customer_id)
    if not wanted:
        raise ChurnError("the id of the customer is empty")
    lock_loads(connection, "erase a customer")
    for lock in ("lock_prediction_log", "lock_outcomes"):
        connection.execute(statement(lock))
    versions = _remember(connection, wanted)
    rows = _erase_rows(connection, wanted)
    _forget_statistics(connection, rows)
    connection.commit()
    return Erased(rows, forget_spooled(folder, wanted), versions)


def _remember(connection: Connection, customer_id: str) -> Sequence[str]:
    """Keep the customer out from now on; return the versions, those found earlier included."""
    known: dict[str, object] = {CUSTOMER_ID.name: customer_id}
    query = statement("find_versions_trained_with", **placeholders(known))
    found = connection.execute(query, known).fetchall()
    values: dict[str, object] = {"customer_sha256": hashlib.sha256(customer_id.encode()).digest()}
    earlier = connection.execute(statement("read_erasure", **placeholders(values)), values)
    former = [v for row in earlier.fetchall() for v in cast("list[str]", row[0])]
    versions = list(dict.fromkeys([*former, *(str(row[0]) for row in found)]))
    values["versions"] = versions
    connection.execute(statement("remember_erasure", **placeholders(values)), values)
    return versions


def _erase_rows(connection: Connection, customer_id: str) -> Mapping[str, int]:
    """Delete by the id, and where only a file's text is known, every line that names it.

    Outcomes of the customer's predictions, which may have no other id, go before the predictions.
    """
    known: dict[str, object] = {CUSTOMER_ID.name: customer_id}
    by_prediction = run(connection, "erase_outcomes", known).rowcount
    literal = sql.Literal(CUSTOMER_ID.name)
    tables = connection.execute(statement("find_tables_about", customer_id=literal)).fetchall()
    rows = {
        str(name): _erase_from(connection, sql.Identifier(str(name)), customer_id, bool(has_id))
        for name, has_id in tables
    }
    return {**rows, _OUTCOMES: rows[_OUTCOMES] + by_prediction}


def _forget_statistics(connection: Connection, rows: Mapping[str, int]) -> None:
    """Collect the planner's statistics again: they sample values, ids included."""
    for name, count in rows.items():
        if count:
            connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))


def _erase_from(
    connection: Connection, table: sql.Identifier, customer_id: str, has_id: bool
) -> int:
    if has_id:
        query = sql.SQL("DELETE FROM {} WHERE {} = {}").format(
            table, sql.Identifier(CUSTOMER_ID.name), customer_id
        )
    else:
        word = rf"(^|[^[:alnum:]]){re.escape(customer_id)}($|[^[:alnum:]])"
        query = statement("erase_lines", table=table, word=sql.Literal(word))
    return connection.execute(query).rowcount


def forget_spooled(folder: Path, customer_id: str, *, patience: float = _PATIENCE_SECONDS) -> int:
    """Take a customer's records out of the spool; return how many those were.

    A running service finishes its segment within a second, and the database refuses the records.
    It sees that a customer was erased, and forgets the answers that it holds for retries.

    Raises:
        ChurnError: it did not.
    """
    named, until = _named(customer_id), time.monotonic() + patience
    forgotten = _forget_damaged(folder, named)
    if folder.is_dir():
        spool.remove_unfinished(folder)
        (folder / spool.ERASURES).touch()
    while True:
        busy = []
        for path in spool.segments(folder):
            with spool.held(path) as segment:
                if segment:
                    forgotten += _forget(segment, customer_id, named)
                elif _mentions(path, named):
                    busy.append(path.name)
        if not busy:
            return forgotten
        if time.monotonic() > until:
            message = "the database is done, but a running service still holds records in"
            raise ChurnError(f"{message} {', '.join(busy)}; run the command again")
        time.sleep(_PAUSE_SECONDS)


def _named(customer_id: str) -> Sequence[bytes]:
    """Return how an id may stand in JSON."""
    return [json.dumps(customer_id, ensure_ascii=flag).encode() for flag in (False, True)]


def _mentions(path: Path, named: Sequence[bytes]) -> bool:
    """Whether a file has the id; one that was shipped, or renamed, meanwhile may have it yet."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return True
    return any(name in content for name in named)


def _forget(segment: spool.Finished, customer_id: str, named: Sequence[bytes]) -> int:
    records = segment.content().records
    left = [without(r, customer_id) if any(n in r for n in named) else r for r in records]
    kept = [record for record in left if record is not None]
    forgotten = sum(map(predictions_in, records)) - sum(map(predictions_in, kept))
    if forgotten:
        segment.replace(kept)
    return forgotten


def _forget_damaged(folder: Path, named: Sequence[bytes]) -> int:
    found = [path for path in folder.glob(f"*{spool.DAMAGED}") if _mentions(path, named)]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def files_that_name(folder: Path, customer_id: str) -> Sequence[Path]:
    """Return the files of a folder that hold an id in plain text; packed ones are not opened."""
    wanted = customer_id.encode()
    return [p for p in sorted(folder.iterdir()) if p.is_file() and _holds(p, wanted)]


def _holds(path: Path, wanted: bytes) -> bool:
    end = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if wanted in end + chunk:
                return True
            end = chunk[-len(wanted) :]
    return False
