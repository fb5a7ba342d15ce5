"""Listening sockets at their end, with the kernel's own queue of connections."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import sys

import pytest

from predictor import listener
from tests.deadlines import ANSWER_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")
def test_connect_no_more() -> None:
    """Who had connected before can be accepted; who begins later is refused, and never gets a connection to lose."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as late:
        address = listening.getsockname()
        with socket.create_connection(address, timeout=ANSWER_SECONDS) as early:
            asyncio.run(listener.connect_no_more(address[1]))
            early.sendall(b"early")
            late.setblocking(False)
            late.connect_ex(address)
            with listening.accept()[0] as accepted:
                assert accepted.recv(5) == b"early"
            listening.setblocking(False)
            with pytest.raises(BlockingIOError):
                listening.accept()
        listening.close()
        assert select.select([], [late], [], 20)[1] == [late]
        assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_of_port() -> None:
    """A port's sockets are found by it, the listening one told from its connections, and no other file is touched."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        with socket.create_connection(address), listening.accept()[0] as accepted:
            sockets = list(listener.of_port(address[1]))
            named = {(duplicate.getsockname(), listener.is_listening(duplicate)) for duplicate in sockets}
            for duplicate in sockets:
                duplicate.close()
            assert (len(sockets), named) == (2, {(address, True), (address, False)})
            assert accepted.fileno() not in [duplicate.fileno() for duplicate in sockets]
