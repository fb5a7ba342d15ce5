"""Messages of gRPC calls over a real channel: few at a time, none for ever, and nobody waits long for a staller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from artifact.errors import InvalidRequest
from predictor import errors
from predictor.grpc.receive import Receiver
from predictor.settings import Settings
from tests.deadlines import ANSWER_SECONDS

MIB = 1 << 20
Call = Callable[[AsyncIterator[bytes]], Awaitable[bytes]]


def served(settings: Settings, ask: Callable[[Receiver, Call], Awaitable[None]]) -> None:
    """Run `ask` with a call to a method that answers with the length of its message, or with what went wrong."""

    async def run() -> None:
        receiver = Receiver(settings)

        async def length(_: Any, context: Any) -> bytes:
            try:
                return b"%d" % len(await receiver.read(context))
            except (errors.BodyTooSlow, errors.QueueFull, InvalidRequest) as error:
                return type(error).__name__.encode()

        server = grpc.aio.server()
        handler = grpc.stream_unary_rpc_method_handler(length)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", {"Length": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await asyncio.wait_for(ask(receiver, lambda sent: _call(channel, sent)), ANSWER_SECONDS)
        assert receiver.slots.busy == receiver.slots.waiting == 0
        await server.stop(0)

    asyncio.run(run())


async def _call(channel: grpc.aio.Channel, sent: AsyncIterator[bytes]) -> bytes:
    answer: bytes = await channel.stream_unary("/test/Length")(sent, timeout=ANSWER_SECONDS)
    return answer


async def messages(*sizes: int) -> AsyncIterator[bytes]:
    """A sender of messages of these sizes."""
    for size in sizes:
        yield bytes(size)


async def stalled() -> AsyncIterator[bytes]:
    """A sender of which nothing comes."""
    await asyncio.sleep(60)
    yield b""


def test_all_are_received() -> None:
    """More messages than there are slots at once are received one after the other, whatever their size."""

    async def ask(receiver: Receiver, call: Call) -> None:
        sizes = [0, 1, 100, MIB] * 5
        assert await asyncio.gather(*(call(messages(size)) for size in sizes)) == [b"%d" % size for size in sizes]
        assert await call(messages()) == b"InvalidRequest"

    served(Settings(body_bytes=MIB, buffered_bytes=2 * MIB), ask)


def test_stalled_senders() -> None:
    """Senders that stall in every place are told so soon once somebody waits, and otherwise when their time is over."""

    async def ask(receiver: Receiver, call: Call) -> None:
        stalling = [asyncio.ensure_future(call(stalled())) for _ in range(2)]
        while receiver.slots.busy < 2:
            await asyncio.sleep(0.01)
        started = time.monotonic()
        assert await call(messages(7)) == b"7"
        assert await asyncio.gather(*stalling) == [b"BodyTooSlow"] * 2
        assert await call(stalled()) == b"BodyTooSlow"
        assert time.monotonic() - started > 2

    served(Settings(body_bytes=MIB, buffered_bytes=2 * MIB, body_seconds=2), ask)


def test_too_many_wait() -> None:
    """Beyond the slots and the queue a call is refused at once."""

    async def ask(receiver: Receiver, call: Call) -> None:
        stalling = [asyncio.ensure_future(call(stalled())) for _ in range(3)]
        while receiver.slots.waiting < 2:
            await asyncio.sleep(0.01)
        assert await call(messages(7)) == b"QueueFull"
        assert await asyncio.gather(*stalling) == [b"BodyTooSlow"] * 3

    served(Settings(body_bytes=MIB, buffered_bytes=MIB, concurrency=1, queue=1, body_seconds=1), ask)


def test_a_caller_that_leaves() -> None:
    """A call that its caller ends gives its place back."""

    async def ask(receiver: Receiver, call: Call) -> None:
        leaving = asyncio.ensure_future(call(stalled()))
        while not receiver.slots.busy:
            await asyncio.sleep(0.01)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await call(messages(7)) == b"7"

    served(Settings(body_bytes=MIB, buffered_bytes=MIB), ask)
