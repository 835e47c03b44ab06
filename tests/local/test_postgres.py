"""A PostgreSQL of our own: real server, real roles."""

from pathlib import Path

import psycopg
import pytest

from local import databases, postgres
from local.binaries import OVERRIDE, find_binaries, major_version
from local.databases import DATABASES, PIPELINE, SERVING, Database
from local.errors import StackError
from local.network import free_port
from local.postgres import Server
from local.privileges import NAMESPACE, SETPRIV, choose_face


def test_the_pipeline_owns_its_database_and_the_service_is_a_guest(
    database_url: str, serving_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE things (id int)")
    with (
        psycopg.connect(serving_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT * FROM things")


def test_roles_and_databases_can_be_prepared_again(postgres_server: Server) -> None:
    passwords = {PIPELINE: postgres_server.password, SERVING: postgres_server.password}
    wanted = (Database(name="again", owner=PIPELINE, guests=(SERVING,)),)
    for _ in range(2):
        databases.prepare(postgres_server.url(), passwords, wanted)
    assert postgres.answers(
        postgres_server.url("again", role=SERVING, password=postgres_server.password)
    )


def test_no_role_connects_without_a_password_or_to_a_database_of_others(
    postgres_server: Server, database_name: str
) -> None:
    assert not postgres.answers(postgres_server.url(database_name, role=PIPELINE, password="wrong"))
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        databases.create_role(connection, "stranger", postgres_server.password)
    assert not postgres.answers(
        postgres_server.url(database_name, role="stranger", password=postgres_server.password)
    )


def test_the_server_keeps_checksums_text_and_time_as_promised(postgres_server: Server) -> None:
    with psycopg.connect(postgres_server.url()) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in ("data_checksums", "server_encoding", "password_encryption", "TimeZone")
        }
    assert shown == {
        "data_checksums": ("on",),
        "server_encoding": ("UTF8",),
        "password_encryption": ("scram-sha-256",),
        "TimeZone": ("UTC",),
    }


def test_a_half_made_data_folder_is_made_again(tmp_path: Path) -> None:
    server = postgres.server(
        data=tmp_path / "data", port=free_port(), password="secret", durable=False
    )
    (tmp_path / "data.half").mkdir()
    (tmp_path / "data.half" / "PG_VERSION").write_text("18")
    with postgres.running(server):
        assert postgres.answers(server.url())
    assert not postgres.answers(server.url())
    assert not (tmp_path / "data.half").exists()
    assert [path.name for path in tmp_path.glob("tmp*")] == []


def test_the_data_of_another_major_version_is_left_alone(tmp_path: Path) -> None:
    server = postgres.server(data=tmp_path / "data", port=free_port(), password="secret")
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(StackError, match=r"made by PostgreSQL 12.*CHURN_HOME to a new folder"):
        postgres.initialise(server)


def test_the_wheels_server_is_found_without_anything_installed() -> None:
    assert major_version(find_binaries({})) >= 15


def test_a_wrong_override_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=f"{OVERRIDE}={tmp_path} holds no initdb and postgres"):
        find_binaries({OVERRIDE: str(tmp_path)})


def test_an_ordinary_user_needs_no_prefix() -> None:
    assert choose_face(Path("postgres"), user=1000).prefix == ()


def test_root_falls_back_where_user_namespaces_are_forbidden() -> None:
    face = choose_face(Path("postgres"), user=0, runs=lambda command: command[0] != NAMESPACE[0])
    assert face.prefix == SETPRIV
    with pytest.raises(StackError, match="run as an ordinary user"):
        choose_face(Path("postgres"), user=0, runs=lambda _: False)


def test_the_stack_has_two_databases_with_an_owner_each() -> None:
    assert {one.name: one.owner for one in DATABASES} == {"churn": PIPELINE, "airflow": "airflow"}
