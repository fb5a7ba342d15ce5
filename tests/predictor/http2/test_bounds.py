"""What a connection remembers and bears with, of a client that breaks rules slowly or sends what comes to nothing."""

from __future__ import annotations

import time

import pytest

from predictor.http2 import frames
from predictor.http2.abuse import Faults
from predictor.http2.frames import ConnectionFault, frame
from predictor.http2.service import Limits
from tests.predictor.http2.place import Place
from tests.predictor.http2.wire import Wire

_PING = frame(frames.PING, 0, 0, bytes(8))


def test_data_of_nothing() -> None:
    """A client that goes on sending empty DATA frames, or no more than padding, is sent away."""
    place = Place()

    def ask(port: int) -> None:
        for empty in (frame(frames.DATA, 0, 1), frame(frames.DATA, frames.PADDED, 1, b"\1\0")):
            with Wire(port) as wire:
                wire.send(wire.head(1), empty * 1200)
                assert wire.last_words() == frames.ENHANCE_YOUR_CALM

    place.run(ask)


def test_faults_of_a_long_time() -> None:
    """A client whose faults are few a second may go on for ever."""
    faults = Faults(0)
    for second in range(100):
        for _ in range(30):
            faults.count(second)
    for _ in range(900):
        faults.count(100)
    with pytest.raises(ConnectionFault):
        any(faults.count(100) for _ in range(200))


def test_streams_that_were_reset() -> None:
    """Of streams that were answered early, a bounded number is remembered, and one that its client resets no more."""
    place = Place(Limits(1000, 300, 60, 60, 60), answers=False)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            numbers = range(1, 601, 2)
            wire.send(*(wire.head(number) + frames.window_update(number, 0) for number in numbers), _PING)
            wire.next(frames.PING)
            (connection,) = place.connections
            assert [*connection._early] == [*numbers][-256:]
            wire.send(frames.reset(599, 0), _PING)
            wire.next(frames.PING)
            assert 599 not in connection._early

    place.run(ask)


def test_a_part_of_a_frame_beside_a_call() -> None:
    """While a call is open, a frame may take as long as a body may; without one no longer than fields."""
    place = Place(Limits(1000, 3, 0.05, 60, 60), answers=False)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), _PING[:5])
            time.sleep(0.2)
            wire.send(_PING[5:])
            wire.next(frames.PING)
            wire.send(frames.reset(1, 0), _PING[:5])
            assert wire.last_words() is None

    place.run(ask)


def test_streams_behind_the_end() -> None:
    """Calls that come behind the last GOAWAY are not begun."""
    place = Place(answers=False)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            wire.send(wire.head(1), _PING)
            wire.next(frames.PING)
            (connection,) = place.connections
            connection._loop.call_soon_threadsafe(connection.end)
            assert wire.next(frames.GOAWAY).payload == b"\0\0\0\1" + bytes(4)
            wire.send(wire.call(3, b"abc"), _PING)
            wire.next(frames.PING)
            assert ([*connection.streams], place.received) == ([1], 0)

    place.run(ask)


def test_short_answers_within_the_connection_s_window() -> None:
    """Answers that fit their streams' windows wait where the connection's window has no room for them."""
    place = Place(size=1000)

    def ask(port: int) -> None:
        with Wire(port) as wire:
            numbers = range(1, 133, 2)
            place.until(lambda: len(place.connections) == 1)
            (connection,) = place.connections
            for number in numbers[:65]:
                assert len(wire.ask(number, wire.call(number, b"")).body) == 1000
            wire.send(wire.call(numbers[65], b""))
            place.until(lambda: place.memory.used == 66_000 - 65_535)
            assert connection._window == 0
            wire.send(frames.window_update(0, 1000))
            assert len(wire.replies(numbers[65])[numbers[65]].body) == 1000

    place.run(ask)


def test_an_answer_behind_a_slow_body() -> None:
    """The time to take an answer begins with the answer, however long the body took."""
    place = Place(Limits(1000, 3, 60, 60, send_seconds=0.3), size=10)

    def ask(port: int) -> None:
        with Wire(port, [(frames.INITIAL_WINDOW_SIZE, 0)]) as wire:
            wire.send(wire.head(1))
            time.sleep(0.4)
            wire.send(frame(frames.DATA, frames.END_STREAM, 1))
            place.until(lambda: place.memory.used == 10)
            time.sleep(0.05)
            assert len(wire.ask(1, frames.window_update(1, 10)).body) == 10

    place.run(ask)
