"""What customer files state: who was there on a day, and who left on one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn.warehouse.cleaning.gate import Verdict
from churn.warehouse.connect import Connection, connect
from churn.warehouse.schema import create_tables, midnight
from tests.customer_file import read_rows
from tests.loading import Row, Write, bring_in, csv_text, everything, judged
from tests.outcome_rule import File, from_files

FIRST: Final = date(2026, 1, 5)
ROWS: Final = read_rows()[:130]
ALWAYS: Final = [row["customerID"] for row in ROWS[6:]]
NAMES: Final = [row["customerID"] for row in ROWS[:6]]


def _rows(file: File) -> list[Row]:
    """Return the rows of a file; customers that are always there, there, too."""
    own = {row["customerID"]: row for row in ROWS}
    words = {True: "Yes", False: "No"}
    return [{**own[name], "Churn": words[churned]} for name, churned in file.churned.items()]


def _take(url: str, folder: Path, file: File) -> None:
    path = folder / "customers.csv"
    path.write_text(csv_text(_rows(file)))
    report = bring_in(
        url, path, day=file.day, again=True, replace=file.replaces, allow_change=True,
        limit_rejected=1,
    )  # fmt: skip
    assert judged(report).verdict is not Verdict.STOP, report.text()


def _stated(connection: Connection, as_of: datetime | str = "infinity") -> set[tuple[object, ...]]:
    query = (
        "SELECT customer_id, churned, observed_at FROM known_outcomes_as_of(%s)"
        " WHERE source = 'customers'"
    )
    return set(connection.execute(query, [as_of]).fetchall())


def _expected(files: Sequence[File], as_of: datetime) -> set[tuple[object, ...]]:
    return {(o.customer_id, o.churned, o.observed_at) for o in from_files(files, as_of)}


LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


@st.composite
def _files(draw: st.DrawFn) -> list[File]:
    days = sorted(draw(st.lists(st.integers(0, 20), min_size=2, max_size=5)))
    files = []
    for number, day in enumerate(days):
        some = draw(st.dictionaries(st.sampled_from(NAMES), st.booleans(), max_size=6))
        is_whole = number == 0 or draw(st.booleans())
        rest = {name: n % 2 == 0 for n, name in enumerate(ALWAYS)} if is_whole else {}
        content = {**rest, **some} or {NAMES[0]: False}
        files.append(
            File(FIRST + timedelta(day), content, replaces=is_whole and draw(st.booleans()))
        )
    return files


@pytest.mark.slow
@given(_files(), st.integers(0, 21))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_files_state_what_the_rule_states_as_of_any_day(
    url: str, tmp_path: Path, files: list[File], days: int
) -> None:
    """Of a day before the last file, who was there may be known from a later file, too."""
    as_of = midnight(FIRST) + timedelta(days)
    with connect(url) as connection:
        connection.execute("TRUNCATE customers, customer_history, rejected_rows, loads")
    for file in files:
        _take(url, tmp_path, file)
    with connect(url) as connection:
        assert _stated(connection) == _expected(files, LATEST)
        found, expected = _stated(connection, as_of), _expected(files, as_of)
    assert {one for one in found if one[1]} == {one for one in expected if one[1]}
    there, known = ({who: day for who, left, day in some if not left} for some in (found, expected))
    last = max([file.day for file in files if midnight(file.day) <= as_of], default=FIRST)
    assert there.keys() == known.keys()
    assert all(known[who] <= day <= midnight(last) for who, day in there.items())  # type: ignore[operator]


def _night(number: int, churned: dict[str, bool], *, replaces: bool = False) -> File:
    return File(FIRST + timedelta(number), churned, replaces=replaces)


WHO: Final = NAMES[0]
REST: Final = {name: n % 2 == 0 for n, name in enumerate(ALWAYS)}
THERE: Final = {**REST, WHO: False}
LEFT: Final = {**REST, WHO: True}
CASES: Final = {
    "there on the last day that a file has the customer": (
        [_night(0, THERE), _night(3, THERE)],
        (False, 3),
    ),
    "left on the day of the file that turned to Yes, not of a later one": (
        [_night(0, THERE), _night(3, LEFT), _night(5, LEFT)],
        (True, 3),
    ),
    "arrived as Yes, so had left before": ([_night(0, LEFT)], None),
    "a later No takes a Yes back": (
        [_night(0, THERE), _night(3, LEFT), _night(5, THERE)],
        (False, 5),
    ),
    "left on the day of the complete file that lacks the customer": (
        [_night(0, THERE), _night(4, REST, replaces=True)],
        (True, 4),
    ),
    "had turned to Yes before it was removed": (
        [_night(0, THERE), _night(2, LEFT), _night(4, REST, replaces=True)],
        (True, 2),
    ),
    "removed, and there again": (
        [_night(0, THERE), _night(2, REST, replaces=True), _night(4, THERE)],
        (False, 4),
    ),
    "removed, and there again as Yes": (
        [_night(0, THERE), _night(2, REST, replaces=True), _night(4, LEFT)],
        (True, 2),
    ),
    "a file without any of the known customers replaces the base": (
        [_night(0, {WHO: False, NAMES[1]: False}), _night(2, REST, replaces=True)],
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_states(url: str, tmp_path: Path, case: str) -> None:
    files, expected = CASES[case]
    for file in files:
        _take(url, tmp_path, file)
    with connect(url) as connection:
        found = [(churned, day) for who, churned, day in _stated(connection) if who == WHO]
    first = midnight(FIRST)
    assert found == ([] if expected is None else [(expected[0], first + timedelta(expected[1]))])
    assert _expected(files, LATEST) >= {(WHO, *one) for one in found}


def test_a_day_of_each_row_counts_instead_of_the_files(
    url: str, connection: Connection, write: Write
) -> None:
    rows = [{**row, "snapshot_date": "2026-01-05", "Churn": "No"} for row in ROWS]
    bring_in(url, write(csv_text(rows)), limit_rejected=1, allow_change=True)
    later = [{**rows[0], "snapshot_date": "2026-01-09", "Churn": "Yes"}]
    later += [{**row, "snapshot_date": "2026-01-10"} for row in rows[1:]]
    bring_in(url, write(csv_text(later), "b.csv"), limit_rejected=1, allow_change=True)
    found = {who: (churned, moment) for who, churned, moment in _stated(connection)}
    assert found[WHO] == (True, datetime(2026, 1, 9, tzinfo=UTC))
    assert found[NAMES[1]] == (False, datetime(2026, 1, 10, tzinfo=UTC))


def test_the_view_is_there_on_a_fresh_database_and_creating_the_tables_again_keeps_it(
    url: str, connection: Connection
) -> None:
    assert everything(connection, "SELECT * FROM known_outcomes") == []
    with connect(url) as owner:
        create_tables(owner)
    assert everything(connection, "SELECT * FROM known_outcomes") == []
