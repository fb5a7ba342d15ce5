"""Lines on their way to standard output: in order, in pieces that a pipe takes whole. Ids and traces of callers."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress

import pytest

from predictor.observe.request_log import MOST, PIECE, LogWriter
from predictor.serving.steps import begin, trace
from tests.deadlines import ANSWER_SECONDS

LINE = b"x" * 99 + b"\n"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


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
    lines: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda _, data: lines.append(data))
    output = LogWriter(pipe[1])

    async def fill() -> None:
        for _ in range(1000):
            output.write(LINE)

    asyncio.run(fill())
    output.close()
    assert b"".join(lines) == LINE * 1000
    assert all(len(piece) <= PIECE and piece.endswith(b"\n") for piece in lines)
    assert len(lines) < 30


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


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", True),
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE}-{PARENT}-01\n", False),
        (f"cc-{TRACE}-{PARENT}-01-{'x' * 600}", False),
        ("", False),
    ],
)
def test_traceparent(header: str, valid: bool) -> None:
    """A traceparent is read as W3C says, and one that is not valid is none."""
    assert trace(header) == ((TRACE, PARENT, "01") if valid else None)


@pytest.mark.parametrize("sent", ["", "a b", 'a"b', "a\nb", "ü", "x" * 129, None])
def test_request_id_made(sent: str | None) -> None:
    """An id that could break a log, or is too long, is replaced by a new one."""
    request_id = begin("v1", sent, None).request_id
    assert request_id != sent
    assert len(request_id) == 32


def test_request_id_kept() -> None:
    """A plain id is kept."""
    assert begin("v1", "Root=1-67891233/abc:~@", None).request_id == "Root=1-67891233/abc:~@"
