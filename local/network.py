"""Ports on the loopback interface."""

import random
import socket
from contextlib import closing

HOST = "127.0.0.1"
# Below the range from which Linux takes the local end of outgoing connections.
PICKED_FROM = range(20_000, 32_000)


def free_port() -> int:
    """Return a port nobody uses at this moment."""
    return next(port for port in random.sample(PICKED_FROM, len(PICKED_FROM)) if is_free(port))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
