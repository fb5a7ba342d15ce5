"""A client that makes this side work or hold much with few bytes: it is served or sent away, others have turns."""

from __future__ import annotations

import socket
import time

import pytest

from predictor.http2 import frames, paced_reader
from predictor.http2.abuse import Unread
from predictor.http2.connection import Connection
from predictor.http2.frames import END_STREAM, frame
from predictor.http2.service import Limits
from predictor.http2.stream import Stream
from tests.predictor.http2.place import Place
from tests.predictor.http2.wire import Wire

_PING = frame(frames.PING, 0, 0, bytes(8))


def test_windows_that_change_often_in_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many window sizes one frame sets, each open stream is changed once, to the last."""
    place, grown = Place(answers=False), []
    monkeypatch.setattr(Stream, "grow", lambda stream, size: grown.append((stream.number, size)))

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), wire.head(3))
            wire.send(frames.settings([(frames.INITIAL_WINDOW_SIZE, size) for size in range(2700)]), _PING)
            wire.next(frames.PING)

    place.run(ask)
    assert grown == [(1, 2699 - 65_535), (3, 2699 - 65_535)]


def test_settings_without_end() -> None:
    """A client that changes the windows of open streams again and again is sent away."""
    place = Place(answers=False)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), *(frames.settings([(frames.INITIAL_WINDOW_SIZE, n)]) for n in range(1200)))
            assert wire.last_words() == frames.ENHANCE_YOUR_CALM

    place.run(ask)


def test_a_window_for_which_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the connection's window had room, more of it is no reason to look at each stream."""
    place, flushed = Place(answers=False), []
    monkeypatch.setattr(Stream, "flush", lambda stream: flushed.append(stream.number))

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), frames.window_update(0, 1) * 10, _PING)
            wire.next(frames.PING)

    place.run(ask)
    assert flushed == []


@pytest.mark.parametrize("number", [0, 1], ids=["connection", "stream"])
def test_a_window_byte_by_byte(number: int) -> None:
    """A client that takes an answer a few bytes at a time is sent away; one that takes more, or seldom does, is not."""
    place = Place(size=400_000)

    def ask(port: int) -> None:
        for step, count in ((255, 1200), (256, 1200), (255, 900)):
            windows = {0: 1 << 20, 1: 1 << 20, number: step}
            with Wire(port, [(frames.INITIAL_WINDOW_SIZE, 1 << 20 if number == 0 else 0)]) as wire:
                if number == 0:
                    wire.send(wire.call(1, b""))
                    place.until(lambda: place.memory.used == 400_000 - 65_535)
                else:
                    wire.send(frames.window_update(0, windows[0]), wire.call(1, b""))
                    place.until(lambda: place.memory.used == 400_000)
                wire.send(frames.window_update(number, step) * count)
                if (step, count) == (255, 1200):
                    assert wire.last_words() == frames.ENHANCE_YOUR_CALM
                else:
                    wire.send(frames.window_update(number, windows[1 - number]))
                    assert len(wire.replies(1)[1].body) == 400_000

    place.run(ask)


def test_calls_in_one_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that arrive at once are handled in several turns of the event loop, when they take more than its time."""
    place, together = Place(), []
    monkeypatch.setattr(paced_reader, "_TURN_SECONDS", -1)
    whole = Connection.data_received

    def data_received(self: Connection, data: bytes) -> None:
        before = self._last
        whole(self, data)
        together.append((self._last - before) // 2)

    monkeypatch.setattr(Connection, "data_received", data_received)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            numbers = range(1, 101, 2)
            wire.send(*(wire.head(number, END_STREAM) for number in numbers))
            assert all(reply.body == bytes(5) for reply in wire.replies(*numbers).values())

    place.run(ask)
    assert max(together) == 1


def test_answers_that_nobody_reads() -> None:
    """While a client does not read, its other calls are not handled, though they have arrived; later they are."""
    limits = Limits(1000, 3, 0.5, 0.5, 60)
    place = Place(limits, fields=frames.field(b"x", bytes(100) * 40))
    longest = 0

    def ask(port: int) -> None:
        nonlocal longest
        with Wire(port) as wire:
            numbers = range(1, 12_001, 2)
            wire.send(frames.window_update(0, 1 << 20), *(wire.head(number, END_STREAM) for number in numbers))
            place.until(lambda: any(connection._paused for connection in place.connections))
            (connection,) = place.connections
            longest = connection._transport.get_write_buffer_size()
            time.sleep(0.6)  # the frames that wait are not late, for it is this side that does not read them
            assert len(wire.replies(*numbers)) == len(numbers)

    place.run(ask)
    assert longest < 300 << 10


@pytest.mark.parametrize("closes", [False, True], ids=["idle", "closes"])
def test_little_that_nobody_reads(closes: bool) -> None:
    """A client that leaves a few bytes unread, fewer than stop the reading, is cut off; also if it sends no more."""
    place = Place(Limits(1000, 3, 60, 60, send_seconds=0.3), answers=False)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            place.until(lambda: len(place.connections) == 1)
            (connection,) = place.connections
            for side in (wire._socket, connection._transport.get_extra_info("socket")):
                for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                    side.setsockopt(socket.SOL_SOCKET, option, 8192)
            while not connection._transport.get_write_buffer_size():
                wire.send(_PING * 500)
                time.sleep(0.005)
            assert connection._paused is None
            if closes:
                wire.half_close()
            place.until(lambda: not place.connections)

    place.run(ask)


def test_heads_of_open_streams() -> None:
    """Of a request whose body does not come, long fields are not kept."""
    place, heads = Place(), []

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1, content_length="5"), wire.head(3, content_length="5", x="y" * 900), _PING)
            wire.next(frames.PING)
            (connection,) = place.connections
            heads.extend((len(stream.head.fields), stream.head.length) for stream in connection.streams.values())

    place.run(ask)
    assert heads == [(6, 5), (0, 5)]


def test_some_that_is_read() -> None:
    """A client that reads slowly reads; only one that reads nothing of what waits is late."""
    unread = Unread(0)
    assert [unread.since(now, 1000, waiting) for now, waiting in enumerate((900, 800, 700, 700, 0, 0), 1)] == [
        1, 2, 3, 3, 5, 6
    ]  # fmt: skip


def test_a_reason_that_is_long() -> None:
    """The GOAWAY for fields that are no HPACK does not repeat them."""
    place = Place()

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(frame(frames.HEADERS, 4, 1, b"\0" + b"\xff" * 1000))
            last = wire.next(frames.GOAWAY)
            assert (last.code, len(last.payload) <= 8 + 200) == (frames.COMPRESSION_ERROR, True)

    place.run(ask)
