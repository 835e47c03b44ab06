"""A copy of the project's tree with secrets of its own, brought up by Compose."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local import envfile
from local.containers import COMPOSE_FILE, PROJECT
from local.network import free_port
from tests.compose.engine import Engine
from tests.compose.leftovers import bridge_name
from tests.compose.progress import Progress, StepError

PARTS = (
    *(".dockerignore", ".env.example", "Dockerfile", "Makefile", COMPOSE_FILE),
    *("dags", "data", "docker", "include", "local", "locks", "plugins", "serving"),
)
NAME = "churn-compose"
UP_SECONDS = "240"
ONE_SHOT = {"airflow-init"}
_NETWORKS = ("front", "back", "out")


@dataclass(frozen=True)
class State:
    """What the engine knows of a container: running or not, and what its health check found."""

    status: str
    health: str
    exit_code: int


@dataclass(frozen=True, kw_only=True)
class Project:
    """One Compose project: files, secrets, ports, and the engine it runs on."""

    engine: Engine
    folder: Path
    name: str
    files: tuple[Path, ...]
    api_port: int
    airflow_port: int
    api_key: str = field(repr=False)

    @property
    def secrets(self) -> dict[str, str]:
        """What ``make env`` wrote."""
        return envfile.read(self.folder / ".env")

    def arguments(self, *arguments: str) -> list[str]:
        """Return the words after ``docker`` of a Compose command."""
        files = [word for file in self.files for word in ("--file", str(file))]
        where = ["--project-directory", str(self.folder), "--project-name", self.name]
        return ["compose", "--progress", "plain", *where, *files, *arguments]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Compose command, whatever it comes to."""
        return self.engine.call(*self.arguments(*arguments), **self._ports())

    def compose(self, *arguments: str) -> str:
        """Return what a Compose command prints.

        Raises:
            StepError: it failed.
        """
        done = self.call(*arguments)
        if done.returncode:
            raise StepError(f"docker compose {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def run(self, progress: Progress, what: str, *arguments: str) -> float:
        """Run a long Compose command, telling how it goes; return its seconds."""
        return progress.run(
            what,
            ["docker", *self.arguments(*arguments)],
            log=self.folder / "compose.log",
            environment={**self.engine.environment, **self._ports()},
        )

    def up(self, progress: Progress, *services: str, more: tuple[str, ...] = ()) -> float:
        """Start what is not running and wait until it is healthy."""
        what = f"starting {', '.join(services) or 'the stack'} and waiting until it is healthy"
        options = ("--detach", "--no-build", "--wait", "--wait-timeout", UP_SECONDS)
        return self.run(progress, what, "up", *options, *more, *services)

    def inside(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container as its own user."""
        return self.call("exec", "-T", service, *command)

    def container(self, service: str) -> Mapping[str, Any]:
        """Return what the engine knows of a service's container.

        Raises:
            StepError: there is none.
        """
        name = self.compose("ps", "--all", "--quiet", service).strip()
        return dict(json.loads(self.engine.docker("inspect", name or service))[0])

    def states(self) -> Mapping[str, State]:
        """Return the state of each service's container, by one question to the engine."""
        listed = self.compose("ps", "--all", "--format", "json")
        # Before Compose 2.21 one array, since then one object a line.
        containers = json.loads(f"[{','.join(listed.splitlines())}]")
        return {
            one["Service"]: State(one["State"], one["Health"], one["ExitCode"])
            for one in (containers[0] if listed.startswith("[") else containers)
        }

    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the services as Compose reads them."""
        return dict(json.loads(self.compose("config", "--format", "json"))["services"])

    def images(self) -> dict[str, str]:
        """Return the image of each target that is built."""
        built = [one for one in self.services().values() if "build" in one]
        return {one["build"]["target"]: one["image"] for one in built}

    def changed(self, name: str, override: dict[str, Any]) -> "Project":
        """Return a project beside this one, with the same images and an override of its own."""
        file = self.folder / f"{name}.yaml"
        file.write_text(json.dumps(_networks(self.engine, name) | override), "utf-8")
        return replace(
            self,
            name=f"{self.name}-{name}",
            files=(*self.files, file),
            api_port=free_port(),
            airflow_port=free_port(),
        )

    def remove(self) -> None:
        """Remove every container, network and volume of the project."""
        self.call("down", "--volumes", "--timeout", "3", "--remove-orphans")

    def _ports(self) -> dict[str, str]:
        return {"API_PORT": str(self.api_port), "AIRFLOW_PORT": str(self.airflow_port)}


def create(engine: Engine, folder: Path) -> Project:
    """Copy the tree into the folder and make its secrets as a user does."""
    copy_tree(folder)
    told = _make_env(folder)
    project = Project(
        engine=engine,
        folder=folder,
        name=NAME,
        files=(folder / COMPOSE_FILE,),
        api_port=free_port(),
        airflow_port=free_port(),
        api_key=told.split()[-1],
    )
    override = folder / "here.yaml"
    override.write_text(json.dumps(_override(project)), "utf-8")
    return replace(project, files=(*project.files, override))


def copy_tree(folder: Path) -> None:
    """Copy what a user of the containers gets."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy2(source, folder / part)


def _make_env(folder: Path) -> str:
    made = subprocess.run(
        ["make", "--no-print-directory", "env"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise StepError(f"make env: {made.stderr}")
    return made.stdout


def _override(project: Project) -> dict[str, Any]:
    """Return what differs here: tags of our own, and the way out for builds where we need one."""
    network = {"network": "host"} if project.engine.folder else {}
    services = {
        name: {
            "image": f"{one['image'].partition(':')[0]}:compose-test",
            **({"build": network} if "build" in one else {}),
        }
        for name, one in project.services().items()
        if one["image"].startswith("churn-")
    }
    return {"services": services} | _networks(project.engine, "")


def _networks(engine: Engine, name: str) -> dict[str, Any]:
    if not engine.folder:
        return {}
    names = {net: bridge_name(engine.folder, f"{net[0]}{name}") for net in _NETWORKS}
    option = "com.docker.network.bridge.name"
    return {"networks": {net: {"driver_opts": {option: link}} for net, link in names.items()}}
