"""One engine, one build and one stack for the whole run; whatever was started is ended."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import FrameType

import pytest

from tests.compose import engine as engines
from tests.compose import leftovers
from tests.compose import machine as machines
from tests.compose.engine import Engine
from tests.compose.machine import Machine
from tests.compose.pipeline import Run, first_training
from tests.compose.progress import Progress
from tests.compose.project import Project, create

_ORDER = ("running_stack", "images", "planted_faults", "backup", "healing", "nothing_is_left")
_FOLDER = pytest.StashKey[Path]()


def pytest_configure() -> None:
    """Let a terminated run clean up as an interrupted one does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, interrupt)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Look at the stack before anything in it is killed."""
    for item in items:
        item.add_marker("compose")
    items.sort(key=lambda item: _ORDER.index(item.path.stem.removeprefix("test_")))


@pytest.hookimpl(trylast=True)  # after the fixtures of an interrupted run
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run that leaves something behind."""
    folder = session.config.stash.get(_FOLDER, None)
    if folder and (left := leftovers.find(folder)):
        pytest.exit(f"left behind: {', '.join(left)}", returncode=1)


@pytest.fixture(scope="session")
def progress(pytestconfig: pytest.Config) -> Progress:
    """Lines that are seen while the tests run."""
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")
    assert capture
    printed, one_at_a_time = Progress(), Lock()

    def write(line: str) -> None:
        with one_at_a_time, capture.global_and_fixture_disabled():
            printed.write(line)

    return Progress(write)


@pytest.fixture(scope="session")
def machine() -> Machine:
    """What this machine has; without it everything here is skipped, and says why."""
    found = machines.look()
    if isinstance(found, str):
        pytest.skip(f"SKIPPED OUT LOUD: the containers cannot be tried here: {found}")
    return found


@pytest.fixture(scope="session")
def engine(machine: Machine, progress: Progress, pytestconfig: pytest.Config) -> Iterator[Engine]:
    """An engine with the base images."""
    with engines.running(machine, progress) as engine:
        if engine.folder:
            pytestconfig.stash[_FOLDER] = engine.folder
        engines.import_bases(engine, machine, progress)
        yield engine


@pytest.fixture(scope="session")
def project(engine: Engine, progress: Progress) -> Iterator[Project]:
    """The tree with its images built and nothing started."""
    with tempfile.TemporaryDirectory(prefix="churn-tree-") as place:
        project = create(engine, (engine.folder or Path(place)) / "tree")
        try:
            # As `up --build` does it: with no image there, and nothing pulled that is ours.
            project.run(progress, "building the images", "create", "--build")
            yield project
        finally:
            progress.say("removing the stack")
            images = project.images().values()
            project.remove()
            engine.call("image", "rm", "--force", *images)


@pytest.fixture(scope="session")
def stack(project: Project, progress: Progress) -> Project:
    """The whole stack, up and healthy."""
    project.up(progress)
    return project


@pytest.fixture(scope="session")
def trained(stack: Project, progress: Progress) -> Run:
    """The stack after the run of the DAG that its first start made, on the shipped file."""
    progress.say("waiting for the first training, which the start began")
    return first_training(stack)
