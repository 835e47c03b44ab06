"""Servers that take messages as Slack or a mail server would, on this machine, for tests."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "TIiajkdnlazkcOXrIdevi7FQ"


@dataclass
class WebHook:
    """A web hook and what was posted to it; ``status`` is its answer."""

    port: int
    status: int = 200
    posted: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    @property
    def address(self) -> str:
        """The address, with a user, a password and a token in it."""
        return f"json://user:pass-{SECRET}@127.0.0.1:{self.port}/hooks/{SECRET}"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.posted]

    def picture(self, number: int = -1) -> bytes:
        (attached,) = self.posted[number]["attachments"]
        return base64.b64decode(attached["base64"])


@contextmanager
def web_hook() -> Iterator[WebHook]:
    """Run a web hook."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if hook.status == 200:
                hook.posted.append(json.loads(content))
            else:
                hook.refused += 1
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = WebHook(server.server_address[1])
    with _running(server):
        yield hook


@dataclass
class MailServer:
    """A mail server and what it took."""

    port: int
    mails: list[Message] = field(default_factory=list)

    @property
    def address(self) -> str:
        return (
            f"mailto://127.0.0.1:{self.port}/?from=churn@example.com&to=ops@example.com"
            "&mode=insecure"
        )


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server that speaks as much SMTP as a client needs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 tests")
            while line := self.rfile.readline():
                word = line[:4].upper().strip()
                if word == b"DATA":
                    self._say("354 go on")
                    mail.mails.append(
                        message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n")))
                    )
                self._say("221 bye" if word == b"QUIT" else "250 ok")
                if word == b"QUIT":
                    return

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    mail = MailServer(server.server_address[1])
    with _running(server):
        yield mail


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
