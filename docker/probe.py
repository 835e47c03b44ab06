# ruff: noqa: INP001 - a script of the images, not a package
"""Health probe of the images: ``probe.py PORT PATH [PART...]``.

Exit 0 when this container answers 200 there and the JSON answer calls each PART healthy.
"""

import json
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException


def main(port: str, path: str, *parts: str) -> None:
    """Fail with one line that states what is wrong."""
    connection = HTTPConnection("127.0.0.1", int(port), timeout=8)
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != HTTPStatus.OK:
        sys.exit(f"{path} answered {answer.status}")
    body = json.load(answer) if parts else {}
    ill = [part for part in parts if body.get(part, {}).get("status") != "healthy"]
    if ill:
        sys.exit(f"not healthy: {', '.join(ill)}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, HTTPException, ValueError) as error:
        sys.exit(f"no answer from port {sys.argv[1]}: {error}")
