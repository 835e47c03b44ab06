"""Secrets are made once and stay private."""

import stat
from pathlib import Path

import pytest

from local import credentials, envfile
from local.errors import StackError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    first = credentials.load_or_create(path, database=tmp_path / "postgres")
    again = credentials.load_or_create(path, database=tmp_path / "postgres")
    assert first == again
    assert mode(path) == 0o600


def test_two_stacks_share_no_secret() -> None:
    one, other = credentials.generate(), credentials.generate()
    assert one.postgres_password != other.postgres_password
    assert one.airflow_fernet_key != other.airflow_fernet_key


def test_secrets_do_not_show_in_a_traceback() -> None:
    made = credentials.generate()
    assert made.postgres_password not in repr(made)


def test_a_mode_that_grew_too_wide_is_narrowed_again(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    credentials.load_or_create(path, database=tmp_path / "postgres")
    path.chmod(0o644)
    credentials.load_or_create(path, database=tmp_path / "postgres")
    assert mode(path) == 0o600


def test_lost_secrets_of_a_database_are_not_replaced_by_useless_ones(tmp_path: Path) -> None:
    database = tmp_path / "postgres"
    database.mkdir()
    with pytest.raises(StackError, match="put it back"):
        credentials.load_or_create(tmp_path / "secrets.env", database=database)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"POSTGRES_PASSWORD", "line 1: expected KEY=VALUE"),
        (b"# fine\n\nkey with spaces=1\n", "line 3"),
        (b"\xff\xfe", "not text"),
        (b"POSTGRES_PASSWORD=x\n", "lacks AIRFLOW_DATABASE_PASSWORD"),
    ],
)
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "secrets.env"
    path.write_bytes(content)
    with pytest.raises(StackError, match=complaint) as caught:
        credentials.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_private_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file.env"
    envfile.write(path, {"A": "1"}, comment="first")
    with pytest.raises(UnicodeEncodeError):
        envfile.replace(path, "\udcff")
    assert envfile.read(path) == {"A": "1"}
    assert [one.name for one in tmp_path.iterdir()] == ["file.env"]
    assert mode(path) == 0o600
