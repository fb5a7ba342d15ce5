"""Requests of the fast path that are predicted together, and how their connections end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from artifact.prediction import Columns, Prediction
from predictor.serving.batcher import Batcher
from tests.predictor.http.fast_server import (
    LATEST,
    SAMPLE,
    Client,
    InProcessServer,
    Slow,
    post,
    quick,
    run,
    running,
)
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged


@pytest.fixture(scope="module")
def iris(packaged: dict[str, Packaged]) -> Packaged:
    """The model iris."""
    return packaged["iris"]


def test_shared_calls(iris: Packaged) -> None:
    """Requests that arrive together share one call of a model that may; each gets its own answer, or failure."""
    runner = Slow(0)

    async def test() -> None:
        async with running(iris, quick(runner, batching=True)) as server:
            clients = [await server.connect() for _ in range(8)]
            runner.calls.clear()
            values = [1, 2, 3, 66, 5, 6, 7, 8]
            for client, value in zip(clients, values, strict=True):
                client.writer.write(post(b'{"instances":[[%d,1,1,1]]}' % value))
            answers = [await client.answer() for client in clients]
            assert [answer.status for answer in answers] == [200] * 3 + [422] + [200] * 4
            predictions = [answer.json.get("predictions") for answer in answers if answer.status == 200]
            assert predictions == [[str(value)] for value in values if value != 66]
            assert max(runner.calls) > 1
            assert server.counter("fast_requests") == 7

    run(test)


def test_alone_where_company_changes_answers(iris: Packaged) -> None:
    """A model whose last bits depend on the rows beside it predicts each request alone."""
    runner = Slow(0)

    async def test() -> None:
        async with running(iris, quick(runner, batching=False)) as server:
            clients = [await server.connect() for _ in range(8)]
            runner.calls.clear()
            for client in clients:
                client.writer.write(post())
            assert [(await client.answer()).status for client in clients] == [200] * 8
            assert runner.calls == [1] * 8

    run(test)


@pytest.mark.parametrize("each", ["none", "golden", "logged"])
def test_rows_that_shared_a_call_are_counted_as_one_table(iris: Packaged, tmp_path: Path, each: str) -> None:
    """Every row is counted once; a golden request's is not, and with an inference log each request has its lines."""

    async def test() -> None:
        settings = {"inference_log": str(tmp_path), "inference_share": 1.0} if each == "logged" else {}
        async with running(iris, quick(loaded(iris).runner, batching=True), **settings) as server:
            drift, tables = server.lifecycle.observers.drift, []
            observe = drift.observe

            def noting(columns: Columns, prediction: Prediction, **options: bool) -> None:
                tables.append((columns["sepal length (cm)"].tolist(), prediction.values.tolist()))
                observe(columns, prediction, **options)

            drift.observe = noting  # type: ignore[method-assign]
            clients = [await server.connect() for _ in range(8)]
            for number, client in enumerate(clients):
                headers = ["x-modelpin-purpose: golden"] if each == "golden" and number == 3 else []
                client.writer.write(post(b'{"instances":[[%d,3.5,1.4,0.2]]}' % (4 + number), *headers))
            labels = [(await client.answer()).json["predictions"][0] for client in clients]
            expected = dict(zip(range(4, 12), labels, strict=True))
            if each == "golden":
                del expected[7]
            server.lifecycle.count()
            pairs = [pair for values, answers in tables for pair in zip(values, answers, strict=True)]
            assert sorted(pairs) == sorted(expected.items())
            assert server.counter("input_bin") == 4 * len(expected)
            assert server.counter("predictions") == len(expected)
            longest = max(len(values) for values, _ in tables)
            assert longest > 1 if each == "none" else longest == 1 or each == "golden"

    run(test)


def test_long_predictions(iris: Packaged) -> None:
    """A long model predicts in its thread; slots are kept, the loop answers health, and over the queue is 503."""
    slow = Slow(0.05)

    async def test() -> None:
        batcher = Batcher(slow, SAMPLE, batching=True)
        slow.calls.clear()
        async with running(iris, batcher, concurrency=3, queue=1) as server:
            clients = [await server.connect() for _ in range(6)]
            for client in clients:
                client.writer.write(post())
            probe = await server.connect()
            health = await probe.ask(b"GET /v2/health/ready HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (health.status, slow.calls) == (200, [])
            answers = [await client.answer() for client in clients]
            assert sorted(answer.status for answer in answers) == [200] * 4 + [503] * 2
            assert (server.counter("fast_requests"), server.lifecycle.light.busy) == (3, 0)

    run(test)


def test_as_many_places_as_one(iris: Packaged) -> None:
    """Short predictions never are in each other's way, however few slots there are."""

    async def test() -> None:
        async with running(iris, quick(Slow(0), batching=False), concurrency=1, queue=0) as server:
            clients = [await server.connect() for _ in range(8)]
            for client in clients:
                client.writer.write(post())
            assert [(await client.answer()).status for client in clients] == [200] * 8
            assert server.counter("fast_requests") == 8

    run(test)


@asynccontextmanager
async def in_work(iris: Packaged) -> AsyncIterator[tuple[InProcessServer, Client]]:
    """A server with a request in work, and the client that waits for its answer."""
    async with running(iris, Batcher(Slow(0.1), SAMPLE, batching=True)) as server:
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
            assert server.counter("fast_requests") == 1

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
    """Whoever goes away before the answer is counted as gone, and keeps no slot."""

    async def test() -> None:
        async with in_work(iris) as (server, client):
            client.writer.transport.abort()
            end = time.monotonic() + LATEST
            while not server.counter("requests") and time.monotonic() < end:
                await asyncio.sleep(0.01)
            assert (server.counter("requests"), server.counter("fast_requests")) == (1, 0)
            assert server.counter("rejects") == 1
            assert server.lifecycle.light.busy == server.lifecycle.buffers.used == 0

    run(test)


def test_a_client_that_does_not_read(iris: Packaged) -> None:
    """Answers that nobody reads yet are waited with, and all arrive."""
    wordy = Slow(0)
    wordy.predict = lambda columns: Prediction(np.array(["x" * 60_000], dtype=object), None)  # type: ignore[method-assign]

    async def test() -> None:
        async with running(iris, quick(wordy, batching=False)) as server:
            client = await server.connect()
            count = 200
            for _ in range(count):
                client.writer.write(post())
                await asyncio.sleep(0.001)
            assert {(await client.answer()).body for _ in range(count)} == {b'{"predictions":["%b"]}' % (b"x" * 60_000)}
            assert server.counter("requests") == count
            assert 0 < server.counter("fast_requests") < count
            assert server.lifecycle.buffers.used == 0

    run(test)


def test_a_connection_at_rest(iris: Packaged) -> None:
    """A connection ends when nothing was asked for its time, counted from the last answer."""

    async def test() -> None:
        async with running(iris, idle_seconds=1) as server:
            client = await server.connect()
            started = time.monotonic()
            for _ in range(5):  # longer than that in all, and each time so much less that a busy machine is in time
                await asyncio.sleep(0.25)
                assert (await client.ask(post())).status == 200
            assert await client.ended()
            assert time.monotonic() - started >= 2.2

    run(test)
