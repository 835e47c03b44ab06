"""A database of an earlier release becomes one of this release, and loses nothing."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import psycopg
import pytest

from churn.core.errors import WarehouseError
from churn.warehouse import migration
from churn.warehouse.cleaning.row_rules import REPEATED
from churn.warehouse.connect import Connection, connect
from churn.warehouse.migration import Migration, migrate, migrations
from churn.warehouse.schema import create_tables, find_trouble
from local.postgres import Server
from serving.api.prediction_log import PredictionLog
from serving.api.worker_spool import WorkerSpool
from tests.changed_file import write_changed
from tests.command import Churn
from tests.customer_file import read_rows
from tests.integration.release_0_1_0 import PREDICTED, SERVED, restore_database, restore_models
from tests.loading import Write, bring_in, changed, csv_text, everything, number

LAST: Final = len(migrations())
NUMBERS: Final = "SELECT number FROM schema_migrations ORDER BY number"


@pytest.fixture
def old(postgres_server: Server, database_name: str, database_url: str) -> str:
    """A database of release 0.1.0."""
    restore_database(postgres_server.url(database_name))
    return database_url


@pytest.fixture
def upgraded(old: str, churn: Churn, tmp_path: Path) -> Churn:
    """An installation of release 0.1.0 whose database was migrated."""
    assert old == churn.database_url
    restore_models(tmp_path)
    _succeeds(churn("migrate"))
    return churn


def _succeeds(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_files_are_numbered_without_a_gap() -> None:
    assert [one.number for one in migrations()] == list(range(1, LAST + 1))


_COLUMNS = """
SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
    pg_get_expr(adbin, adrelid)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
    AND relkind IN ('r', 'p') AND relname !~ '_[0-9]{4}_[0-9]{2}$'
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    AND conrelid::regclass::text !~ '_[0-9]{4}_[0-9]{2}$'
"""
_INDEXES = """
SELECT indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename !~ '_[0-9]{4}_[0-9]{2}$'
"""
_FUNCTIONS = """
SELECT pg_get_functiondef(oid), proacl::text FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
"""
_ENUMS = "SELECT enumtypid::regtype::text, enumlabel, enumsortorder FROM pg_enum"
_TRIGGERS = "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal"
_RIGHTS = """
SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants
WHERE grantee = 'churn_serving'
    OR table_name = 'model_events' AND grantee = 'churn_pipeline'
"""
_CATALOGS = (_COLUMNS, _CONSTRAINTS, _INDEXES, _FUNCTIONS, _ENUMS, _TRIGGERS, _RIGHTS)


def _schema(url: str) -> list[list[tuple[object, ...]]]:
    with connect(url) as connection:
        return [sorted(everything(connection, query), key=str) for query in _CATALOGS]


def test_a_migrated_database_has_the_schema_of_a_fresh_one(
    old: str, postgres_server: Server, database_name: str
) -> None:
    with connect(old) as connection:
        create_tables(connection)
    migrated = _schema(old)
    with psycopg.connect(postgres_server.url(database_name), autocommit=True) as superuser:
        superuser.execute("DROP OWNED BY churn_pipeline CASCADE")
        superuser.execute("GRANT ALL ON SCHEMA public TO churn_pipeline")
    with connect(old) as connection:
        create_tables(connection)
    assert migrated == _schema(old)


def test_migrating_prints_what_it_applied_and_a_second_time_changes_nothing(
    old: str, churn: Churn
) -> None:
    assert old
    applied = json.loads(_succeeds(churn("migrate", "--json")))["applied"]
    assert applied == [str(one) for one in migrations()[1:]]
    assert _succeeds(churn("migrate")) == "the tables are those of this release\n"


@pytest.mark.slow
def test_an_installation_of_release_0_1_0_loads_trains_and_publishes(
    upgraded: Churn, tmp_path: Path, connection: Connection
) -> None:
    replaced = number(connection, "SELECT count(*) FROM customer_history")
    newer = write_changed(tmp_path / "customers_2026-01-08.csv", rows=1_000)
    assert "load 4: FLAG" in _succeeds(upgraded("load", newer, "--allow-change"))
    assert number(connection, "SELECT count(*) FROM customer_history") > replaced
    version = _succeeds(upgraded("train")).strip()
    _succeeds(upgraded("publish", version))
    assert upgraded.store.current() == version
    assert "events hold" in _succeeds(upgraded("models", "verify"))
    assert "ok      warehouse" in _succeeds(upgraded("doctor"))


def test_predictions_of_release_0_1_0_are_replayed_and_a_customer_is_erased(
    upgraded: Churn, connection: Connection
) -> None:
    assert SERVED in _succeeds(upgraded("replay", PREDICTED))
    query = "SELECT count(*) FROM prediction_logs WHERE customer_id = '4190-MFLUW'"
    assert number(connection, query) == 2
    assert SERVED in _succeeds(upgraded("erase", "4190-MFLUW"))
    assert number(connection, query) == 0
    assert "events hold" in _succeeds(upgraded("models", "verify"))


def test_the_reason_of_an_earlier_duplicate_is_the_one_by_which_it_is_recognised(
    old: str, connection: Connection
) -> None:
    former = "customer_id: appears again further down or of a later day, and that row counts"
    connection.execute("INSERT INTO rejected_rows VALUES (1, 9, 'x', ARRAY[%s])", [former])
    with connect(old) as owner:
        create_tables(owner)
    reasons = everything(connection, "SELECT reasons[1] FROM rejected_rows WHERE load_id = 1")
    assert reasons == [(REPEATED,)]


_RECORD = {
    "prediction_id": "0c6f3a4e-8f53-4d7e-9a37-4f1e1f0d9d10",
    "predicted_at": "2026-12-01T00:00:00Z",
    "model_version": SERVED,
    "probability_churn": 0.5,
    "prediction": 1,
    "threshold": 0.5,
    "features": {},
    "contact": True,
}


def test_predictions_wait_for_the_migration_and_are_logged_after_it(
    old: str, serving_url: str, connection: Connection, tmp_path: Path
) -> None:
    with WorkerSpool(tmp_path / "spool", limit=1_000_000) as spool:
        log = PredictionLog(spool, lambda: connect(serving_url))
        log.add(json.dumps(_RECORD).encode())
        with pytest.raises(WarehouseError, match=r"behind this release.*churn migrate"):
            log.ship()
        assert spool.waiting() == 1
        with connect(old) as owner:
            create_tables(owner)
        assert log.ship() == 1
    query = "SELECT contact FROM prediction_logs WHERE prediction_id = %s"
    assert connection.execute(query, [_RECORD["prediction_id"]]).fetchall() == [(True,)]


_ADDS = "ALTER TABLE loads ADD COLUMN half boolean;"


def _next(script: str) -> list[Migration]:
    return [*migrations(), Migration(LAST + 1, "half", _ADDS + script)]


def _has_half(connection: Connection) -> bool:
    query = "SELECT count(*) FROM pg_attribute WHERE attname = 'half'"
    return bool(number(connection, query))


def test_a_migration_that_fails_leaves_the_former_schema_and_runs_the_next_time(
    url: str, connection: Connection
) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), connect(url) as owner:
        migrate(owner, _next("SELECT 1 / 0"))
    assert not _has_half(connection)
    assert everything(connection, NUMBERS)[-1] == (LAST,)
    with connect(url) as owner:
        assert [one.number for one in migrate(owner, _next(""))] == [LAST + 1]
    assert _has_half(connection)


_SLOWLY = """
import sys
from churn.warehouse.connect import connect
from tests.integration.test_migrations import _next
from churn.warehouse.migration import migrate
with connect(sys.argv[1]) as connection:
    migrate(connection, _next("SELECT pg_sleep(3)"))
"""
_SLEEPS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'PgSleep'
"""


def _wait_for(connection: Connection, query: str) -> None:
    deadline = time.monotonic() + 60
    while not number(connection, query):
        assert time.monotonic() < deadline, query
        time.sleep(0.02)


def _start_slowly(url: str, connection: Connection) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", _SLOWLY, url])
    _wait_for(connection, _SLEEPS)
    return process


def test_a_migration_whose_process_is_killed_leaves_the_former_schema_and_runs_the_next_time(
    old: str, connection: Connection
) -> None:
    process = _start_slowly(old, connection)
    process.kill()
    process.wait(30)
    assert not _has_half(connection)
    with connect(old) as owner:  # waits for the statement that PostgreSQL is still executing
        assert [one.number for one in migrate(owner, _next(""))] == [LAST + 1]
    assert everything(connection, NUMBERS) == [(n,) for n in range(1, LAST + 2)]


def _migrate(url: str, known: list[Migration]) -> list[int]:
    with connect(url) as connection:
        return [one.number for one in migrate(connection, known)]


def test_of_two_migrations_at_once_one_waits(old: str, connection: Connection) -> None:
    known = _next("SELECT pg_sleep(0.5)")
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(_migrate, old, known) for _ in range(2)]
        applied = sorted(number for one in both for number in one.result(60))
    assert applied == list(range(2, LAST + 2))
    assert everything(connection, NUMBERS) == [(n,) for n in range(1, LAST + 2)]


def test_a_database_that_is_ahead_is_refused_and_not_touched(
    url: str, churn: Churn, connection: Connection
) -> None:
    connection.execute("INSERT INTO schema_migrations VALUES (99, 'of_the_future')")
    connection.execute("DROP TABLE rejected_rows")
    before = _schema(url)
    for command in ("migrate", "create-tables", "doctor"):
        refused = churn(command)
        assert refused.returncode == 1
        assert "ahead of this release, at migration 99" in refused.stdout + refused.stderr
    assert _schema(url) == before


def test_a_database_that_is_behind_is_named_with_the_remedy(
    old: str, churn: Churn, serving_url: str
) -> None:
    assert old
    trouble = f"the database is behind this release, at migration 1 of {LAST}; run `churn migrate`"
    assert trouble in churn("doctor").stdout
    with connect(serving_url) as connection:
        assert trouble in (find_trouble(connection) or "")


def test_an_empty_database_is_named_with_the_remedy(database_url: str) -> None:
    with connect(database_url) as connection:
        assert migration.find_trouble(connection) == (
            "the tables are missing; run `churn migrate` or the DAG"
        )


_WITH_NEW_FIELD = """
import sys
from churn.customer import description as d
from churn.customer.field import choice
speed = choice("internet_speed", "InternetSpeed", "Speed of the line.", "Slow", "Fast")
object.__setattr__(d.CONTRACT, "values", (*d.CONTRACT.values, "Three year"))
d.FEATURES = (*d.FEATURES, speed)
d.COLUMNS = (*d.COLUMNS[:-1], speed, d.CHURN)
d.BY_NAME = {field.name: field for field in d.COLUMNS}
d.BY_OUTSIDE_NAME = {**d.BY_OUTSIDE_NAME, "internetspeed": speed}
from churn.cli.main import main
main()
"""


def test_a_new_field_and_a_new_value_appear_on_a_database_with_customers(
    url: str, connection: Connection, write: Write, tmp_path: Path
) -> None:
    rows = read_rows()[:1_000]
    bring_in(url, write(csv_text(rows)))

    def newer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", _WITH_NEW_FIELD, *arguments],
            env={"CHURN_DATABASE_URL": url, "CHURN_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    added = "contract=Three year, choice_of_internet_speed, customers.internet_speed"
    assert f"the database lacks {added}" in newer("doctor").stdout
    applied = json.loads(_succeeds(newer("migrate", "--json")))["applied"]
    assert applied == [*added.split(", "), "customer_history.internet_speed"]
    refused = newer("train").stderr
    assert "1,000 customers have no internet_speed, which is newer than their last load" in refused
    fields = [{**row, "InternetSpeed": "Fast"} for row in changed(rows, 0, Contract="Three year")]
    assert "PASS" in _succeeds(newer("load", write(csv_text(fields), "newer.csv")))
    counts = "SELECT count(*) FROM customers WHERE internet_speed = 'Fast'"
    assert number(connection, counts) == 1_000
    assert number(connection, "SELECT count(*) FROM customers WHERE contract = 'Three year'") == 1
    assert number(connection, "SELECT count(internet_speed) FROM customer_history") == 0
