"""Frames of HTTP/2 as bytes, and the errors that end a stream or a connection (RFC 9113, 4, 6 and 7)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20
(
    NO_ERROR,
    PROTOCOL_ERROR,
    INTERNAL_ERROR,
    FLOW_CONTROL_ERROR,
    SETTINGS_TIMEOUT,
    STREAM_CLOSED,
    FRAME_SIZE_ERROR,
    REFUSED_STREAM,
    CANCEL,
    COMPRESSION_ERROR,
    CONNECT_ERROR,
    ENHANCE_YOUR_CALM,
) = range(12)
ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 2, 3, 4, 5, 6
WINDOW = 65_535  # bytes that a stream or a connection may send at first
MOST_WINDOW = 2**31 - 1
MOST_FRAME = 16_384  # bytes of a frame, which both sides take without having said more
HEAD = struct.Struct(">HBBBL")  # length in 16 and 8 bits, type, flags, stream
SETTING = struct.Struct(">HL")
NUMBER = struct.Struct(">L")


class ConnectionFault(Exception):
    """The peer broke a rule after which the connection cannot go on; `code` is told with GOAWAY."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class StreamFault(Exception):
    """The peer broke a rule of one stream, which is reset with `code`; the others go on."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    size = len(payload)
    return HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def settings(values: Iterable[tuple[int, int]]) -> bytes:
    """The settings of this side."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(name, value) for name, value in values))


def reset(stream: int, code: int) -> bytes:
    """RST_STREAM."""
    return frame(RST_STREAM, 0, stream, NUMBER.pack(code))


def window_update(stream: int, size: int) -> bytes:
    """The peer may send `size` more bytes, on the whole connection where `stream` is 0."""
    return frame(WINDOW_UPDATE, 0, stream, NUMBER.pack(size))


def goaway(last_stream: int, code: int, why: str = "") -> bytes:
    """No stream after `last_stream` will be served."""
    return frame(GOAWAY, 0, 0, NUMBER.pack(last_stream) + NUMBER.pack(code) + why.encode())


def field(name: bytes, value: bytes) -> bytes:
    """One header field that leaves the peer's table as it is, so that its bytes are the same at any time.

    RFC 7541, 6.2.2: a literal without indexing, with a new name, and no Huffman code.
    """
    return b"\x00" + _length(name) + name + _length(value) + value


def _length(text: bytes) -> bytes:
    """RFC 7541, 5.1: an integer with a prefix of seven bits."""
    size = len(text)
    if size < 0x7F:
        return bytes((size,))
    encoded, size = bytearray(b"\x7f"), size - 0x7F
    while size > 0x7F:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    encoded.append(size)
    return bytes(encoded)


def content(kind: int, flags: int, payload: bytes) -> bytes:
    """What is in a DATA or HEADERS frame without its padding and priority; ConnectionFault where that cannot be."""
    begin = end = 0
    if flags & PADDED:
        if not payload:
            raise ConnectionFault(FRAME_SIZE_ERROR, "a padded frame without the length of its padding")
        begin, end = 1, payload[0]
    if kind == HEADERS and flags & WITH_PRIORITY:
        begin += 5
    if begin + end > len(payload):
        raise ConnectionFault(PROTOCOL_ERROR, "a frame that is shorter than its padding and priority")
    return payload[begin : len(payload) - end]
