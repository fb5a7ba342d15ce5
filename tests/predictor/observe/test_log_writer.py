"""Lines on their way to standard output: in order, in pieces that a pipe takes whole, and never in the way."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress

import pytest

from predictor.observe.log_writer import MOST, PIECE, LogWriter
from tests.deadlines import ANSWER_SECONDS

LINE = b"x" * 99 + b"\n"


@pytest.fixture
def pipe() -> tuple[int, int]:
    """The reading and the writing end."""
    return os.pipe()


def test_soon(pipe: tuple[int, int]) -> None:
    """A line is written by itself after a moment; without an event loop at once."""
    reading, writing = pipe
    output = LogWriter(writing)
    output.write(b"alone\n")
    assert os.read(reading, 100) == b"alone\n"

    async def test() -> bytes:
        output.write(b"1\n")
        output.write(b"2\n")
        return await asyncio.get_running_loop().run_in_executor(None, os.read, reading, 100)

    assert asyncio.run(asyncio.wait_for(test(), 20)) == b"1\n2\n"


def test_a_slow_reader(pipe: tuple[int, int]) -> None:
    """Lines wait for a slow reader up to a limit, and are counted beyond it; nothing blocks, and none is cut."""
    reading, writing = pipe
    output = LogWriter(writing)

    os.set_blocking(reading, False)

    async def test() -> list[bytes]:
        for number in range(20_000):
            output.write(b"%099d\n" % number)
        received = b""
        while len(received) < (20_000 - output.dropped) * len(LINE):
            await asyncio.sleep(0.01)
            with suppress(BlockingIOError):
                received += os.read(reading, 1 << 16)
        return received.splitlines()

    lines = asyncio.run(asyncio.wait_for(test(), 20))
    assert [int(line) for line in lines] == list(range(20_000 - output.dropped))
    assert 0 <= len(lines) * len(LINE) - MOST <= 1 << 17  # and what the pipe holds


def test_whole_pieces(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written at once is whole lines, and no more than a pipe takes in one piece."""
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda _, data: written.append(data))
    output = LogWriter(pipe[1])

    async def fill() -> None:
        for _ in range(1000):
            output.write(LINE)

    asyncio.run(fill())
    output.close()
    assert b"".join(written) == LINE * 1000
    assert all(len(piece) <= PIECE and piece.endswith(b"\n") for piece in written)
    assert len(written) < 30


def test_at_the_end(pipe: tuple[int, int]) -> None:
    """What waits is written at the end; a reader that is gone, or never comes, does not hold it up for long."""
    reading, writing = pipe
    output = LogWriter(writing)

    async def fill() -> None:
        for _ in range(3000):
            output.write(LINE)

    asyncio.run(fill())
    started = time.monotonic()
    output.close()
    assert 0.9 < time.monotonic() - started < ANSWER_SECONDS
    os.close(reading)
    output.close()
    assert output.dropped > 0
