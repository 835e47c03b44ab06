"""supervisord: its configuration, its start, and a conversation with it over its socket."""

import http.client
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from local.environment import common_environment
from local.layout import Layout
from local.programs import GUARD, NAMES, POSTGRES, SERVICES
from local.stack import Stack, inherited

GROUP = "services"
CALL_SECONDS = 120.0
STOP_SECONDS = {POSTGRES: 60, GUARD: 5}

HEADER = """\
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
nodaemon=true
umask=077
directory={project}
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={run}/supervisord.pid
childlogdir={logs}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM = """
[program:{name}]
command={command}
priority={priority}
autostart={autostart}
autorestart=true
startsecs=1
startretries=1000000
stopsignal={signal}
stopwaitsecs={wait}
stopasgroup={group}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
"""


@dataclass(frozen=True)
class State:
    """What the supervisor knows of a program."""

    name: str
    state: str
    pid: int


def configuration(layout: Layout) -> str:
    """Return the text of supervisord.conf; the services wait for the guard to start them."""
    places = {key: _escape(path) for key, path in _places(layout).items()}
    group = f"\n[group:{GROUP}]\nprograms={','.join(SERVICES)}\npriority=20\n"
    return (
        HEADER.format(**places) + "".join(_program(name, places["logs"]) for name in NAMES) + group
    )


def spawn(stack: Stack) -> None:
    """Start supervisord in a session of its own."""
    stack.layout.supervisor_config.write_text(configuration(stack.layout))
    command = (
        sys.executable,
        "-m",
        "supervisor.supervisord",
        "-n",
        "-c",
        str(stack.layout.supervisor_config),
    )
    environment = {**inherited(), **common_environment(stack)}
    with (stack.layout.logs / "supervisord.out").open("wb") as output:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=stack.layout.project,
            start_new_session=True,
        )


def states(layout: Layout) -> dict[str, State]:
    """Return the state of every program; raise OSError when no supervisor listens."""
    answer = cast("list[dict[str, str | int]]", _ask(layout, "getAllProcessInfo"))
    return {
        str(one["name"]): State(str(one["name"]), str(one["statename"]), int(one["pid"]))
        for one in answer
    }


def is_running(layout: Layout) -> bool:
    """Tell whether a supervisor listens and works."""
    return _ask_state(layout) == "RUNNING"


def answers(layout: Layout) -> bool:
    """Tell whether a supervisor listens, be it that it is shutting down."""
    return bool(_ask_state(layout))


def start(layout: Layout, name: str) -> None:
    """Start one of the services and return at once; it may be running already."""
    try:
        _ask(layout, "startProcess", f"{GROUP}:{name}", False)
    except xmlrpc.client.Fault as fault:
        if "ALREADY_STARTED" not in fault.faultString:
            raise


def shut_down(layout: Layout) -> None:
    """Ask the supervisor to stop every program and itself; it answers before it is done."""
    _ask(layout, "shutdown")


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CALL_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> _Connection:
        connection = _Connection(self._path)
        self._connection = host, connection  # close() looks for it here
        return connection


def _ask(layout: Layout, method: str, *arguments: object) -> object:
    transport = _Transport(layout.socket)
    with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
        return cast("object", getattr(proxy.supervisor, method)(*arguments))


def _ask_state(layout: Layout) -> str:
    try:
        return cast("dict[str, str]", _ask(layout, "getState"))["statename"]
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return ""


def _program(name: str, logs: str) -> str:
    database = name == POSTGRES
    return PROGRAM.format(
        name=name,
        command=_escape(shlex.join((sys.executable, "-m", "local.launch", name))),
        priority=10 if database else 30,
        autostart=str(name not in SERVICES).lower(),
        signal="INT" if database else "TERM",  # INT is PostgreSQL's fast shutdown
        wait=STOP_SECONDS.get(name, 6),
        group=str(not database).lower(),
        logs=logs,
    )


def _places(layout: Layout) -> dict[str, Path]:
    return {
        "socket": layout.socket,
        "project": layout.project,
        "logs": layout.logs,
        "run": layout.run,
    }


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")
