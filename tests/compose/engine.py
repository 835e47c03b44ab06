"""A container engine: the machine's own where it can pull images, else one started for the run."""

import atexit
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.compose import bases, leftovers
from tests.compose.bases import Base
from tests.compose.debian import Archive
from tests.compose.machine import Machine
from tests.compose.progress import Progress, StepError, tail

CALL_SECONDS = 300
START_SECONDS = 30.0
STOP_SECONDS = 30.0
_MEMORY_FOR_TMPFS = 12 << 30
_SETTINGS = ("AIRFLOW", "API_PORT", "CHURN_", "COMPOSE_", "POSTGRES_")
_PLUGINS = "usr/libexec/docker/cli-plugins"


@dataclass(frozen=True)
class Engine:
    """A way to call ``docker``; ``folder`` is set when the engine runs for us alone."""

    environment: Mapping[str, str]
    folder: Path | None = None

    def call(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one docker command, with more variables for it, whatever it comes to."""
        return subprocess.run(
            ["docker", *arguments],
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )

    def docker(self, *arguments: str) -> str:
        """Return what a docker command prints.

        Raises:
            StepError: it failed.
        """
        done = self.call(*arguments)
        if done.returncode:
            raise StepError(f"docker {' '.join(arguments)}: {done.stderr}")
        return done.stdout


@contextmanager
def running(machine: Machine, progress: Progress) -> Iterator[Engine]:
    """Yield an engine that has the base images; nothing of ours outlives the block."""
    if machine.real:
        progress.say(f"the machine's own engine is used: {machine.real}")
        yield Engine({k: v for k, v in os.environ.items() if not k.startswith(_SETTINGS)})
        return
    for folder in leftovers.abandoned(Path(tempfile.gettempdir())):
        progress.say(f"removing what a killed run left: {folder}")
        leftovers.remove(folder)
    folder = Path(tempfile.mkdtemp(prefix=leftovers.PREFIX))
    leftovers.own(folder)
    atexit.register(leftovers.remove, folder)
    try:
        with _started(folder, machine, progress) as engine:
            yield engine
    finally:
        leftovers.remove(folder)
        atexit.unregister(leftovers.remove)


def import_bases(engine: Engine, machine: Machine, progress: Progress) -> None:
    """Give an engine of ours the stand-ins for the base images."""
    if engine.folder is None:
        return
    python = bases.copy_python(machine.python, engine.folder / "cpython")
    wanted = (bases.python_base(python), bases.postgres_base())
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda base: _import(base, engine, machine, progress), wanted))


def _import(base: Base, engine: Engine, machine: Machine, progress: Progress) -> None:
    changes = [word for change in base.changes for word in ("--change", change)]
    tar = _root_file_system(base, engine, machine, progress)
    command = ["docker", "import", *changes, str(tar), base.tag]
    what = f"importing {base.tag}, {tar.stat().st_size / 1e6:.0f} MB"
    progress.run(what, command, log=tar.with_suffix(".log"), environment=engine.environment)
    tar.unlink()


def _root_file_system(base: Base, engine: Engine, machine: Machine, progress: Progress) -> Path:
    assert engine.folder
    tar = engine.folder / f"{base.suite}.tar"
    mmdebstrap = machine.tools / "usr/bin/mmdebstrap"
    source = Archive(machine.mirror, engine.folder / "apt").line(base.suite)
    progress.run(
        f"making a stand-in for {base.tag} from Debian's packages",
        base.command(mmdebstrap, source, tar),
        log=engine.folder / f"mmdebstrap-{base.suite}.log",
        environment={**engine.environment, "TMPDIR": str(engine.folder)},
    )
    return tar


@contextmanager
def _started(folder: Path, machine: Machine, progress: Progress) -> Iterator[Engine]:
    if psutil.virtual_memory().available > _MEMORY_FOR_TMPFS:
        size = f"size={psutil.virtual_memory().available // 2}"
        command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
        subprocess.run(command, check=True)
    leftovers.own(folder)
    machine.fetch_tools(folder, progress)
    progress.say("starting an engine of our own")
    engine = Engine(_environment(folder, machine.tools), folder)
    with (folder / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(
            _daemon(folder),
            env=dict(engine.environment),
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the tests, which end it in their order
        )
    try:
        _wait(engine, daemon, folder / "dockerd.log")
        yield engine
    finally:
        daemon.terminate()
        daemon.wait(STOP_SECONDS)


def _wait(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while engine.call("info").returncode:
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise StepError(f"dockerd did not start:\n{tail(log)}")
        time.sleep(0.2)


def _environment(folder: Path, tools: Path) -> dict[str, str]:
    libraries = tools / "usr/lib/x86_64-linux-gnu"
    configuration = folder / "configuration"
    configuration.mkdir()
    (configuration / "cli-plugins").symlink_to(tools / _PLUGINS)
    return {
        "PATH": f"{tools}/usr/sbin:{tools}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "LD_LIBRARY_PATH": str(libraries),
        "XTABLES_LIBDIR": str(libraries / "xtables"),
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
        "DOCKER_CONFIG": str(configuration),
        leftovers.MARK: str(folder),
    }


def _daemon(folder: Path) -> list[str]:
    """Leave this machine's firewall and routes alone: ports are published by docker-proxy."""
    off = ("iptables", "ip6tables", "ip-forward", "ip-masq")
    return [
        "dockerd",
        *(f"--{name}=false" for name in off),
        "--bridge=none",
        "--storage-driver=overlay2",
        f"--data-root={folder}/data",
        f"--exec-root={folder}/run",
        f"--pidfile={folder}/dockerd.pid",
        f"--host=unix://{folder}/docker.sock",
        f"--cgroup-parent=/{leftovers.cgroup_name(folder)}",
    ]
