"""The generated supervisord.conf."""

import socket
from configparser import RawConfigParser
from pathlib import Path

import pytest

from local import supervisor
from local.errors import StackError
from local.layout import find_layout
from local.programs import NAMES, SERVICES
from local.supervisor import configuration


def parsed(home: Path) -> RawConfigParser:
    parser = RawConfigParser()
    parser.read_string(configuration(find_layout({"CHURN_HOME": str(home)})))
    return parser


def test_every_program_comes_back_for_ever_and_rotates_its_log(tmp_path: Path) -> None:
    config = parsed(tmp_path)
    for name in NAMES:
        program = config[f"program:{name}"]
        assert program["autorestart"] == "true"
        assert int(program["startretries"]) > 10_000
        assert program["killasgroup"] == "true"
        assert program["stdout_logfile_maxbytes"] == "5MB"


def test_services_wait_for_the_watchdog_and_postgres_stops_last_and_fast(tmp_path: Path) -> None:
    config = parsed(tmp_path)
    assert {config[f"program:{name}"]["autostart"] for name in SERVICES} == {"false"}
    database, services = config["program:postgres"], config["group:services"]
    assert int(database["priority"]) < int(services["priority"])
    assert database["stopsignal"] == "INT"


def test_a_percent_sign_in_the_path_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="must not have a % in its path"):
        parsed(tmp_path / "100%")


def test_a_supervisor_that_listens_and_never_answers_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = find_layout({"CHURN_HOME": str(tmp_path)})
    layout.socket.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(supervisor, "CALL_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(layout.socket))
        listening.listen()
        assert not supervisor.is_running(layout)
        with pytest.raises(TimeoutError):
            supervisor.states(layout)
    assert socket.getdefaulttimeout() is None
