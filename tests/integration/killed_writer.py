"""A writer of the model store that dies where it is told to; a program of its own.

``killed_writer.py URL STORE SOURCE``, then lines ``NUMBER|ACTION|VERSION``: each action is done in
a forked child that kills itself, by SIGKILL, at the NUMBER-th call to the store, or of a commit.
It prints what that call was, or "done" if the action ended before it. The counting is here, in the
test, and nowhere in the product.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from churn.registry import events
from churn.registry.model_registry import ModelRegistry
from churn.registry.retention import RetentionRule
from churn.registry.store import ModelStore, Version, read_version
from churn.warehouse.connect import connect

PATHS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}


def tell(what: str) -> None:
    """Say it at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


@dataclass
class Killer:
    """Counts calls and dies at one of them."""

    store: str
    at: int
    calls: int = 0

    def count(self, what: str, half: Callable[[], object] | None = None) -> None:
        """Die here if this is the call; ``half`` is done of it first."""
        self.calls += 1
        if self.calls == self.at:
            if half:
                half()
            tell(what)
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count what Python is about to ask of the file system, in the store."""
        if event in PATHS:
            path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else ""
            if path.startswith(self.store) or (path and not path.startswith("/")):
                self.count(f"{event} {path.removeprefix(self.store)}")

    def watch(self) -> None:
        """Count every call from now on."""
        write, fsync, close, commit = os.write, os.fsync, os.close, psycopg.Connection.commit

        def counted_write(descriptor: int, data: bytes) -> int:
            self.count("before write")
            self.count("half a write", lambda: write(descriptor, data[: len(data) // 2]))
            return write(descriptor, data)

        def counted_fsync(descriptor: int) -> None:
            self.count("before fsync")
            fsync(descriptor)

        def counted_close(descriptor: int) -> None:
            self.count("before close")
            close(descriptor)

        def counted_commit(connection: psycopg.Connection[Any]) -> None:
            self.count("before commit")
            commit(connection)
            self.count("after commit")

        os.write, os.fsync, os.close = counted_write, counted_fsync, counted_close  # type: ignore[assignment]
        psycopg.Connection.commit = counted_commit  # type: ignore[method-assign, assignment]
        sys.addaudithook(self.audit)


def act(registry: ModelRegistry, source: Version, action: str, version: str) -> None:
    """Do one thing to the store."""
    if action == "publish":
        events.lock(registry.connection)
        manifest = source.manifest.model_copy(update={"version": version})
        registry.store.write_candidate(manifest, source.files)
        registry.promote(version, "a test")
    elif action == "roll back":
        registry.roll_back("a test")
    elif action == "retire":
        registry.retire(RetentionRule(newest=1, served_days=0))
    elif action == "pin":
        registry.pin(version, "a test")
    else:
        raise ValueError(action)


def main() -> None:
    """Do what each line of the input says."""
    url, folder, source = sys.argv[1:]
    store, version = ModelStore(Path(folder)), read_version(Path(source))
    for line in sys.stdin:
        number, action, name = line.strip().split("|")
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        with connect(url) as connection:
            Killer(folder, int(number)).watch()
            act(ModelRegistry(connection, store, "killed writer"), version, action, name)
        tell("done")
        os._exit(0)


if __name__ == "__main__":
    main()
