import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from churn.core import api_keys
from churn.core.api_keys import Keys, Scope, entry, read_keys, write_keys
from churn.core.errors import ChurnError
from churn.core.settings import Settings
from local.network import free_port
from serving.api.app import create_app
from serving.api.startup import STARTUP_FAILED
from tests.api.conftest import eventually, running
from tests.api.process import command, environment
from tests.command import Churn

NOW = datetime.now(UTC)


@pytest.fixture
def churn(tmp_path: Path) -> Churn:
    """The command, beside the service."""
    return Churn(tmp_path, "")


@pytest.fixture
def closed(settings: Settings, tmp_path: Path) -> Settings:
    """A service that follows the keys of the command."""
    return replace(settings, api_keys_file=tmp_path / "api_keys.json")


def _add(churn: Churn, name: str, *scopes: str) -> str:
    done = churn("keys", "add", name, *(part for scope in scopes for part in ("--scope", scope)))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _status(client: TestClient, path: str, key: str | None) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.get(path, headers=headers).status_code


def test_a_key_is_kept_as_its_hash_in_a_file_that_only_its_owner_reads(
    churn: Churn, closed: Settings
) -> None:
    secret = _add(churn, "web")
    assert len(secret) > 43
    assert secret not in closed.api_keys_file.read_text()
    assert closed.api_keys_file.stat().st_mode & 0o777 == 0o600


def test_a_key_allows_what_its_scopes_allow_and_nothing_else(
    churn: Churn, closed: Settings, store: object
) -> None:
    assert store
    keys = {scope: _add(churn, scope, scope) for scope in Scope}
    with running(closed) as client:
        for path, scope in {"/model": Scope.PREDICT, "/metrics": Scope.ADMIN}.items():
            for other, key in keys.items():
                expected = 200 if other is scope else 403
                assert _status(client, path, key) == expected, (path, other)
            assert _status(client, path, None) == 401
            assert _status(client, path, "churn_wrong") == 401


def test_a_refusal_states_how_to_present_a_key(churn: Churn, closed: Settings) -> None:
    _add(churn, "web")
    with running(closed) as client:
        answer = client.post("/predict", json={"tenure": 5})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "Authorization: Bearer" in answer.json()["detail"]


def test_a_key_may_come_in_a_header_of_its_own(
    churn: Churn, closed: Settings, store: object
) -> None:
    assert store
    headers = {"X-API-Key": _add(churn, "web")}
    with running(closed) as client:
        assert client.post("/predict", json={"tenure": 5}, headers=headers).status_code == 200


def test_probes_and_documentation_need_no_key(churn: Churn, closed: Settings) -> None:
    _add(churn, "web")
    with running(closed) as client:
        for path in ("/livez", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200
        assert client.get("/nothing").status_code == 401
        assert "securitySchemes" in client.get("/openapi.json").json()["components"]


def test_a_running_service_follows_new_rotated_and_revoked_keys(
    churn: Churn, closed: Settings, store: object
) -> None:
    assert store
    with running(closed) as client:
        assert _status(client, "/model", None) == 200
        first = _add(churn, "web")
        assert eventually(lambda: _status(client, "/model", None) == 401, seconds=2)
        second = churn("keys", "rotate", "web").stdout.strip()
        assert eventually(lambda: _status(client, "/model", second) == 200, seconds=2)
        assert _status(client, "/model", first) == 200  # for a day yet
        assert churn("keys", "revoke", "web").returncode == 0
        assert eventually(lambda: _status(client, "/model", second) == 401, seconds=2)
        assert _status(client, "/model", first) == 401
        assert _status(client, "/model", None) == 401  # the last key gone opens nothing


def test_keys_that_cannot_be_read_leave_authentication_as_it_was(
    churn: Churn, closed: Settings, store: object
) -> None:
    assert store
    key = _add(churn, "web")
    with running(closed) as client:
        closed.api_keys_file.write_text("{")
        time.sleep(1.2)
        assert (_status(client, "/model", key), _status(client, "/model", None)) == (200, 401)


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_text('{"keys": []}')])
def test_a_file_of_keys_that_is_lost_or_emptied_opens_nothing(
    churn: Churn, closed: Settings, store: object, lose: Callable[[Path], object]
) -> None:
    assert store
    key = _add(churn, "web")
    with running(closed) as client:
        lose(closed.api_keys_file)
        time.sleep(1.2)
        assert (_status(client, "/model", key), _status(client, "/model", None)) == (200, 401)


def test_a_rotated_key_ends_with_its_grace() -> None:
    made = api_keys.add(Keys(), "web", [Scope.PREDICT], NOW)
    after = api_keys.rotate(made.keys, "web", NOW, timedelta(hours=1))
    old, new = made.secret.encode(), after.secret.encode()
    assert after.keys.find(old, NOW + timedelta(minutes=59))
    assert after.keys.find(old, NOW + timedelta(minutes=61)) is None
    assert after.keys.find(new, NOW + timedelta(days=1_000))


def test_keys_come_back_from_the_file_and_from_the_environment_as_they_went(
    tmp_path: Path,
) -> None:
    made = api_keys.add(Keys(), "web", [Scope.PREDICT, Scope.ADMIN], NOW)
    write_keys(tmp_path / "keys.json", made.keys)
    assert read_keys(tmp_path / "keys.json") == made.keys
    again = api_keys.from_entries(entry(made.keys.keys[0])).keys[0]
    assert (again.name, again.scopes) == ("web", (Scope.PREDICT, Scope.ADMIN))
    assert Keys((again,)).find(made.secret.encode(), NOW)


def test_hours_that_are_no_number_are_refused_as_other_wrong_options_are(churn: Churn) -> None:
    _add(churn, "web")
    done = churn("keys", "rotate", "web", "--grace-hours", "nan")
    assert done.returncode == 2
    assert "not a number of hours" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("revoke", "nobody"), ("add", "a b"), ("rotate", "nobody")])
def test_a_command_that_cannot_be_done_reports_why(
    churn: Churn, arguments: tuple[str, ...]
) -> None:
    done = churn("keys", *arguments)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("server", "client"), [("10.0.0.5", "10.0.0.9"), ("127.0.0.1", "10.0.0.9")]
)
def test_without_keys_another_machine_is_refused_however_the_service_was_started(
    settings: Settings, server: str, client: str
) -> None:
    with TestClient(
        create_app(settings), base_url=f"http://{server}", client=(client, 50_000)
    ) as caller:
        answer = caller.get("/model")
    assert answer.status_code == 403
    assert "churn keys add" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("LOCALHOST", 200),
        ("127.1.2.3:65535", 200),
        ("", 403),
        ("evil@localhost", 403),
        ("evil.example@127.0.0.1:8000", 403),
        ("http://localhost:8000", 403),
        ("http://evil.example/", 403),
        ("localhost/", 403),
        ("localhost.", 403),
        ("localhost:", 403),
        ("localhost:99999", 403),
        ("localhost:8000:8000", 403),
        ("localhost, evil.example", 403),
        ("localhost evil.example", 403),
        ("[::2]", 403),
        ("::1", 403),
        ("10.0.0.5", 403),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:8000", 403),
        ("[::1", 403),
    ],
)
def test_without_keys_only_names_of_this_machine_are_answered_to(
    client: TestClient, host: str, status: int
) -> None:
    assert client.get("/model", headers={"Host": host}).status_code == status


def test_two_host_headers_are_refused(client: TestClient) -> None:
    for second in ("localhost", "evil.example"):
        headers = [("Host", "localhost"), ("Host", second)]
        assert client.get("/model", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("headers", "reading", "writing"),
    [
        ({}, 200, 200),
        ({"Sec-Fetch-Site": "none"}, 200, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}, 200, 200),
        ({"Origin": "http://127.0.0.1:3000"}, 403, 403),
        ({"Origin": "http://localhost"}, 403, 403),
        ({"Origin": "https://evil.example"}, 403, 403),
        ({"Origin": "null"}, 403, 403),
        ({"Origin": ""}, 403, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200, 403),
    ],
)
def test_without_keys_a_page_of_another_origin_can_neither_write_nor_read(
    client: TestClient, headers: dict[str, str], reading: int, writing: int
) -> None:
    assert client.get("/model", headers=headers).status_code == reading
    bodies = {"application/json": '{"tenure": 5}'}
    for kind, body in bodies.items():
        sent = {**headers, "Content-Type": kind}
        assert client.post("/predict", content=body, headers=sent).status_code == writing
    csv = {**headers, "Content-Type": "text/csv"}
    assert client.post("/predict/batch", content="tenure\n5\n", headers=csv).status_code == writing


def test_a_key_of_an_earlier_version_with_the_scope_outcomes_opens_them() -> None:
    (key,) = api_keys.from_entries(f"crm:predict+outcomes:{'0' * 64}").keys
    assert key.scopes == (Scope.PREDICT, Scope.OUTCOMES)


def _start(home: Path, *, workers: int, **values: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(free_port(), host="0.0.0.0", workers=workers),  # noqa: S104
        env=environment(home, **values),
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_without_keys_the_service_does_not_start_on_another_address_and_exits_with_an_error(
    tmp_path: Path, workers: int
) -> None:
    process = _start(tmp_path, workers=workers)
    _, said = process.communicate(timeout=60)
    assert process.returncode == STARTUP_FAILED
    assert said.count("not listening on 0.0.0.0") == 1
    assert "churn keys add NAME" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("CHURN_API_BATCHES", "none", "expected a whole number over 0"),
        ("CHURN_SPOOL_LIMIT_MB", "-1", "expected a whole number"),
        ("CHURN_SPOOL", "/proc/no/folder", "/proc/no"),
    ],
)
def test_what_cannot_work_ends_the_service_before_it_has_workers(
    tmp_path: Path, variable: str, value: str, told: str
) -> None:
    command = [sys.executable, "-m", "serving.api", "--port", str(free_port()), "--workers", "2"]
    done = subprocess.run(
        command,
        env=environment(tmp_path, **{variable: value}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == STARTUP_FAILED
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_uvicorns_own_command_refuses_another_address_too(tmp_path: Path) -> None:
    app = ["--factory", "serving.api.app:create_app", "--host", "0.0.0.0"]  # noqa: S104
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", *app, "--port", str(free_port())],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == STARTUP_FAILED
    assert "not listening on 0.0.0.0" in done.stderr


def test_with_a_key_of_the_environment_it_does(tmp_path: Path) -> None:
    made = api_keys.add(Keys(), "web", [Scope.PREDICT], NOW)
    process = _start(tmp_path, workers=1, CHURN_API_KEYS=entry(made.keys.keys[0]))
    try:
        assert process.stderr
        assert any("startup complete" in line for line in process.stderr)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("before", ["", "web:predict:"])
def test_a_key_given_where_its_hash_belongs_is_not_logged(before: str) -> None:
    secret = api_keys.add(Keys(), "web", [Scope.PREDICT], NOW).secret
    with pytest.raises(ChurnError) as caught:
        api_keys.from_entries(before + secret)
    assert "churn_..." in str(caught.value)
    assert secret[6:12] not in str(caught.value)


def test_a_key_of_the_environment_that_is_none_is_named(tmp_path: Path) -> None:
    process = _start(tmp_path, workers=1, CHURN_API_KEYS="web:predict:nothing")
    _, said = process.communicate(timeout=60)
    assert process.returncode
    assert "web:predict:nothing" in said


def test_a_row_id_of_one_caller_is_no_other_callers(
    churn: Churn, closed: Settings, store: object
) -> None:
    assert store
    keys = [_add(churn, name) for name in ("crm", "shop")]
    with running(closed) as client:
        answers = [
            client.post(
                "/predict/batch",
                content='{"tenure": 5, "row_id": "1"}\n',
                headers={"X-API-Key": key, "Content-Type": "application/x-ndjson"},
            ).json()["prediction_id"]
            for key in [*keys, *keys]
        ]
    assert answers[:2] == answers[2:]
    assert answers[0] != answers[1]
