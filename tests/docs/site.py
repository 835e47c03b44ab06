"""A project as a reader of the documents has it: trained, served, with files of their own."""

import gzip
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from local import databases
from local.databases import PIPELINE, SERVING, Database
from local.layout import PROJECT
from local.postgres import Server
from local.summary import FIRST_CUSTOMER
from tests.api.process import Running, serving
from tests.changed_file import write_changed
from tests.docs.blocks import Block

VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
PREDICTION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT[\d:]+Z")
ACTIVATE = ". .venv/bin/activate"
_OWN_FILES = ("customers.csv", "export.csv")


@dataclass(frozen=True)
class Site:
    """A project's folder and what its commands find in their environment."""

    folder: Path
    environment: Mapping[str, str]
    port: int = 8000
    names: Mapping[str, str] = field(default_factory=dict)

    def run(self, block: Block) -> str:
        """Run a block as it is printed, but for the reader's own ids and port.

        Raises:
            CalledProcessError: a command failed.
        """
        text = block.commands.replace("localhost:8000", f"localhost:{self.port}")
        for printed, own in self.names.items():
            text = text.replace(printed, own)
        text = MOMENT.sub(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", text)
        return self.execute(_started(block.language), text)

    def execute(self, command: tuple[str, ...], text: str) -> str:
        """Give a program its text and return what it prints."""
        done = subprocess.run(
            command,
            input=text,
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout


def _started(language: str) -> tuple[str, ...]:
    if language == "sql":
        return ("sh", "-c", 'exec "$PSQL" --set=ON_ERROR_STOP=1 "$CHURN_DATABASE_URL"')
    if language == "python":
        return (".venv/bin/python", "-")
    return ("bash", "-euo", "pipefail", "-c", f'{ACTIVATE}; eval "$(cat)"')


def make(folder: Path, url: str) -> Site:
    """Make a project's folder with the reader's own files; nothing is trained."""
    folder.mkdir()
    for name in (".venv", "Makefile", "include", "local", "serving", "docker", "dags", "plugins"):
        (folder / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "data", folder / "data")
    _write_own_files(folder)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CHURN_HOME": str(folder / ".local"),
        "CHURN_DATA": str(folder / "data"),
        "CHURN_DATABASE_URL": url,
    }
    return Site(folder, environment)


def _write_own_files(folder: Path) -> None:
    changed = write_changed(folder / "changed.csv")  # as train_twice leaves the customers
    lines = changed.read_text(encoding="utf-8").splitlines()
    changed.unlink()
    (folder / "customers.csv").write_text("\n".join(lines[:100]) + "\n", encoding="utf-8")
    header, *rows = (line.split(",") for line in lines)
    german = [[cell.replace(".", ",") for cell in row] for row in rows]
    text = "".join(f"{';'.join(row)}\n" for row in [header, *german])
    (folder / "export.csv").write_text(text, encoding="cp1252")
    exports = folder / "data" / "exports"
    exports.mkdir()
    name = f"export_{datetime.now(UTC):%Y-%m-%d}.csv.gz"
    (exports / name).write_bytes(gzip.compress(text.encode("cp1252")))


def train_twice(site: Site) -> None:
    """Publish a version of the shipped file and one of changed customers, which takes over."""
    console = ("bash", "-euc", f'{ACTIVATE}; eval "$(cat)"')
    site.execute(console, "churn run data/churn.csv")
    changed = write_changed(site.folder / "changed.csv")
    time.sleep(1)  # versions are named by the second
    site.execute(console, f"churn run {changed} --allow-change")
    changed.unlink()


@contextmanager
def copied(site: Site, server: Server, template: str, folder: Path) -> Iterator[Site]:
    """Serve a copy of a trained site, with a database of its own and one logged prediction."""
    name = f"churn_{folder.name}".replace(".", "_").replace("-", "_").lower()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        copy = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        connection.execute(copy.format(*map(sql.Identifier, (name, PIPELINE, template))))
        guests = Database(name=name, owner=PIPELINE, guests=(SERVING,))
        databases.create_database(connection, guests)
        try:
            own = make(folder, server.url(name, role=PIPELINE))
            shutil.copytree(site.folder / ".local", folder / ".local")
            url = server.url(name, role=SERVING)
            with serving(folder / ".local", CHURN_DATABASE_URL=url) as service:
                yield _named(own, service)
        finally:
            databases.drop_database(connection, name)


def _named(site: Site, service: Running) -> Site:
    versions = sorted(path.name for path in (site.folder / ".local/models/versions").iterdir())
    answer = service.post("/predict", {**FIRST_CUSTOMER, "customer_id": "7590-VHVEG"})[1]
    _wait_logged(site, answer["prediction_id"])
    environment = {**site.environment, "PSQL": str(_psql())}
    names = {"PREDICTION": answer["prediction_id"], **{f"V{i}": v for i, v in enumerate(versions)}}
    return Site(site.folder, environment, service.port, names)


def _psql() -> Path:
    from local.binaries import find_binaries

    return find_binaries() / "psql"


def _wait_logged(site: Site, prediction: str) -> None:
    query = "SELECT count(*) FROM prediction_logs WHERE prediction_id = %s"
    deadline = time.monotonic() + 30
    with psycopg.connect(site.environment["CHURN_DATABASE_URL"], autocommit=True) as connection:
        while connection.execute(query, [prediction]).fetchone() != (1,):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def renamed(site: Site, page: str) -> Site:
    """Return the site in which a page's ids stand for its own, the oldest version first."""
    versions = sorted(set(VERSION.findall(page)))
    own = {f"V{i}": printed for i, printed in enumerate(versions)}
    names = {own[key]: value for key, value in site.names.items() if key in own}
    printed = dict.fromkeys(PREDICTION.findall(page), site.names["PREDICTION"])
    return Site(site.folder, site.environment, site.port, {**names, **printed})
