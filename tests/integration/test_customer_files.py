"""The generator of large files: what the benchmark loads, whole and spoilt."""

from collections import Counter
from pathlib import Path

from benchmarks.customer_files import write_customers
from churn.warehouse.connect import Connection
from tests.loading import Write, bring_in, counted, number, rejected

ROWS = 20_000


def _written(path: Path, **how: bool) -> bytes:
    write_customers(path, ROWS, **how)
    return path.read_bytes()


def test_the_same_seed_gives_the_same_bytes_and_each_customer_once(tmp_path: Path) -> None:
    content = _written(tmp_path / "a.csv")
    assert _written(tmp_path / "b.csv") == content
    ids = Counter(line.split(b",")[0] for line in content.splitlines())
    assert len(ids) == ROWS + 1
    assert max(ids.values()) == 1


def test_reversed_it_has_the_same_lines(tmp_path: Path) -> None:
    head, *lines = _written(tmp_path / "a.csv").splitlines()
    reverse = _written(tmp_path / "b.csv", reverse=True).splitlines()
    assert reverse == [head, *lines[::-1]]


def test_most_profiles_are_distinct_and_every_row_is_a_valid_customer(
    url: str, connection: Connection, tmp_path: Path
) -> None:
    content = _written(tmp_path / "a.csv")
    profiles = {line.split(b",", 1)[1] for line in content.splitlines()[1:]}
    assert len(profiles) > 0.6 * ROWS
    assert counted(bring_in(url, tmp_path / "a.csv")) == (ROWS, 0)
    share = "SELECT count(*) * 100 / (SELECT count(*) FROM customers) FROM customers WHERE churn"
    assert 25 <= number(connection, share) <= 28


def test_a_large_file_corrupt_here_and_there_loses_only_the_corrupt_lines(
    url: str, connection: Connection, write: Write, tmp_path: Path
) -> None:
    lines = _written(tmp_path / "a.csv").splitlines()
    spoilt = {
        100: b'"' + lines[100],
        9_000: lines[9_000][:40],
        12_345: lines[12_345].replace(b",", b";"),
        19_999: lines[19_999].replace(b"Yes", b"Y\xe9s", 1) + b",\x00",
    }
    content = b"\n".join(spoilt.get(i, line) for i, line in enumerate(lines))
    assert counted(bring_in(url, write(content))) == (ROWS - 4, 4)
    assert [line for line, _, _ in rejected(connection)] == [i + 1 for i in spoilt]
