"""Messages that a client has compressed (gRPC's compression.md): gzip and deflate, as gRPC's own servers take them."""

from __future__ import annotations

import zlib

from artifact.errors import InvalidRequest
from predictor.errors import BodyTooLarge, UnknownEncoding

_ANY_HEADER = 32 + zlib.MAX_WBITS  # gzip's or zlib's, which is what HTTP calls deflate
_ENCODINGS = (b"gzip", b"deflate")


def inflate(data: bytes, encoding: bytes, most: int) -> bytes:
    """The message in `data`, of which never more than `most` bytes are made. UnknownEncoding, BodyTooLarge (of more),
    or InvalidRequest where there is none.
    """
    if encoding not in _ENCODINGS:
        raise UnknownEncoding(f"grpc-encoding {encoding[:40].decode('latin-1')!r} is not supported; send gzip")
    reader = zlib.decompressobj(_ANY_HEADER)
    try:
        message = reader.decompress(data, most + 1)
    except zlib.error:
        raise InvalidRequest("the message is not compressed as grpc-encoding says") from None
    if len(message) > most:
        raise BodyTooLarge(f"the message is longer than the limit of {most} bytes")
    if not reader.eof or reader.unused_data:
        raise InvalidRequest("the message is not compressed as grpc-encoding says")
    return message
