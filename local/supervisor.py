"""supervisord: its configuration, its start, and calls over its socket."""

import http.client
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from supervisor.xmlrpc import SupervisorTransport

from local.environment import common_environment
from local.layout import Layout
from local.programs import NAMES, POSTGRES, SERVICES, WATCHDOG
from local.stack import Stack, inherited

GROUP = "services"
CALL_SECONDS = 120.0
"""A supervisor that is stopped listens, and never answers."""

STOP_SECONDS = {POSTGRES: 60, WATCHDOG: 5}

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
    """The state of a program, as the supervisor reports it."""

    name: str
    state: str
    pid: int


def configuration(layout: Layout) -> str:
    """Return the text of supervisord.conf; the watchdog starts the services."""
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
    answer = cast("list[dict[str, str | int]]", _call(layout, "getAllProcessInfo"))
    return {
        str(one["name"]): State(str(one["name"]), str(one["statename"]), int(one["pid"]))
        for one in answer
    }


def is_running(layout: Layout) -> bool:
    """Return whether a supervisor listens and works."""
    return _state(layout) == "RUNNING"


def answers(layout: Layout) -> bool:
    """Return whether a supervisor listens, also while it is shutting down."""
    return bool(_state(layout))


def start_services(layout: Layout) -> None:
    """Start the services that do not run, and return at once."""
    _call(layout, "startProcessGroup", GROUP, False)


def shut_down(layout: Layout) -> None:
    """Make the supervisor stop every program and itself; return before it has done so."""
    _call(layout, "shutdown")


def _call(layout: Layout, method: str, *arguments: object) -> object:
    transport = SupervisorTransport(serverurl=f"unix://{layout.socket}")
    with (
        _socket_timeout(CALL_SECONDS),
        xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy,
    ):
        return cast("object", getattr(proxy.supervisor, method)(*arguments))


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Bound every wait on a new socket; supervisor's transport has no option for it."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _state(layout: Layout) -> str:
    try:
        return cast("dict[str, str]", _call(layout, "getState"))["statename"]
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
