"""A PostgreSQL server of our own: created once, served in the foreground, ended fast."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from local.binaries import find_binaries, major_version
from local.errors import StackError
from local.network import HOST
from local.privileges import choose_face, give

SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
FIRST_WITH_BUILTIN_LOCALE = 17

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "128MB",
    "max_connections": "120",
    # Without replicas, bulk loads into a table made in the same transaction skip the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For tests, whose data may be lost.
FORGETFUL: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """One data folder, the port it is served on, and the superuser's password."""

    data: Path
    port: int
    password: str
    binaries: Path
    durable: bool = True

    def url(
        self, database: str = "postgres", *, role: str = SUPERUSER, password: str | None = None
    ) -> str:
        """Return the address of a database for one role."""
        return f"postgresql://{role}:{password or self.password}@{HOST}:{self.port}/{database}"


def server(*, data: Path, port: int, password: str, durable: bool = True) -> Server:
    """Describe a server on the programs found on this machine."""
    return Server(
        data=data, port=port, password=password, binaries=find_binaries(), durable=durable
    )


def initialise(server: Server) -> None:
    """Create the data folder unless it is there; a half-made one never gets its name."""
    if server.data.exists():
        _check_version(server)
        return
    half = server.data.with_name(f"{server.data.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700, parents=True)
    face = choose_face(server.binaries / "postgres")
    give(half, owner=face.owner)
    with _password_file(server, owner=face.owner) as password:
        made = subprocess.run(
            [*face.prefix, *_initdb(server, half, password)],
            capture_output=True,
            text=True,
            check=False,
        )
    if made.returncode:
        raise StackError(f"PostgreSQL could not create {server.data}: {_last_line(made.stderr)}")
    half.rename(server.data)


def command(server: Server) -> tuple[str, ...]:
    """Return the command that serves the data folder in the foreground and ends with its parent."""
    face = choose_face(server.binaries / "postgres")
    give(server.data, owner=face.owner)
    settings = {**SETTINGS, **({} if server.durable else FORGETFUL), "port": str(server.port)}
    # After the prefix: a change of credentials clears the parent-death signal.
    with_parent = (sys.executable, "-m", "local.parent_death", "--signal", "INT", "--")
    postgres = (str(server.binaries / "postgres"), "-D", str(server.data))
    return (
        *face.prefix,
        *with_parent,
        *postgres,
        *(f"--{name}={value}" for name, value in settings.items()),
    )


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Serve the data folder for the length of a block."""
    initialise(server)
    log = server.data.with_name("postgres.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            command(server), stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_ready(server, alive=lambda: process.poll() is None)
        yield server
    finally:
        _end(process)


def wait_ready(
    server: Server, *, alive: Callable[[], bool] = lambda: True, seconds: float = START_SECONDS
) -> None:
    """Return when the server answers a query."""
    deadline = time.monotonic() + seconds
    while not answers(server.url()):
        if not alive() or time.monotonic() > deadline:
            raise StackError(
                f"PostgreSQL did not start on port {server.port}: see its log near {server.data}."
            )
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Return whether a database answers a query now."""
    with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=3) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)
    return False


def _check_version(server: Server) -> None:
    try:
        made_by = (server.data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise StackError(
            f"{server.data} is no PostgreSQL data folder ({error.strerror}): move it away."
        ) from error
    if made_by != str(major := major_version(server.binaries)):
        raise StackError(
            f"{server.data} was made by PostgreSQL {made_by}, this is {major}: "
            f"set CHURN_POSTGRES_BIN to a {made_by} server, or CHURN_HOME to a new folder."
        )


def _initdb(server: Server, folder: Path, password: Path) -> list[str]:
    builtin = major_version(server.binaries) >= FIRST_WITH_BUILTIN_LOCALE
    locale = (
        ["--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
        if builtin
        else ["--locale=C.UTF-8"]
    )
    access = [f"--username={SUPERUSER}", f"--pwfile={password}", "--auth=scram-sha-256"]
    shape = ["--encoding=UTF8", "--data-checksums", "--no-instructions", *locale]
    haste = [] if server.durable else ["--no-sync"]
    return [str(server.binaries / "initdb"), f"--pgdata={folder}", *access, *shape, *haste]


@contextmanager
def _password_file(server: Server, *, owner: int) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=server.data.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(server.password)
    give(Path(name), owner=owner)
    try:
        yield Path(name)
    finally:
        Path(name).unlink()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
