"""A server of one service in this process, on a real socket, which remembers what its service is told."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from predictor.connection_limit import ConnectionLimit
from predictor.http2 import frames
from predictor.http2.connection import Connection
from predictor.http2.connections import Connections
from predictor.http2.service import Limits
from predictor.http2.stream import Stream
from tests.deadlines import ANSWER_SECONDS

FIELDS, LAST = frames.field(b"x", b"y"), frames.field(b"z", b"")
LIMITS = Limits(field_bytes=1000, streams=3, field_seconds=60, body_seconds=60, send_seconds=60)


class Exchange:
    """Answers a request with `size` bytes when its body has ended, and remembers what else it is told."""

    def __init__(self, place: Place, stream: Stream) -> None:
        self._place, self._stream = place, stream

    def receive(self, data: bytes, ended: bool) -> None:
        self._place.received += len(data)
        if ended and self._place.answers:
            self._stream.answer(self._place.fields, bytes(self._place.size), LAST)

    def late(self) -> None:
        self._place.events.append("late")
        self._stream.finish(LAST)

    def gone(self) -> None:
        self._place.events.append("gone")

    def unread(self) -> None:
        self._place.events.append("unread")


class Place:
    """A server of one service on a real socket, whose connections are looked after every 10 ms."""

    def __init__(
        self,
        limits: Limits = LIMITS,
        size: int = 5,
        answers: bool = True,
        *,
        fields: bytes = FIELDS,
        most: int = 1000,
        most_streams: int = 1000,
    ) -> None:
        self.limits, self.size, self.answers, self.fields = limits, size, answers, fields
        self.memory = SimpleNamespace(used=0)
        self.connections: Connections[Connection] = Connections(ConnectionLimit(most), most_streams)
        self.events: list[str] = []
        self.received = 0

    def open(self, stream: Stream) -> Any:
        return Exchange(self, stream)

    def run(self, ask: Callable[[int], None]) -> None:
        """`ask` with the port, in a thread; afterwards nothing is held."""

        async def run() -> None:
            bound = socket.create_server(("127.0.0.1", 0))
            loop = asyncio.get_running_loop()
            server = await loop.create_server(
                lambda: Connection(self, self.limits, self.memory, self.connections), sock=bound
            )
            asking = loop.run_in_executor(None, ask, bound.getsockname()[1])
            while not asking.done():
                await asyncio.sleep(0.01)
                for connection in [*self.connections]:
                    connection.sweep(loop.time())
            await asking
            server.close()
            while self.connections:
                await asyncio.sleep(0.01)

        asyncio.run(asyncio.wait_for(run(), ANSWER_SECONDS))
        assert self.memory.used == 0

    def until(self, so: Callable[[], bool]) -> None:
        """Wait until it is so."""
        end = time.monotonic() + ANSWER_SECONDS
        while not so():
            assert time.monotonic() < end
            time.sleep(0.005)
