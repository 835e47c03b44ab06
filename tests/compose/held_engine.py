"""A run that holds an engine until it is ended: SIGUSR1 makes it fail."""

import signal
import subprocess
import sys
from types import FrameType

from tests.compose import engine, leftovers, machine
from tests.compose.conftest import pytest_configure
from tests.compose.progress import Progress

IMAGE = "held:1"


def fail(_signal: int, _frame: FrameType | None) -> None:
    """Break the run."""
    raise RuntimeError("asked to fail")


def main() -> None:
    """Start an engine with a network, a volume and a container; say where it is; wait."""
    pytest_configure()
    signal.signal(signal.SIGUSR1, fail)
    found = machine.look()
    assert not isinstance(found, str), found
    with engine.running(found, Progress(lambda _: None)) as held:
        assert held.folder
        option = f"com.docker.network.bridge.name={leftovers.bridge_name(held.folder, 'held')}"
        held.docker("network", "create", "--opt", option, "held")
        tar = held.folder / "held.tar"
        packed = ("tar", "-C", str(found.tools / "bin"), "-cf", str(tar), "busybox")
        subprocess.run(packed, check=True)
        held.docker("import", str(tar), IMAGE)
        options = ("--detach", "--stop-timeout", "1", "--network", "held", "--volume", "held:/held")
        held.docker("run", *options, IMAGE, "/busybox", "sleep", "600")
        sys.stdout.write(f"{held.folder}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
