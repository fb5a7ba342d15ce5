"""HTTP/2's GOAWAY to the clients of the gRPC server, before the server is told to stop.

gRPC's library writes GOAWAY itself, but only in the moment from which it cancels every call that arrives: a client that
has not read the frame yet gets CANCELLED. Here the frame is written first. The client opens no new call on the
connection, ends those that it has opened, and closes; the library serves them as ever. Then no call is left to cancel.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import termios
from contextlib import suppress
from fcntl import ioctl

from predictor import listener

# RFC 9113, 6.8: 8 bytes on stream 0, type 7; all streams up to the last possible one are served; no error.
_FRAME = struct.pack(">IBIII", 8 << 8 | 7, 0, 0, 2**31 - 1, 0)
_LOOK_SECONDS = 0.05
_LEAST = 9  # bytes: the server's SETTINGS, which come before any other frame, have arrived
_SHORT = 16 << 10  # bytes: as many never wait in the library for room in a socket that is empty
_ESTABLISHED = 1
_TCP_INFO = struct.Struct("=B119xQ")  # of linux/tcp.h: tcpi_state, tcpi_bytes_acked


async def send(port: int, seconds: float) -> None:
    """Send GOAWAY on each connection of `port`; return when all have it, or after `seconds`.

    The frame must not come into the middle of another one. Where an answer was longer than its socket had room for, the
    library holds the rest; so answers have to be held back meanwhile, and a connection gets the frame when all that was
    written has arrived and, but for what short frames take, nothing came after it.
    """
    end = asyncio.get_running_loop().time() + seconds
    acked: dict[int, int] = {}  # by the socket's inode, bytes that had arrived at the last look
    done: set[int] = set()
    while True:
        waiting = False
        for connection in listener.of_port(port):
            with connection, suppress(OSError):
                state, now = _TCP_INFO.unpack_from(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256))
                inode = os.fstat(connection.fileno()).st_ino
                if state != _ESTABLISHED or inode in done:
                    continue
                before = acked.get(inode, -_SHORT)
                if _LEAST <= now < before + _SHORT and not _unsent(connection):
                    connection.send(_FRAME, socket.MSG_DONTWAIT)
                    done.add(inode)
                else:
                    acked[inode] = now
                    waiting = True
        if not waiting or asyncio.get_running_loop().time() > end:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def closed(port: int, seconds: float) -> None:
    """Return when no connection of `port` is left, or after `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        count = 0
        for listening in listener.of_port(port):
            with listening:
                count += not listener.is_listening(listening)
        if not count:
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _unsent(connection: socket.socket) -> int:
    """Bytes that were written and have not arrived."""
    return int(struct.unpack("i", ioctl(connection, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
