"""The fast path over real sockets in this process: what takes it, what does not, and that no answer tells which."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import uvicorn
from uvicorn.server import ServerState

from artifact.prediction import Columns, Prediction
from predictor.http import connection
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
        for place, part in enumerate(data):
            await asyncio.sleep(0.01 if place else 0)
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


class Place:
    """A server in this process, and what it has counted."""

    def __init__(self, lifecycle: Lifecycle, port: int, connections: set[Any]) -> None:
        self.lifecycle = lifecycle
        self.connections = connections
        self.clients: list[Client] = []
        self._port = port

    async def connect(self) -> Client:
        """A new connection."""
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self._port)))
        return self.clients[-1]

    def counted(self, name: str) -> float:
        """The sum of a counter of /metrics."""
        families = {family.name: family for family in self.lifecycle.metrics.collect()}
        return sum(sample.value for sample in families[f"modelpin_{name}"].samples)


@pytest.fixture(scope="module")
def iris(packaged: dict[str, Packaged]) -> Packaged:
    """The model iris."""
    return packaged["iris"]


@asynccontextmanager
async def place(packaged: Packaged, batcher: Batcher | None = None, **settings: Any) -> AsyncIterator[Place]:
    """A server of `packaged` that predicts with `worker`, if one is given."""
    model = loaded(packaged)
    model.batcher = batcher or model.batcher
    lifecycle = Lifecycle(model, Settings(**settings))

    async def kserve(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("not for KServe")

    config = uvicorn.Config(
        InferLayer(kserve, lifecycle), log_config=None, timeout_keep_alive=settings.get("idle_seconds", 5)
    )
    config.load()
    made = type("Made", (HttpProtocol,), {"settings": lifecycle.settings, "fast_path": FastPath(lifecycle)})
    state = ServerState()
    listening = await asyncio.get_running_loop().create_server(lambda: made(config, state, {}), "127.0.0.1", 0)
    made_here = Place(lifecycle, listening.sockets[0].getsockname()[1], state.connections)
    try:
        yield made_here
    finally:
        listening.close()
        for one in (*(client.writer for client in made_here.clients), *state.connections):
            one.transport.abort()
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


TAKEN = {
    "alone": (post(),),
    "v2": (post(V2, path="/v2/models/iris/infer"),),
    "a last slash": (post(path="/v1/models/iris:predict/"),),
    "a last slash of v2": (post(V2, path="/v2/models/iris/infer/"),),
    "an absolute target": (post(path="http://x/v1/models/iris:predict"),),
    "its head before its body": (post().removesuffix(BODY), BODY),
    "its first line in two": (post()[:9], post()[9:]),
    "typed": (post(BODY, "Content-Type: Application/JSON; charset=UTF-8"),),
    "named": (post(BODY, "x-request-id: a", "traceparent: x", "accept: */*", "connection: keep-alive"),),
}
LEFT = {
    "a wrong body": (post(b"{}"), 400),
    "a body of another type": (post(BODY, "content-type: text/csv"), 415),
    "the last of its connection": (post(BODY, "connection: close"), 200),
    "HTTP/1.0": (post(BODY, version="1.0"), 200),
    "chunks": (post(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY), "transfer-encoding: chunked"), 200),
    "a header twice": (post(BODY, "content-type: application/json", "content-type: application/json"), 400),
    "an event": (post(BODY, "ce-specversion: 1.0", "ce-id: 1", "ce-source: x", "ce-type: x"), 200),
    "a length of its JSON": (post(BODY, f"inference-header-content-length: {len(BODY)}"), 400),
    "another encoding": (post(BODY, "content-encoding: gzip"), 415),
    "a query": (post(BODY, path="/v1/models/iris:predict?x"), 200),
    "another model": (post(BODY, path="/v1/models/rose:predict"), 404),
    "no body": (post(b""), 400),
    "a long body": (post(BODY + b" " * 70_000), 200),
    "a long answer": (post(b'{"instances":[' + b"[1,1,1,1]," * 3000 + b'[1,1,1,1]],"probabilities":true}'), 200),
    "a body in pieces": (post(), 200),
}


def test_what_takes_it(iris: Packaged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain requests are answered on the fast path, again and again on one connection."""
    monkeypatch.setattr(connection, "PAUSE", LATEST)  # on a busy machine a body may come late

    async def test() -> None:
        async with place(iris) as server:
            client = await server.connect()
            for number, parts in enumerate(TAKEN.values(), 1):
                answer = await client.ask(*parts)
                assert (answer.status, b"setosa" in answer.body) == (200, True)
                assert (server.counted("fast_requests"), server.counted("requests")) == (number, number)

    run(test)


@pytest.mark.parametrize("case", LEFT)
def test_what_does_not(iris: Packaged, case: str) -> None:
    """Anything else is answered as ever, and counted once."""
    data, status = LEFT[case]

    async def test() -> None:
        async with place(iris) as server:
            client = await server.connect()
            parts = [data] if case != "a body in pieces" else [data[:-9], data[-9:-3], data[-3:]]
            assert (await client.ask(*parts)).status == status
            assert (server.counted("fast_requests"), server.counted("requests")) == (0, 1)
            assert server.lifecycle.light.busy == server.lifecycle.buffers.used == 0

    run(test)


def test_a_body_that_takes_its_time(iris: Packaged) -> None:
    """A body that comes late is waited for as long as any; one that never comes is 408, then the connection ends."""

    async def test() -> None:
        async with place(iris, body_seconds=1) as server:
            client = await server.connect()
            client.writer.write(post().removesuffix(BODY))
            await asyncio.sleep(2 * connection.PAUSE)
            assert (await client.ask(BODY)).status == 200
            assert (await client.ask(post().removesuffix(BODY))).status == 408
            assert await client.ended()
            assert server.counted("rejects") == 1

    run(test)


def test_one_behind_the_other(iris: Packaged) -> None:
    """Pipelined requests are answered in their order, whichever way each goes."""

    async def test() -> None:
        async with place(iris) as server:
            client = await server.connect()
            kinds = [post(BODY, f"x-request-id: {number}") for number in range(9)]
            kinds[4] = post(b"{}", "x-request-id: 4")
            client.writer.write(b"".join(kinds))
            answers = [await client.answer() for _ in kinds]
            assert [answer.headers["x-request-id"] for answer in answers] == list("012345678")
            assert [answer.status for answer in answers] == [200] * 4 + [400] + [200] * 4
            assert server.counted("fast_requests") >= 1
            assert (await client.ask(post())).body == SETOSA

    run(test)


def test_shared_calls(iris: Packaged) -> None:
    """Requests that arrive together share one call of a model that may; each gets its own answer, or failure."""
    runner = Slow(0)

    async def test() -> None:
        async with place(iris, quick(runner, batching=True)) as server:
            clients = [await server.connect() for _ in range(8)]
            runner.calls.clear()
            values = [1, 2, 3, 66, 5, 6, 7, 8]
            for client, value in zip(clients, values, strict=True):
                client.writer.write(post(b'{"instances":[[%d,1,1,1]]}' % value))
            answers = [await client.answer() for client in clients]
            assert [answer.status for answer in answers] == [200] * 3 + [422] + [200] * 4
            told = [answer.json.get("predictions") for answer in answers if answer.status == 200]
            assert told == [[str(value)] for value in values if value != 66]
            assert max(runner.calls) > 1
            assert server.counted("fast_requests") == 7

    run(test)


def test_alone_where_company_changes_answers(iris: Packaged) -> None:
    """A model whose last bits depend on the rows beside it predicts each request alone."""
    runner = Slow(0)

    async def test() -> None:
        async with place(iris, quick(runner, batching=False)) as server:
            clients = [await server.connect() for _ in range(8)]
            runner.calls.clear()
            for client in clients:
                client.writer.write(post())
            assert [(await client.answer()).status for client in clients] == [200] * 8
            assert runner.calls == [1] * 8

    run(test)


def test_long_predictions(iris: Packaged) -> None:
    """A long model predicts in its thread; places are kept, the loop answers health, and over the queue is 503."""
    slow = Slow(0.05)

    async def test() -> None:
        batcher = Batcher(slow, SAMPLE, batching=True)
        slow.calls.clear()
        async with place(iris, batcher, concurrency=3, queue=1) as server:
            clients = [await server.connect() for _ in range(6)]
            for client in clients:
                client.writer.write(post())
            probe = await server.connect()
            health = await probe.ask(b"GET /v2/health/ready HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (health.status, slow.calls) == (200, [])
            answers = [await client.answer() for client in clients]
            assert sorted(answer.status for answer in answers) == [200] * 4 + [503] * 2
            assert (server.counted("fast_requests"), server.lifecycle.light.busy) == (3, 0)

    run(test)


def test_as_many_places_as_one(iris: Packaged) -> None:
    """Short predictions never are in each other's way, however few places there are."""

    async def test() -> None:
        async with place(iris, quick(Slow(0), batching=False), concurrency=1, queue=0) as server:
            clients = [await server.connect() for _ in range(8)]
            for client in clients:
                client.writer.write(post())
            assert [(await client.answer()).status for client in clients] == [200] * 8
            assert server.counted("fast_requests") == 8

    run(test)


@asynccontextmanager
async def in_work(iris: Packaged) -> AsyncIterator[tuple[Place, Client]]:
    """A server with a request in work, and the client that waits for its answer."""
    async with place(iris, Batcher(Slow(0.1), SAMPLE, batching=True)) as server:
        client = await server.connect()
        client.writer.write(post())
        while not server.lifecycle.light.busy:
            await asyncio.sleep(0.001)
        yield server, client


def test_the_end(iris: Packaged) -> None:
    """A request in work when the process begins to end is answered, and told that its connection ends."""

    async def test() -> None:
        async with in_work(iris) as (server, client):
            server.lifecycle.draining.set()
            answer = await client.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await client.ended()
            assert server.counted("fast_requests") == 1

    run(test)


def test_the_end_of_several(iris: Packaged) -> None:
    """Of requests that came one behind the other before the end, all are answered, and the last says that it is."""

    async def test() -> None:
        async with in_work(iris) as (server, client):
            client.writer.write(post() * 2)
            (connection,) = server.connections
            while len(connection.pipeline) < 2:
                await asyncio.sleep(0.001)
            server.lifecycle.draining.set()
            answers = [await client.answer() for _ in range(3)]
            assert [answer.status for answer in answers] == [200] * 3
            assert [answer.headers.get("connection") for answer in answers] == [None, None, "close"]
            assert await client.ended()

    run(test)


def test_a_client_that_left(iris: Packaged) -> None:
    """Whoever goes away before the answer is counted as gone, and keeps no place."""

    async def test() -> None:
        async with in_work(iris) as (server, client):
            client.writer.transport.abort()
            end = time.monotonic() + LATEST
            while not server.counted("requests") and time.monotonic() < end:
                await asyncio.sleep(0.01)
            assert (server.counted("requests"), server.counted("fast_requests")) == (1, 0)
            assert server.counted("rejects") == 1
            assert server.lifecycle.light.busy == server.lifecycle.buffers.used == 0

    run(test)


def test_a_client_that_does_not_read(iris: Packaged) -> None:
    """Answers that nobody reads yet are waited with, and all arrive."""
    wordy = Slow(0)
    wordy.predict = lambda columns: Prediction(np.array(["x" * 60_000], dtype=object), None)  # type: ignore[method-assign]

    async def test() -> None:
        async with place(iris, quick(wordy, batching=False)) as server:
            client = await server.connect()
            count = 200
            for _ in range(count):
                client.writer.write(post())
                await asyncio.sleep(0.001)
            assert {(await client.answer()).body for _ in range(count)} == {b'{"predictions":["%b"]}' % (b"x" * 60_000)}
            assert server.counted("requests") == count
            assert 0 < server.counted("fast_requests") < count
            assert server.lifecycle.buffers.used == 0

    run(test)


def test_a_connection_at_rest(iris: Packaged) -> None:
    """A connection ends when nothing was asked for its time, counted from the last answer."""

    async def test() -> None:
        async with place(iris, idle_seconds=0.4) as server:
            client = await server.connect()
            started = time.monotonic()
            for _ in range(4):
                await asyncio.sleep(0.2)
                assert (await client.ask(post())).status == 200
            assert await client.ended()
            assert time.monotonic() - started >= 1.15

    run(test)
