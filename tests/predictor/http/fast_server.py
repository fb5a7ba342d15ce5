"""A server in this process whose fast path is asked over real sockets, and what it has counted."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import uvicorn
from uvicorn.server import ServerState

from artifact.prediction import Columns, Prediction
from predictor.connection_limit import ConnectionLimit
from predictor.http.connection import HttpProtocol
from predictor.http.fast_path import FastPath
from predictor.http.infer_layer import InferLayer
from predictor.serving.batcher import Batcher
from predictor.serving.lifecycle import Lifecycle
from predictor.settings import Settings
from tests.predictor.answer import Answer
from tests.predictor.corpus import NAMES
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged

BODY = b'{"instances":[[5.1,3.5,1.4,0.2]]}'
V2 = b'{"inputs":[{"name":"input-0","shape":[1,4],"datatype":"FP64","data":[5.1,3.5,1.4,0.2]}]}'
SETOSA = b'{"predictions":["setosa"]}'
SAMPLE = {name: np.ones(1) for name in NAMES}
LATEST = 20.0  # seconds; what takes longer never comes


def post(body: bytes = BODY, *headers: str, path: str = "/v1/models/iris:predict", version: str = "1.1") -> bytes:
    """A POST as its bytes."""
    lines = [f"POST {path} HTTP/{version}", "host: x", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *data: bytes) -> Answer:
        """Send `data`, one part after the other, and read one answer."""
        for number, part in enumerate(data):
            await asyncio.sleep(0.01 if number else 0)
            self.writer.write(part)
        return await self.answer()

    async def answer(self) -> Answer:
        """The next answer on the connection."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), LATEST)
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        return Answer.parse(head + await asyncio.wait_for(self.reader.readexactly(int(length[1])), LATEST))

    async def ended(self) -> bool:
        """Whether the server closes the connection, and has nothing more to say."""
        return await asyncio.wait_for(self.reader.read(), LATEST) == b""


class InProcessServer:
    """A server in this process, and what it has counted."""

    def __init__(self, lifecycle: Lifecycle, port: int, connections: set[Any]) -> None:
        self.lifecycle = lifecycle
        self.connections = connections
        self.clients: list[Client] = []
        self.port = port

    async def connect(self) -> Client:
        """A new connection."""
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1]

    def counter(self, name: str) -> float:
        """The sum of a counter of /metrics."""
        self.lifecycle.count()
        families = {family.name: family for family in self.lifecycle.observers.metrics.collect()}
        return sum(sample.value for sample in families[f"modelpin_{name}"].samples)


@asynccontextmanager
async def running(
    packaged: Packaged, batcher: Batcher | None = None, **settings: Any
) -> AsyncIterator[InProcessServer]:
    """A server of `packaged` in this process; it predicts with `batcher`, if one is given."""
    model = loaded(packaged)
    model.batcher = batcher or model.batcher
    lifecycle = Lifecycle(model, Settings(**settings))

    async def kserve(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("not for KServe")

    config = uvicorn.Config(
        InferLayer(kserve, lifecycle), log_config=None, timeout_keep_alive=settings.get("idle_seconds", 5)
    )
    config.load()
    limit = ConnectionLimit(lifecycle.settings.connections, lifecycle.refuse_connection)
    chosen = {"settings": lifecycle.settings, "fast_path": FastPath(lifecycle), "limit": limit}
    protocol = type("Made", (HttpProtocol,), chosen)
    state = ServerState()
    listening = await asyncio.get_running_loop().create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    server = InProcessServer(lifecycle, listening.sockets[0].getsockname()[1], state.connections)
    try:
        yield server
    finally:
        listening.close()
        for connection in (*(client.writer for client in server.clients), *state.connections):
            connection.transport.abort()
        await asyncio.sleep(0.01)


class Slow:
    """Says setosa after a while; fails for a negative row. `calls` are the rows of each call."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls: list[int] = []

    def predict(self, columns: Columns) -> Prediction:
        """Answer, or fail."""
        first = columns["sepal length (cm)"]
        time.sleep(self.seconds)
        self.calls.append(len(first))
        if (first == 66.0).any():
            raise ValueError("no such flower")
        return Prediction(np.array([f"{value:g}" for value in first], dtype=object), None)


def quick(runner: Any, *, batching: bool) -> Batcher:
    """A worker that takes up to eight rows for short, however busy the machine is."""
    batcher = Batcher(runner, SAMPLE, batching=batching)
    batcher.short_rows, batcher.shared_rows = 8, 8 * batching
    return batcher


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run `test` on a loop of its own."""
    asyncio.run(asyncio.wait_for(test(), 2 * LATEST))
