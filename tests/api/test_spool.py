import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from serving.api.spool import Spool

_ADD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from serving.api.spool import Spool
spool = Spool(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    spool.add(f"record {number}")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_records_come_out_in_the_order_they_went_in(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        for record in ("a", "b", "c"):
            spool.add(record)
        assert [spooled.record for spooled in spool.oldest(2)] == ["a", "b"]
        assert spool.waiting() == 3


def test_only_what_was_shipped_is_forgotten(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        spool.add("shipped")
        shipped = spool.oldest(10)
        spool.add("waits")
        spool.remove(shipped)
        assert [spooled.record for spooled in spool.oldest(10)] == ["waits"]


def test_what_another_shipper_removed_before_us_costs_no_newer_record(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as one, Spool(tmp_path / "spool.sqlite") as other:
        one.add("shipped by both")
        batch, same_batch = one.oldest(10), other.oldest(10)
        one.remove(batch)
        one.add("waits")
        other.remove(same_batch)
        assert [spooled.record for spooled in one.oldest(10)] == ["waits"]


def test_what_waits_is_there_after_a_restart(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        spool.add("waits")
    with Spool(tmp_path / "spool.sqlite") as spool:
        assert [spooled.record for spooled in spool.oldest(10)] == ["waits"]


def test_every_record_that_was_added_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "spool.sqlite"
    command = [sys.executable, "-c", _ADD_AND_DIE, str(path), "250"]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    with Spool(path) as spool:
        records = [spooled.record for spooled in spool.oldest(1_000)]
    assert records == [f"record {number}" for number in range(250)]


def _at_once(work: Callable[[str], None], names: str) -> None:
    with ThreadPoolExecutor(len(names)) as threads:
        for done in [threads.submit(work, name) for name in names]:
            done.result()


def test_two_services_may_add_to_one_spool_at_once(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    Spool(path).close()

    def add(name: str) -> None:
        with Spool(path) as spool:
            for number in range(100):
                spool.add(f"{name}{number}")

    _at_once(add, "ab")
    with Spool(path) as spool:
        records = {spooled.record for spooled in spool.oldest(1_000)}
    assert records == {f"{name}{number}" for name in "ab" for number in range(100)}


def test_services_that_start_together_on_a_new_spool_all_start(tmp_path: Path) -> None:
    for turn in range(100):
        starting = Barrier(4)
        path = tmp_path / str(turn) / "spool.sqlite"

        def start(_: str, starting: Barrier = starting, path: Path = path) -> None:
            starting.wait()
            Spool(path).close()

        _at_once(start, "abcd")
