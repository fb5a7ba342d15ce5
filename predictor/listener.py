"""Listening sockets: bound before anything serves, closed without a reset for a client that has just connected."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from artifact.errors import ConfigurationError

_SO_ATTACH_FILTER = 26  # of asm-generic/socket.h; Python's socket module does not name it
# A classic BPF program, which sees a segment from its TCP header on: drop what has SYN without ACK, keep all else.
_NO_SYN = [(0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)]
_HANDSHAKE_SECONDS = 0.2  # within which a client whose SYN was answered has sent its ACK


def bind(host: str, port: int, flag: str) -> socket.socket:
    """A socket bound to the address; ConfigurationError (10) where that cannot be, which names the port's `flag`."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(address[0], socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigurationError(f"host {host!r} is no address here: {error.strerror}; give another --host") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address[4])
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror}; give another {flag}"
        ) from error
    return bound


def of_port(port: int) -> Iterator[socket.socket]:
    """Duplicates of this process's TCP sockets whose own port is `port`, for the caller to close. Linux only."""
    if sys.platform != "linux":
        return
    links: set[str] = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # closed meanwhile
            link = os.readlink(f"/proc/self/fd/{name}")  # socket:[its inode]
            if not link.startswith("socket:") or link in links:
                continue
            links.add(link)
            duplicate = socket.socket(fileno=os.dup(int(name)))
            if duplicate.family in (socket.AF_INET, socket.AF_INET6) and duplicate.getsockname()[1] == port:
                yield duplicate
            else:
                duplicate.close()


def is_listening(candidate: socket.socket) -> bool:
    """Whether this socket waits for connections; a connection's own socket does not."""
    return bool(candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


async def connect_no_more(*ports: int) -> None:
    """Let the kernel drop SYN segments to `ports`, which begin connections; return when those that have begun are
    complete.

    To close a listening socket resets the connections that are not accepted yet, and another one may arrive between the
    last `accept` and the close. A client whose SYN is dropped sends it again after a second, and is refused then.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in _NO_SYN))
    described = struct.pack("@HP", len(_NO_SYN), ctypes.addressof(program))
    for port in ports:
        for listener in of_port(port):
            with listener:
                if is_listening(listener):
                    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
    await asyncio.sleep(_HANDSHAKE_SECONDS)


async def close(server: Any, bound: socket.socket) -> None:
    """Stop the listening of a running uvicorn.Server; connections that the kernel has completed are served.

    A second descriptor keeps the connections that wait to be accepted, until they are.
    """
    if not server.started or bound.fileno() < 0:
        return
    accepted: list[socket.socket] = []
    with bound.dup() as twin:
        twin.setblocking(False)
        for listening in server.servers:
            listening.close()
        await asyncio.sleep(0)  # the event loop closes its own descriptor
        while True:
            try:
                accepted.append(twin.accept()[0])
            except OSError:  # no connection waits any more
                break
    config, loop = server.config, asyncio.get_running_loop()
    for connection in accepted:
        connection.setblocking(False)
        await loop.connect_accepted_socket(
            lambda: config.http_protocol_class(
                config=config, server_state=server.server_state, app_state={}, _loop=loop
            ),
            connection,
        )
