"""The workers of one service: the number of each, and the version that it serves.

A worker holds a locked file in a folder that they share. The kernel releases the lock when the
worker ends, even if it was killed.
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_MOST = 256
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone


@dataclass(frozen=True)
class WorkerState:
    """What a worker serves; ``refused`` is why it is not the published version, if so."""

    worker: int
    pid: int
    model_version: str | None = None
    refused: str | None = None


def shared_folder(spool: Path) -> Path:
    """Return the folder that the workers of a spool share while they run.

    It is in memory, as the spool's disk may be full: writing to a file that is mapped from a full
    disk ends the process (SIGBUS).
    """
    key = hashlib.sha256(os.fsencode(spool.resolve())).hexdigest()[:16]
    shared = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    return shared / f"churn-{os.geteuid()}-{key}"


class Workers:
    """This worker's number, and the states of all workers."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise OSError(f"{folder} belongs to another user")
        self.folder = folder
        with self._alone():
            if not any(True for _ in self._live()):
                self._forget_all()
            self.number, self._lock = self._take_place()
        self._reported: WorkerState | None = None
        self.report(None, None)

    def report(self, model_version: str | None, refused: str | None) -> None:
        """Report to the other workers what this worker serves."""
        state = WorkerState(self.number, os.getpid(), model_version, refused)
        if state != self._reported:
            temporary = self.folder / f".worker-{self.number}"
            temporary.write_text(json.dumps(asdict(state)), encoding="utf-8")
            temporary.replace(self._state_file(self.number))
            self._reported = state

    def states(self) -> tuple[WorkerState, ...]:
        """Return what each living worker serves, in the order of their places."""
        found = []
        for number in self._live():
            with suppress(OSError, ValueError, TypeError):  # it is starting or ending
                content = json.loads(self._state_file(number).read_bytes())
                found.append(WorkerState(**content))
        return tuple(found)

    def close(self) -> None:
        """Release the number; the last worker removes all files."""
        with self._alone():
            self._state_file(self.number).unlink(missing_ok=True)
            os.close(self._lock)
            if not any(True for _ in self._live()):
                self._forget_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_place(self) -> tuple[int, int]:
        for number in range(_MOST):
            descriptor = _locked(self._lock_file(number))
            if descriptor is not None:
                return number, descriptor
        raise OSError(f"{self.folder}: {_MOST} workers are running already")

    def _live(self) -> Iterator[int]:
        numbers = sorted(int(p.stem.partition("-")[2]) for p in self.folder.glob("worker-*.lock"))
        for number in numbers:
            descriptor = _locked(self._lock_file(number))
            if descriptor is None:
                yield number
            else:
                os.close(descriptor)

    def _forget_all(self) -> None:
        """Remove counts and states: a restarted service starts at zero for Prometheus."""
        for pattern in ("*.db", "worker-*.json"):
            for path in self.folder.glob(pattern):
                path.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self.folder / "places", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _lock_file(self, number: int) -> Path:
        return self.folder / f"worker-{number}.lock"

    def _state_file(self, number: int) -> Path:
        return self.folder / f"worker-{number}.json"


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
