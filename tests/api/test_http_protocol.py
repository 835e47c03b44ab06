"""Which host a request is for, where its target has one of its own."""

import socket
from collections.abc import Iterator

import pytest

from tests.api.process import Running, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("hosts")) as running:
        yield running


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://evil.example/livez", "localhost", 403),
        ("http://localhost/livez", "evil.example", 200),
        ("http://localhost:8000/livez?a=http://b", "localhost", 200),
        ("/livez?a=http://evil.example/", "localhost", 200),
        ("http://evil@localhost/livez", "localhost", 403),
        ("/livez", "http://localhost", 403),
    ],
)
def test_the_host_of_an_absolute_target_counts(
    service: Running, target: str, host: str, status: int
) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(request.encode())
        assert f" {status} " in connection.recv(4_096).split(b"\r\n", 1)[0].decode()
