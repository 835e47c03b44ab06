"""Where everything is: the project, and the state folder that holds all that a stack writes."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import StackError

PROJECT = Path(__file__).resolve().parents[1]
HOME_VARIABLE = "CHURN_HOME"
# The kernel allows 107 bytes, and supervisord first binds the name with its process id behind it.
LONGEST_SOCKET_PATH = 98


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The folders and files of one stack."""

    project: Path
    home: Path

    @property
    def database(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "postgres"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.home / "airflow"

    @property
    def models(self) -> Path:
        """The model store."""
        return self.home / "models"

    @property
    def spool(self) -> Path:
        """Where the service keeps predictions until the database has them."""
        return self.home / "spool"

    @property
    def logs(self) -> Path:
        """What every program writes."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """What is needed only while the stack runs."""
        return self.home / "run"

    @property
    def secrets(self) -> Path:
        """Every password and key of this stack."""
        return self.home / "secrets.env"

    @property
    def addresses(self) -> Path:
        """What the command ``churn`` reads for what the environment lacks."""
        return self.home / "stack.env"

    @property
    def supervisor_config(self) -> Path:
        """The generated configuration of supervisord."""
        return self.run / "supervisord.conf"

    @property
    def phase(self) -> Path:
        """One line: what the watchdog is doing."""
        return self.run / "phase"

    @property
    def foreground(self) -> Path:
        """The process id of the `make run` that the stack belongs to."""
        return self.run / "foreground.pid"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket; in a deep folder it moves to a short place."""
        socket = self.run / "supervisor.sock"
        if len(os.fsencode(socket)) < LONGEST_SOCKET_PATH:
            return socket
        key = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"churn-{os.geteuid()}-{key}" / "supervisor.sock"


def find_layout(environment: Mapping[str, str]) -> Layout:
    """Return the layout the environment asks for."""
    home = Path(environment.get(HOME_VARIABLE) or PROJECT / ".local").expanduser()
    if "%" in str(home):
        raise StackError(
            f"{home}: a state folder must not have a % in its path; set {HOME_VARIABLE}."
        )
    return Layout(project=PROJECT, home=home.resolve())


def create_home(layout: Layout) -> None:
    """Create the state folder, closed to other users; refuse a folder that is not ours."""
    try:
        layout.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_owner(layout.home)
        for folder in (
            layout.home,
            layout.airflow,
            layout.models,
            layout.spool,
            layout.logs,
            layout.run,
        ):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        layout.socket.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"{layout.home} cannot be used ({error.strerror}): "
            f"set {HOME_VARIABLE} to a folder you may write to."
        ) from error
    check_owner(layout.socket.parent)


def check_owner(folder: Path) -> None:
    """Refuse a folder of another user."""
    if (owner := folder.stat().st_uid) != os.geteuid():
        raise StackError(
            f"{folder} belongs to user {owner}, not to you ({os.geteuid()}): "
            f"set {HOME_VARIABLE} to a folder of your own, or run as its owner."
        )
