"""How an HTTP connection ends whose client does not take its answer."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.predictor.http.fast_server import BODY, post, run, running
from tests.predictor.models import Packaged

LONG = post(BODY.replace(b"[5.1,3.5,1.4,0.2]", b",".join([b"[5.1,3.5,1.4,0.2]"] * 2500)))


@pytest.mark.parametrize("idle_seconds", [0.1, 60.0], ids=["by time", "for another connection"])
def test_an_answer_that_is_not_read(packaged: dict[str, Packaged], idle_seconds: float) -> None:
    """A client that does not take its answer keeps its connection for as long as it may take one, and no longer."""

    async def test() -> None:
        async with running(packaged["iris"], connections=1, idle_seconds=idle_seconds, send_seconds=1.0) as server:
            with socket.socket() as unread:
                unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                unread.connect(("127.0.0.1", server.port))
                while not server.connections:
                    await asyncio.sleep(0.01)
                (connection,) = server.connections
                buffers = connection.transport.get_extra_info("socket")
                buffers.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                unread.sendall(LONG)
                while not connection.transport.get_write_buffer_size():
                    await asyncio.sleep(0.01)
                refused = await server.connect()
                assert (await refused.answer()).status == 503
                while connection.parser is not None:  # uvicorn has it until the connection is lost
                    await server.connect()
                    await asyncio.sleep(0.1)
                assert (await (await server.connect()).ask(post())).status == 200

    run(test)
