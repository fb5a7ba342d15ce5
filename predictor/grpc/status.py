"""The fields around a gRPC message, as HTTP/2 carries them (gRPC's PROTOCOL-HTTP2.md)."""

from __future__ import annotations

import struct

import grpc

from predictor.http2.frames import field

ENCODINGS = b"identity, deflate, gzip"  # that a client may compress its message with
PREFIX = struct.Struct(">BL")  # whether the message is compressed, and its bytes
CONTENT_TYPE = b"application/grpc"
_STATUS_200 = b"\x88"  # RFC 7541, appendix A: index 8
LEADING = _STATUS_200 + field(b"content-type", CONTENT_TYPE) + field(b"grpc-accept-encoding", ENCODINGS)
OK = field(b"grpc-status", b"0")


def failed(code: grpc.StatusCode, text: str) -> bytes:
    """The last fields of a call that has no answer."""
    status: int = code.value[0]
    return field(b"grpc-status", b"%d" % status) + field(b"grpc-message", _percent_encoded(text))


def framed(message: bytes) -> bytes:
    """A message behind its prefix."""
    return PREFIX.pack(0, len(message)) + message


def of_http(status: int) -> bytes:
    """All fields of an answer to a request that is no gRPC call."""
    return field(b":status", b"%d" % status)


def _percent_encoded(text: str) -> bytes:
    return b"".join(
        bytes((byte,)) if 0x20 <= byte <= 0x7E and byte != 0x25 else b"%%%02X" % byte
        for byte in text.encode(errors="replace")
    )
