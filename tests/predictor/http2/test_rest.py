"""Connections without a stream end, and so do some where there are too many; no call is lost by it."""

from __future__ import annotations

import socket

import pytest

from predictor.http2 import frames, rest
from predictor.http2.frames import frame
from predictor.http2.service import Limits
from tests.predictor.http2.place import Place
from tests.predictor.http2.wire import Wire

_PING = frame(frames.PING, 0, 0, bytes(8))
_LEAVE, _END = b"\x7f\xff\xff\xff" + bytes(4), b"\0\0\0\3" + bytes(4)


def test_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some time without a call a client is told to leave; one that it sends meanwhile is answered, and gives the
    connection as much time again. However long a call takes, it is no rest.
    """
    monkeypatch.setattr(rest, "_LEAVE_SECONDS", 0.2)
    place = Place(Limits(1000, 3, 60, 60, 60, idle_seconds=0.2))

    def ask(port: int) -> None:
        with Wire(port) as wire:
            assert wire.next(frames.GOAWAY).payload == _LEAVE
            assert wire.ask(1, wire.call(1, b"")).body == bytes(5)
            assert wire.next(frames.GOAWAY).payload == _LEAVE
            wire.send(wire.head(3))
            place.until(lambda: any(connection.streams for connection in place.connections))
            (connection,) = place.connections
            place.until(lambda: connection._loop.time() - connection._idle.since < 0.02)
            since = connection._idle.since
            place.until(lambda: connection._idle.since > since + 0.5)
            assert wire.ask(3, frame(frames.DATA, frames.END_STREAM, 3)).body == bytes(5)
            assert [came.payload for came in wire.read() if came.kind == frames.GOAWAY] == [_LEAVE, _END]

    place.run(ask)
    assert place.events == []


def test_one_connection_too_many() -> None:
    """A new connection takes the place of the one that rests longest; where each has a call, it is closed."""
    place = Place(most=3)

    def ask(port: int) -> None:
        with Wire(port) as first, Wire(port) as second:
            for wire in (first, second):
                assert wire.ask(1, wire.call(1, b"")).body == bytes(5)
            first.send(first.head(3), _PING)
            first.next(frames.PING)
            place.until(lambda: all(connection._idle._last == connection._last for connection in place.connections))
            with Wire(port) as third, Wire(port) as fourth:
                assert third.ask(1, third.call(1, b"")).body == bytes(5)
                assert second.last_words() == frames.NO_ERROR
                for wire in (third, fourth):
                    wire.send(wire.head(3), _PING)
                    wire.next(frames.PING)
                with Wire(port) as fifth:
                    assert [*fifth.read()] == []
                for wire in (first, third, fourth):
                    assert wire.ask(3, frame(frames.DATA, frames.END_STREAM, 3)).body == bytes(5)

    place.run(ask)
    assert place.events == []


def test_an_answer_that_is_not_read() -> None:
    """A connection makes no room while its client may still read an answer, and ends when it does not read in time."""
    place = Place(Limits(1000, 3, 60, 60, send_seconds=1), size=200_000, most=1)
    windows = [(frames.INITIAL_WINDOW_SIZE, 1 << 20)]

    def ask(port: int) -> None:
        with Wire(port, windows) as unread:
            place.until(lambda: len(place.connections) == 1)
            (connection,) = place.connections
            transport = connection._transport
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            unread.send(frames.window_update(0, 1 << 20), unread.call(1, b""))
            place.until(lambda: transport.get_write_buffer_size() > 0 and not connection.streams)
            with Wire(port) as second:
                assert [*second.read()] == []
            place.until(lambda: not place.connections)
            with Wire(port, windows) as third:
                answer = third.ask(1, frames.window_update(0, 1 << 20), third.call(1, b""))
                assert answer.body == bytes(200_000)

    place.run(ask)


def test_streams_of_all_connections() -> None:
    """Connections share a number of streams, too; one over it is refused, so that its client may send it again."""
    place = Place(most_streams=4)

    def ask(port: int) -> None:
        with Wire(port) as first, Wire(port) as second:
            first.send(first.head(1), first.head(3), first.head(5), _PING)
            first.next(frames.PING)
            assert second.ask(3, second.head(1), second.head(3)).code == frames.REFUSED_STREAM
            first.send(frames.reset(1, 0))
            place.until(lambda: place.connections.streams == 3)
            assert second.ask(5, second.call(5, b"")).body == bytes(5)

    place.run(ask)
    assert place.connections.streams == 0
