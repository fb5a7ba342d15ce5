"""Calls whose clients leave or do not read, and services that fail: nothing of a call is left, and others go on."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from artifact.errors import InvalidRequest
from predictor.errors import BuffersFull
from predictor.grpc import call as calls
from predictor.grpc.call import Call
from predictor.grpc.methods import Method, MethodCall
from predictor.grpc.server import GrpcServer
from predictor.http2 import frames
from predictor.http2.frames import frame
from predictor.http2.service import Limits
from predictor.http2.stream import Stream
from predictor.serving.steps import Buffers
from tests.deadlines import ANSWER_SECONDS
from tests.predictor.conftest import Server
from tests.predictor.grpc.test_call import MESSAGE, compressed
from tests.predictor.http2.place import Place
from tests.predictor.http2.wire import Wire
from tests.predictor.models import Packaged
from tests.predictor.serving.test_lifecycle import lifecycle


class Failing(Call):
    """A call of a service that has a mistake."""

    def start(self, message: bytes) -> None:
        raise ZeroDivisionError

    def failed(self, error: Exception) -> None:
        """Not counted."""


class Methods(Place):
    """Calls of a method that sends one message and then waits for ever; calls with fields of ours fail."""

    def __init__(self) -> None:
        super().__init__(Limits(1000, 3, 60, 60, send_seconds=0.1))
        settings = SimpleNamespace(body_bytes=1000, body_seconds=60)
        metrics = SimpleNamespace(reject=self.events.append)
        self.lifecycle: Any = SimpleNamespace(
            settings=settings, buffers=Buffers(1000), observers=SimpleNamespace(metrics=metrics)
        )

    def open(self, stream: Stream) -> Any:
        if b"x-fail" in stream.head.fields:
            return Failing(stream, self.lifecycle)
        return MethodCall(stream, self.lifecycle, Method(bytes, stream=self.watch))

    async def watch(self, request: bytes, context: Any) -> AsyncIterator[Any]:
        try:
            yield SimpleNamespace(SerializeToString=lambda: b"now")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.events.append("cancelled")
            raise


def cancelled(server: Server) -> float:
    """Calls that were counted as CANCELLED."""
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    counts = [line for line in lines if line.startswith('modelpin_requests_total{code="CANCELLED"')]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counts)


def test_a_stream_of_messages_that_nobody_reads() -> None:
    """When a client takes too long for a message, the method that makes more of them ends too."""
    place = Methods()

    def ask(port: int) -> None:
        with Wire(port, [(frames.INITIAL_WINDOW_SIZE, 0)]) as wire:
            assert wire.ask(1, wire.call(1, b"?")).code == frames.CANCEL
            place.until(lambda: "cancelled" in place.events)

    place.run(ask)
    assert sorted(place.events) == ["cancelled", "unread"]
    assert not calls._tasks


def test_a_service_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake in what answers a call is logged and ends that call as INTERNAL; the connection goes on."""
    place = Methods()
    caplog.set_level(logging.ERROR)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            for stream in (1, 3):
                reply = wire.ask(stream, wire.call(stream, b"?", x_fail="1"))
                assert reply.status == str(grpc.StatusCode.INTERNAL.value[0])

    place.run(ask)
    assert [record.message for record in caplog.records if "ZeroDivision" in str(record.exc_info)] == [
        "a call failed"
    ] * 2


def test_reset_before_the_work_begins(iris: Server) -> None:
    """A call that is reset in the packet that ends it is counted once, as CANCELLED, and logged without a warning."""
    before = cancelled(iris)
    with Wire(iris.grpc_port) as wire:
        data = frame(frames.DATA, frames.END_STREAM, 1, compressed(gzip.compress(MESSAGE)))
        wire.send(wire.head(1, grpc_encoding="gzip"), data, frames.reset(1, frames.CANCEL))
        assert wire.ask(3, wire.call(3, MESSAGE)).status == "0"
    assert cancelled(iris) == before + 1
    assert "never awaited" not in iris.log.read_text()


def test_messages_that_wait_to_be_inflated(packaged: dict[str, Packaged]) -> None:
    """Compressed messages count in memory until they are inflated, one at a time; what has no room is refused."""

    async def run() -> None:
        steps = lifecycle(packaged, body_bytes=100, buffered_bytes=100)
        at_once: list[int] = []
        running = 0

        def work() -> bytes:
            nonlocal running
            running += 1
            at_once.append(running)
            running -= 1
            return b"whole"

        tasks = [asyncio.ensure_future(steps.inflate(40, work)) for _ in range(3)]
        await asyncio.sleep(0)
        assert steps.buffers.used == 80
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[:2] == [b"whole"] * 2
        assert isinstance(results[2], BuffersFull)
        assert (steps.buffers.used, steps._inflating.busy, max(at_once)) == (0, 0, 1)

    asyncio.run(run())


def test_a_message_that_nobody_waits_for(packaged: dict[str, Packaged]) -> None:
    """What is wrong with a message whose caller has left meanwhile is no error of this process."""
    errors: list[dict[str, Any]] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        steps, begun, go_on = lifecycle(packaged), asyncio.Event(), threading.Event()

        def work() -> bytes:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(ANSWER_SECONDS)
            raise InvalidRequest("wrong")

        task = asyncio.ensure_future(steps.inflate(1, work))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (steps.buffers.used, steps._inflating.busy) == (0, 0)

    asyncio.run(run())
    gc.collect()
    assert errors == []


def test_a_sweep_that_fails() -> None:
    """Whatever a look at one connection meets, there is a next look."""

    async def run() -> None:
        server: Any = object.__new__(GrpcServer)
        server._timer, server._connections = None, {SimpleNamespace}
        with pytest.raises(AttributeError):
            server._sweep(asyncio.get_running_loop())
        server._timer.cancel()

    asyncio.run(run())


def test_memory_of_messages_in_pieces() -> None:
    """The bytes of a message count in memory until it is complete, refused or left; one without room is refused."""
    place = Methods()
    buffers = place.lifecycle.buffers

    def piece(stream: int, size: int) -> bytes:
        return frame(frames.DATA, 0, stream, size.to_bytes(5, "big") + b"??")

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), piece(1, 600))
            place.until(lambda: bool(buffers.used == 7))
            buffers.take(500)  # of another call
            assert wire.ask(3, wire.head(3), piece(3, 600)).status == "14"
            buffers.give(500)
            wire.send(frames.reset(1, frames.CANCEL))
            place.until(lambda: bool(buffers.used == 0))
            assert wire.ask(5, wire.head(5), piece(5, 1001)).status == "8"
            wire.send(wire.head(7), piece(7, 4), frame(frames.DATA, frames.END_STREAM, 7, b"??"))
            assert wire.next(frames.DATA).stream == 7
            assert buffers.used == 0

    place.run(ask)
