"""The listening socket of HTTP: bound before anything serves, closed without losing who was about to be accepted."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from artifact.errors import ConfigurationError


def bind(host: str, port: int, *, shared: bool = False, flag: str = "--http_port") -> socket.socket:
    """A socket bound to the address; ConfigurationError, which names `flag`, where that cannot be.

    `shared` with other processes that bind it so: the kernel shares out connections among those that listen.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(found[0], socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigurationError(f"host {host!r} is no address here: {error.strerror}; give another --host") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(found[4])
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror}; give another {flag}"
        ) from error
    return bound


async def close(server: Any, bound: socket.socket) -> None:
    """Stop the listening of a running uvicorn.Server; connections that the kernel has completed are served.

    Closing a listening socket resets the connections that wait in it to be accepted. A second descriptor keeps them
    until they are.
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
            except OSError:  # nobody waits any more
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
