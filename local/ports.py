"""Free TCP ports on loopback."""

import random
import socket
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
# Below Linux' range for outgoing connections (32768 and up): none of them takes a port between the look and the start.
FIRST, LAST = 10240, 20479


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port just left is free
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free(count: int, *, also: Iterable[int] = ()) -> list[int]:
    """`count` ports, neighbours, that are free, as are those at the distances `also` from each."""
    offsets = (0, *also)
    while True:
        first = random.randrange(FIRST, LAST - count)  # noqa: S311  # a place to start looking
        ports = list(range(first, first + count))
        if all(is_free(port + offset) for port in ports for offset in offsets):
            return ports
