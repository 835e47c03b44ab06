import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.warehouse.predictions import spool as segments
from churn.warehouse.predictions.spool import framed, read
from serving.api.worker_spool import NotRecordedError, WorkerSpool
from tests import properties

properties.load()

LIMIT = 1_000_000

_ADD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from serving.api.worker_spool import WorkerSpool
spool = WorkerSpool(Path(sys.argv[1]), limit=1_000_000)
for number in range(int(sys.argv[2])):
    spool.add(f"record {number}".encode())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[WorkerSpool]:
    with WorkerSpool(tmp_path / "spool", limit=LIMIT) as spool:
        yield spool


def _shipped(spool: WorkerSpool) -> list[bytes]:
    found: list[bytes] = []
    for segment in spool.finished():
        found += segment.content().records
        segment.remove()
    return found


def test_what_was_added_is_there_once_it_is_finished(spool: WorkerSpool) -> None:
    spool.add(b"first")
    spool.add(b"second", b"third")
    assert spool.waiting() == 3
    assert _shipped(spool) == []
    spool.finish()
    assert _shipped(spool) == [b"first", b"second", b"third"]
    assert spool.waiting() == 0


def test_a_finished_segment_is_held_by_one_shipper_at_a_time(spool: WorkerSpool) -> None:
    spool.add(b"waits")
    spool.finish()
    with WorkerSpool(spool.folder, limit=LIMIT) as other:
        for _ in spool.finished():
            assert list(other.finished()) == []
        assert _shipped(other) == [b"waits"]
        assert list(spool.finished()) == []


def test_a_segment_that_another_shipper_removed_meanwhile_is_passed_over(
    spool: WorkerSpool,
) -> None:
    spool.add(b"waits")
    spool.finish()
    (path,) = [p for p in segments.segments(spool.folder) if p.stat().st_size]
    file = os.open(path, os.O_RDWR)
    path.unlink()
    path.write_bytes(framed(b"another"))
    with segments.held(path) as segment:
        assert segment
        assert segment.content().records == [b"another"]
    os.close(file)


def test_the_segment_of_a_running_service_is_its_own(spool: WorkerSpool) -> None:
    spool.add(b"waits")
    with WorkerSpool(spool.folder, limit=LIMIT) as other:
        assert list(other.finished()) == []
        assert other.waiting() == 1


def test_every_record_that_was_added_survives_sigkill(spool: WorkerSpool) -> None:
    command = [sys.executable, "-c", _ADD_AND_DIE, str(spool.folder), "250"]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    assert _shipped(spool) == [f"record {number}".encode() for number in range(250)]


def test_a_service_that_stops_leaves_what_waits_and_no_empty_file(tmp_path: Path) -> None:
    with WorkerSpool(tmp_path, limit=LIMIT) as former:
        former.add(b"waits")
    with WorkerSpool(tmp_path, limit=LIMIT):
        pass
    (left,) = tmp_path.iterdir()
    assert read(left.read_bytes()).records == [b"waits"]


@given(st.lists(st.binary(min_size=1), max_size=5), st.integers(0, 200))
def test_a_truncated_end_costs_no_record_before_it(records: list[bytes], cut: int) -> None:
    content = b"".join(map(framed, records))
    found = read(content[: max(0, len(content) - cut)])
    assert list(found.records) == records[: len(found.records)]
    whole = [sum(len(framed(r)) for r in records[: n + 1]) for n in range(len(records))]
    assert len(found.records) == sum(end <= len(content) - cut for end in whole)
    assert found.is_truncated == (found.unread > 0)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), st.data())
def test_a_changed_byte_is_never_read_as_a_record(
    records: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(b"".join(map(framed, records)))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    found = read(bytes(content))
    assert found.unread
    assert list(found.records) == records[: len(found.records)]


def test_zeros_that_a_power_cut_leaves_are_no_records() -> None:
    found = read(framed(b"sound") + bytes(64))
    assert (list(found.records), found.unread, found.is_truncated) == ([b"sound"], 64, False)


def test_past_the_limit_nothing_is_added_and_the_loss_is_counted(tmp_path: Path) -> None:
    with WorkerSpool(tmp_path, limit=100) as spool:
        spool.add(b"x" * 80)
        with pytest.raises(NotRecordedError, match="100 bytes of predictions wait"):
            spool.add(b"y" * 20)
        assert (spool.waiting(), spool.dropped) == (1, 1)
        spool.finish()
        _shipped(spool)
        spool.measure()
        spool.add(b"z" * 20)
        assert spool.waiting() == 1


def test_the_limit_is_of_the_folder_and_not_of_each_worker(tmp_path: Path) -> None:
    with WorkerSpool(tmp_path, limit=100) as one, WorkerSpool(tmp_path, limit=100) as other:
        one.add(b"x" * 80)
        other.measure()
        with pytest.raises(NotRecordedError):
            other.add(b"y" * 80)


_FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from serving.api.worker_spool import NotRecordedError, WorkerSpool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
spool, kept = WorkerSpool(Path(sys.argv[1]), limit=1_000_000), 0
for number in range(200):
    try:
        spool.add(b"%03d" % number * 10)
        kept += 1
    except NotRecordedError:
        pass
print(kept, spool.dropped)
"""


def test_a_disk_that_takes_no_more_tears_no_record_and_loses_none_that_was_taken(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", _FILL_THE_DISK, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    kept, dropped = map(int, done.stdout.split())
    assert 0 < kept < 200
    assert kept + dropped == 200
    with WorkerSpool(tmp_path, limit=LIMIT) as spool:
        (segment,) = spool.finished()
        content = segment.content()
    assert (len(content.records), content.unread) == (kept, 0)


def test_half_made_segments_are_cleared_away_when_they_are_old(tmp_path: Path) -> None:
    old, new = tmp_path / "1.new", tmp_path / "2.new"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    with WorkerSpool(tmp_path, limit=LIMIT):
        assert (old.exists(), new.exists()) == (False, True)


def test_counting_reads_on_where_it_stopped(spool: WorkerSpool) -> None:
    for number in range(1, 4):
        spool.add(b"record")
        assert spool.waiting() == number
    spool.finish()
    spool.add(b"record")
    assert spool.waiting() == 4


def test_a_segment_does_not_grow_for_ever(tmp_path: Path) -> None:
    with WorkerSpool(tmp_path, limit=100_000_000) as spool:
        for _ in range(90):
            spool.add(*[b"x" * 1_000] * 100)
        sizes = [path.stat().st_size for path in segments.segments(tmp_path)]
        assert spool.waiting() == 9_000
    assert len(sizes) >= 3
    assert max(sizes) < 4_500_000


def test_what_others_finished_is_counted_by_its_name_and_never_read(spool: WorkerSpool) -> None:
    for number in range(300):
        path = spool.folder / f"{number:020d}-{'a' * 16}-4000.log"
        path.touch()
        os.truncate(path, 4_000_000)  # zeros, which take no room and are no records
    spool.add(b"ours", b"too")
    before = _bytes_read()
    assert spool.waiting() == 300 * 4_000 + 2
    assert _bytes_read() - before < 1_000_000


def _bytes_read() -> int:
    """Return how many bytes this process has read so far, from a cache or not."""
    path = Path("/proc/self/io")
    if not path.exists():
        pytest.skip("this system does not count what a process reads")
    return int(path.read_text().split()[1])


def test_what_a_killed_process_left_and_what_came_before_there_were_names_is_counted_once(
    spool: WorkerSpool,
) -> None:
    former = spool.folder / f"{7:020d}-{'a' * 16}.log"
    former.write_bytes(framed(b'{"prediction_id":"x"}') * 1_000)
    assert spool.waiting() == 1_000
    before = _bytes_read()
    assert spool.waiting() == 1_000
    assert _bytes_read() - before < 10_000
    assert _shipped(spool) == [b'{"prediction_id":"x"}'] * 1_000


def test_a_block_counts_as_its_predictions(spool: WorkerSpool) -> None:
    spool.add(b"one", b'{"predictions":40,"rows":{}}')
    with WorkerSpool(spool.folder, limit=LIMIT) as other:
        assert (spool.waiting(), other.waiting()) == (41, 41)
    spool.finish()
    assert spool.waiting() == 41
    assert segments.segments(spool.folder)[0].stem.endswith("-41")
