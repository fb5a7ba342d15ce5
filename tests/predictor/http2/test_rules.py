"""Frames that break a rule of RFC 9113, to a running predictor: the stream or the connection ends as the RFC says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from predictor.http2 import frames
from predictor.http2.frames import END_STREAM, PADDED, frame
from tests.predictor.conftest import Server
from tests.predictor.http2.wire import CALL, Frame, Wire

Make = Callable[[Wire], bytes]
_PING = frame(frames.PING, 0, 0, bytes(8))

# What is sent, and the code of the GOAWAY with which the connection ends.
CONNECTION: dict[str, tuple[Make, int]] = {
    "a frame of more than 16,384 bytes": (lambda _: frame(frames.DATA, 0, 1, bytes(16_385)), frames.FRAME_SIZE_ERROR),
    "data before any stream": (lambda _: frame(frames.DATA, 0, 1), frames.PROTOCOL_ERROR),
    "data of no stream": (lambda _: frame(frames.DATA, 0, 0), frames.PROTOCOL_ERROR),
    "a stream with an even number": (lambda wire: wire.head(2), frames.PROTOCOL_ERROR),
    "fields of no stream": (lambda wire: wire.head(0), frames.PROTOCOL_ERROR),
    "a stream before the last one": (lambda wire: wire.head(5) + wire.head(3), frames.PROTOCOL_ERROR),
    "padding longer than the frame": (
        lambda wire: wire.head(1) + frame(frames.DATA, PADDED, 1, b"\x05abc"),
        frames.PROTOCOL_ERROR,
    ),
    "a padded frame of nothing": (lambda wire: wire.head(1) + frame(frames.DATA, PADDED, 1), frames.FRAME_SIZE_ERROR),
    "a block that is no HPACK": (lambda _: frame(frames.HEADERS, 4, 1, b"\x80"), frames.COMPRESSION_ERROR),
    "fields that become a megabyte": (
        lambda wire: frame(frames.HEADERS, 4, 1, wire.block({"x": "y" * 4000}) + b"\xbe" * 12_000),
        frames.ENHANCE_YOUR_CALM,
    ),
    "CONTINUATION of nothing": (lambda _: frame(frames.CONTINUATION, 4, 1), frames.PROTOCOL_ERROR),
    "a frame within a block": (lambda _: frame(frames.HEADERS, 0, 1) + _PING, frames.PROTOCOL_ERROR),
    "CONTINUATION of another stream": (
        lambda _: frame(frames.HEADERS, 0, 1) + frame(frames.CONTINUATION, 4, 3),
        frames.PROTOCOL_ERROR,
    ),
    "a block without end": (
        lambda _: frame(frames.HEADERS, 0, 1) + frame(frames.CONTINUATION, 0, 1) * 40,
        frames.ENHANCE_YOUR_CALM,
    ),
    "a block of too many bytes": (
        lambda _: frame(frames.HEADERS, 0, 1) + frame(frames.CONTINUATION, 0, 1, bytes(16_000)) * 10,
        frames.ENHANCE_YOUR_CALM,
    ),
    "SETTINGS of a stream": (lambda _: frame(frames.SETTINGS, 0, 1), frames.PROTOCOL_ERROR),
    "SETTINGS of five bytes": (lambda _: frame(frames.SETTINGS, 0, 0, bytes(5)), frames.FRAME_SIZE_ERROR),
    "an acknowledgement with settings": (lambda _: frame(frames.SETTINGS, 1, 0, bytes(6)), frames.FRAME_SIZE_ERROR),
    "ENABLE_PUSH 2": (lambda _: frames.settings([(2, 2)]), frames.PROTOCOL_ERROR),
    "INITIAL_WINDOW_SIZE 2^31": (lambda _: frames.settings([(4, 1 << 31)]), frames.FLOW_CONTROL_ERROR),
    "MAX_FRAME_SIZE 100": (lambda _: frames.settings([(5, 100)]), frames.PROTOCOL_ERROR),
    "PING of a stream": (lambda _: frame(frames.PING, 0, 1, bytes(8)), frames.PROTOCOL_ERROR),
    "PING of seven bytes": (lambda _: frame(frames.PING, 0, 0, bytes(7)), frames.FRAME_SIZE_ERROR),
    "GOAWAY of a stream": (lambda _: frame(frames.GOAWAY, 0, 1, bytes(8)), frames.PROTOCOL_ERROR),
    "PRIORITY of no stream": (lambda _: frame(frames.PRIORITY, 0, 0, bytes(5)), frames.PROTOCOL_ERROR),
    "RST_STREAM before any stream": (lambda _: frames.reset(1, 0), frames.PROTOCOL_ERROR),
    "RST_STREAM of three bytes": (
        lambda wire: wire.head(1) + frame(frames.RST_STREAM, 0, 1, bytes(3)),
        frames.FRAME_SIZE_ERROR,
    ),
    "a push": (lambda _: frame(frames.PUSH_PROMISE, 4, 1, bytes(4)), frames.PROTOCOL_ERROR),
    "WINDOW_UPDATE of nothing": (lambda _: frames.window_update(0, 0), frames.PROTOCOL_ERROR),
    "WINDOW_UPDATE of three bytes": (lambda _: frame(frames.WINDOW_UPDATE, 0, 0, bytes(3)), frames.FRAME_SIZE_ERROR),
    "a connection's window of 2^31": (lambda _: frames.window_update(0, 2**31 - 1), frames.FLOW_CONTROL_ERROR),
    "the window of a stream that was not opened": (lambda _: frames.window_update(7, 1), frames.PROTOCOL_ERROR),
}

# What is sent after the head of stream 1, which is reset with the code; other streams go on.
STREAM: dict[str, tuple[Make, int]] = {
    "a window of 2^31": (lambda _: frames.window_update(1, 2**31 - 1), frames.FLOW_CONTROL_ERROR),
    "WINDOW_UPDATE of nothing": (lambda _: frames.window_update(1, 0), frames.PROTOCOL_ERROR),
    "PRIORITY of four bytes": (lambda _: frame(frames.PRIORITY, 0, 1, bytes(4)), frames.FRAME_SIZE_ERROR),
    "fields within a body": (lambda wire: frame(frames.HEADERS, 4, 1, wire.block({"x": "y"})), frames.PROTOCOL_ERROR),
    "a method behind the body": (
        lambda wire: frame(frames.HEADERS, 5, 1, wire.block({":method": "POST"})),
        frames.PROTOCOL_ERROR,
    ),
}

# Fields of a call that are malformed: a PROTOCOL_ERROR of its stream.
MALFORMED: dict[str, list[tuple[str, str]]] = {
    "an upper-case name": [*CALL.items(), ("X-Y", "z")],
    "a name with a space": [*CALL.items(), ("x y", "z")],
    "a value with a line break": [*CALL.items(), ("x", "y\r\nz: a")],
    "an unknown pseudo-header": [(":proto", "x"), *CALL.items()],
    "a pseudo-header of an answer": [(":status", "200"), *CALL.items()],
    "a pseudo-header behind a field": [*CALL.items(), (":authority", "y")],
    "two methods": [(":method", "POST"), *CALL.items()],
    "no method": [*CALL.items()][1:],
    "no path": [pair for pair in CALL.items() if pair[0] != ":path"],
    "an empty path": [(name, "" if name == ":path" else value) for name, value in CALL.items()],
    "a field of HTTP/1.1": [*CALL.items(), ("connection", "keep-alive")],
    "te for another coding": [*CALL.items(), ("te", "gzip")],
    "a length that is no number": [*CALL.items(), ("content-length", "+1")],
    "two lengths": [*CALL.items(), ("content-length", "1"), ("content-length", "2")],
}


def alive(wire: Wire, stream: int = 99) -> bool:
    """Whether the connection answers a call, whatever it says."""
    return wire.ask(stream, wire.call(stream, b"\xff")).status == "3"


@pytest.mark.parametrize("rule", CONNECTION)
def test_connection(iris: Server, rule: str) -> None:
    """The connection ends, with the reason, and the server serves on."""
    make, code = CONNECTION[rule]
    with Wire(iris.grpc_port) as wire:
        wire.send(make(wire))
        assert wire.last_words() == code
    with Wire(iris.grpc_port) as wire:
        assert alive(wire)


@pytest.mark.parametrize("rule", STREAM)
def test_stream(iris: Server, rule: str) -> None:
    """The stream is reset, and the connection goes on."""
    make, code = STREAM[rule]
    with Wire(iris.grpc_port) as wire:
        wire.send(wire.head(1), make(wire))
        assert wire.next(frames.RST_STREAM).code == code
        assert alive(wire)


@pytest.mark.parametrize("rule", MALFORMED)
def test_malformed(iris: Server, rule: str) -> None:
    """A malformed request is reset before anybody reads it, and the connection goes on."""
    with Wire(iris.grpc_port) as wire:
        block = wire._encoder.encode(MALFORMED[rule])
        wire.send(frame(frames.HEADERS, frames.END_HEADERS, 1, block))
        assert wire.next(frames.RST_STREAM).code == frames.PROTOCOL_ERROR
        assert alive(wire)


@pytest.mark.parametrize("sent", [3, 7], ids=["shorter", "longer"])
def test_another_length(iris: Server, sent: int) -> None:
    """A body of another length than content-length says is malformed."""
    with Wire(iris.grpc_port) as wire:
        wire.send(wire.head(1, content_length="5"), frame(frames.DATA, END_STREAM, 1, bytes(sent)))
        assert wire.next(frames.RST_STREAM).code == frames.PROTOCOL_ERROR
        assert alive(wire)


@pytest.mark.parametrize(
    "first",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", frames.PREFACE + _PING, frames.PREFACE + frame(frames.SETTINGS, 1, 0)],
    ids=["HTTP/1.1", "another frame", "an acknowledgement"],
)
def test_preface(iris: Server, first: bytes) -> None:
    """A connection begins with the preface and settings, or ends."""
    with Wire(iris.grpc_port, first=first) as wire:
        assert wire.last_words() == frames.PROTOCOL_ERROR


def test_what_is_closed(iris: Server) -> None:
    """Data on a stream that is closed resets it, fields on it end the connection."""
    with Wire(iris.grpc_port) as wire:
        assert wire.ask(1, wire.call(1, b"\xff")).status == "3"
        assert wire.ask(1, frame(frames.DATA, 0, 1)).code == frames.STREAM_CLOSED
        assert wire.ask(3, wire.call(3, b"\xff")).status == "3"
        wire.send(wire.head(3))
        assert wire.last_words() == frames.STREAM_CLOSED


def test_what_means_nothing_here(iris: Server) -> None:
    """PING is answered; unknown frames and settings, PRIORITY, padding and a GOAWAY of the client change nothing."""
    with Wire(iris.grpc_port, [(0x99, 7), (1, 0)]) as wire:
        wire.send(frame(0x42, 0xFF, 9, b"?"), frame(frames.PRIORITY, 0, 9, bytes(5)), frames.goaway(0, 0))
        wire.send(frame(frames.PING, 0, 0, b"12345678"))
        assert wire.next(frames.PING) == Frame(frames.PING, frames.ACK, 0, b"12345678")
        padded = frame(frames.HEADERS, 0x2C, 1, b"\x03" + bytes(5) + wire.block(CALL) + bytes(3))
        assert wire.ask(1, padded, frame(frames.DATA, 9, 1, b"\x02\0\0\0\0\1\xff??")).status == "3"
        assert alive(wire)


def test_fields_in_pieces(iris: Server) -> None:
    """Fields that CONTINUATION continues, and frames that arrive byte by byte, are the same request."""
    with Wire(iris.grpc_port) as wire:
        block = wire.block(CALL)
        data = frame(frames.HEADERS, 0, 1, block[:5]) + frame(frames.CONTINUATION, 0, 1, block[5:6])
        data += frame(frames.CONTINUATION, 4, 1, block[6:]) + frame(frames.DATA, 1, 1, b"\0\0\0\0\1\xff")
        for at in range(len(data)):
            wire.send(data[at : at + 1])
        assert wire.replies(1)[1].status == "3"
