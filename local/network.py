"""Ports on the loopback interface."""

import errno
import random
import socket
from contextlib import closing
from itertools import islice

HOST = "127.0.0.1"
# Below the range from which Linux takes the local end of outgoing connections.
PICKED_FROM = range(20_000, 32_000)
UNRESERVED = 1_024


def free_port() -> int:
    """Return a port that no program listens on at this moment."""
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Return different ports that no program listens on at this moment."""
    ports = random.sample(PICKED_FROM, len(PICKED_FROM))
    return list(islice((port for port in ports if not why_unusable(port)), number))


def why_unusable(port: int) -> str:
    """Return why a server could not listen on the port now, empty if it could."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return "is reserved for root on this machine"
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return "is taken by another program" if taken else f"cannot be used ({error.strerror})"
    return ""
