"""A connection between a service in this process and a client that reads and sends as little as it likes."""

from __future__ import annotations

import time

import pytest

from predictor.http2 import frames
from predictor.http2.frames import frame
from predictor.http2.service import Limits
from tests.predictor.http2.place import Place
from tests.predictor.http2.wire import Wire


def body(wire: Wire, size: int) -> int:
    """Read DATA frames until `size` bytes have come; the longest of them."""
    longest = 0
    while size:
        came = wire.next(frames.DATA)
        longest = max(longest, len(came.payload))
        size -= len(came.payload)
    return longest


def test_windows() -> None:
    """An answer comes as far as the windows of stream and connection let it, in frames of 16,384 bytes at most."""
    place = Place(size=200_000)

    def ask(port: int) -> None:
        with Wire(port, [(frames.INITIAL_WINDOW_SIZE, 10)]) as wire:
            wire.send(wire.call(1, b""))
            assert body(wire, 10) == 10
            place.until(lambda: place.memory.used == 199_990)
            wire.send(frames.window_update(1, 100_000))
            assert body(wire, 65_535 - 10) == 16_384  # as much as the connection lets through
            wire.send(frames.window_update(0, 1 << 20))
            body(wire, 100_010 - 65_535)
            place.until(lambda: place.memory.used == 99_990)
            wire.send(frames.settings([(frames.INITIAL_WINDOW_SIZE, 5)]))  # five bytes less than nothing
            wire.send(frames.window_update(1, 5), frames.settings([(frames.INITIAL_WINDOW_SIZE, 10)]))
            body(wire, 5)
            wire.send(frames.settings([(frames.INITIAL_WINDOW_SIZE, 1 << 20)]))
            body(wire, 99_985)
            assert wire.next(frames.HEADERS).flags & frames.END_STREAM

    place.run(ask)
    assert place.events == []


def test_windows_that_become_too_large() -> None:
    """Settings that make the window of an open stream more than 2^31-1 bytes end the connection."""
    place = Place(answers=False)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), frames.window_update(1, 2**31 - 1 - 65_535))
            wire.send(frames.settings([(frames.INITIAL_WINDOW_SIZE, 65_536)]))
            assert wire.last_words() == frames.FLOW_CONTROL_ERROR

    place.run(ask)
    assert place.events == ["gone"]


def test_a_long_body() -> None:
    """A client that keeps to its windows can send a body of any length."""
    place = Place()

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1))
            stream = connection = 65_535
            for last in [*[False] * 199, True]:
                while min(stream, connection) < 16_384:
                    came = wire.next(frames.WINDOW_UPDATE)
                    more = int.from_bytes(came.payload, "big")
                    stream, connection = stream + (came.stream and more), connection + (0 if came.stream else more)
                wire.send(frame(frames.DATA, last, 1, bytes(16_384)))
                stream, connection = stream - 16_384, connection - 16_384
            assert wire.replies(1)[1].body == bytes(5)

    place.run(ask)
    assert place.received == 200 * 16_384


def test_streams_at_once() -> None:
    """A stream over the limit is refused, and may be opened when another has ended."""
    place = Place()

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(*(wire.head(stream) for stream in (1, 3, 5, 7)))
            assert wire.next(frames.RST_STREAM).code == frames.REFUSED_STREAM
            wire.send(frame(frames.DATA, 1, 3))
            assert wire.replies(3)[3].body == bytes(5)
            assert wire.ask(9, wire.call(9, b"")).body == bytes(5)

    place.run(ask)
    assert place.events == ["gone"] * 2


def test_resets_without_end() -> None:
    """A client that opens streams to reset them, or makes the server reset them, is sent away."""
    place = Place(answers=False)

    def ask(port: int) -> None:
        for bad in (frames.reset, frames.window_update):
            with Wire(port) as wire:
                wire.send(*(wire.head(stream) + bad(stream, 0) for stream in range(1, 2400, 2)))
                assert wire.last_words() == frames.ENHANCE_YOUR_CALM

    place.run(ask)
    assert set(place.events) == {"gone"}


def test_nobody_reads() -> None:
    """An answer that its client has no window for is given up after a while; the connection goes on."""
    place = Place(Limits(1000, 3, 60, 60, send_seconds=0.1), size=1000)

    def ask(port: int) -> None:
        with Wire(port, [(frames.INITIAL_WINDOW_SIZE, 0)]) as wire:
            assert wire.ask(1, wire.call(1, b"")).code == frames.CANCEL
            wire.send(frames.settings([(frames.INITIAL_WINDOW_SIZE, 65_535)]))
            assert wire.ask(3, wire.call(3, b"")).body == bytes(1000)

    place.run(ask)
    assert place.events == ["unread"]


def test_a_socket_that_nobody_reads() -> None:
    """A client whose socket is full is not read from, and is cut off after a while."""
    place = Place(Limits(1000, 3, 60, 60, send_seconds=0.5), size=100 << 20)

    def ask(port: int) -> None:
        with Wire(port, [(frames.INITIAL_WINDOW_SIZE, 2**31 - 1)]) as wire:
            wire.send(frames.window_update(0, 2**31 - 1 - 65_535), wire.call(1, b""))
            place.until(lambda: place.memory.used > 0)
            place.until(lambda: not place.connections)
            assert wire.last_words() is None

    place.run(ask)
    assert place.events in (["gone"], ["unread"])


def test_a_body_that_does_not_end() -> None:
    """The service is told that a body is late, and says what becomes of it."""
    place = Place(Limits(1000, 3, 60, body_seconds=0.1, send_seconds=60))

    def ask(port: int) -> None:
        with Wire(port) as wire:
            reply = wire.ask(1, wire.head(1), frame(frames.DATA, 0, 1, b"x"))
            assert (reply.fields, reply.code) == ({"z": ""}, None)
            assert wire.next(frames.RST_STREAM).code == frames.NO_ERROR  # what still comes is not read
            assert wire.ask(3, frame(frames.DATA, 1, 1, b"x"), wire.call(3, b"")).body == bytes(5)

    place.run(ask)
    assert place.events == ["late"]


@pytest.mark.parametrize("begun", [b"", frames.PREFACE[:10], frames.PREFACE + frames.settings(()) + b"\0\0"])
def test_nothing_follows(begun: bytes) -> None:
    """A client that begins its preface or a frame, and goes no further, is cut off."""
    place = Place(Limits(1000, 3, field_seconds=0.1, body_seconds=60, send_seconds=60))

    def ask(port: int) -> None:
        with Wire(port, first=begun) as wire:
            assert wire.last_words() is None

    place.run(ask)


def test_idle() -> None:
    """A connection on which nothing is asked stays."""
    place = Place(Limits(1000, 3, 0.1, 0.1, 0.1))

    def ask(port: int) -> None:
        with Wire(port) as wire:
            assert wire.ask(1, wire.call(1, b"")).body == bytes(5)
            time.sleep(0.5)
            assert wire.ask(3, wire.call(3, b"")).body == bytes(5)

    place.run(ask)


def test_leaving() -> None:
    """Before the end a client opens no stream any more; those it had opened are served, then the connection closes."""
    place = Place()

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1))
            place.until(lambda: any(connection.streams for connection in place.connections))
            (connection,) = place.connections
            loop = connection._loop
            loop.call_soon_threadsafe(connection.leave)
            assert wire.next(frames.GOAWAY).payload == b"\x7f\xff\xff\xff" + bytes(4)
            assert wire.ask(3, wire.call(3, b"")).body == bytes(5)
            loop.call_soon_threadsafe(connection.end)
            assert wire.next(frames.GOAWAY).payload == b"\0\0\0\3" + bytes(4)
            assert wire.ask(1, wire.call(5, b""), frame(frames.DATA, 1, 1)).body == bytes(5)
            assert [*wire.read()] == []

    place.run(ask)
    assert place.events == []


def test_a_client_that_closes() -> None:
    """A client that closes its connection waits for nothing: what was open is told."""
    place = Place(answers=False)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), wire.call(3, b""))
            place.until(lambda: place.received == 5)
            wire.half_close()
            assert wire.last_words() is None

    place.run(ask)
    assert place.events == ["gone"] * 2
