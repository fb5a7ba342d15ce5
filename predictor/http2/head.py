"""The header fields of a request: decompressed, checked by the rules of RFC 9113, 8.2 and 8.3, and remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hpack import Decoder, HPACKError

from predictor.http2.frames import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, ConnectionFault, StreamFault

_NAME = re.compile(rb":?[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"[^\x00\r\n]*")
_PSEUDO = frozenset((b":method", b":scheme", b":path", b":authority"))
_NEEDED = (b":method", b":scheme", b":path")
_OF_A_CONNECTION = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))
_MOST_REMEMBERED = 64  # blocks of one connection
_LONGEST_REMEMBERED = 256  # bytes
_FIELD_BYTES = 32  # that HPACK counts for a field beside its name and value
FAR_OVER = 4  # times the limit: more than that is not read, and ends the connection, which others may share


@dataclass(frozen=True, eq=False)
class Head:
    """The fields of a request by name, the last of each; `size` as HPACK counts it, `length` of the body if said.

    `fault` is why the request is malformed.
    """

    fields: dict[bytes, bytes]
    size: int
    length: int | None = None
    fault: str | None = None

    def without_fields(self) -> Head:
        """What is left when the fields have been read."""
        return Head({}, self.size, self.length)


class HeadReader:
    """Reads the blocks of one connection, in their order, which HPACK's table depends on."""

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`: the most that a request's fields may have, as HPACK counts them; Head.size says how many."""
        self._decoder = Decoder(max_header_list_size=FAR_OVER * most_bytes)
        self._remembered: dict[bytes, Head] = {}

    def read(self, block: bytes, *, trailing: bool = False) -> Head:
        """The head in `block`; ConnectionFault where it cannot be decompressed. `trailing`: behind a body.

        A client's second request like its first has nothing but indexes into the table, which change when the table
        does. Until then the same block is the same head.
        """
        indexes = bool(block) and min(block) >= 0x80 and max(block) < 0xFF  # each a byte, and nothing else
        if indexes and not trailing and (remembered := self._remembered.get(block)) is not None:
            return remembered
        if not indexes:
            self._remembered.clear()
        try:
            pairs = [(bytes(pair[0]), bytes(pair[1])) for pair in self._decoder.decode(block, raw=True)]
        except HPACKError as error:
            oversized = type(error).__name__ == "OversizedHeaderListError"
            raise ConnectionFault(ENHANCE_YOUR_CALM if oversized else COMPRESSION_ERROR, str(error)) from None
        head = _head(pairs, trailing)
        if indexes and not trailing and len(block) <= _LONGEST_REMEMBERED and len(self._remembered) < _MOST_REMEMBERED:
            self._remembered[block] = head
        return head


def check(head: Head) -> None:
    """StreamFault where a request is malformed."""
    if head.fault is not None:
        raise StreamFault(PROTOCOL_ERROR, head.fault)


def _head(pairs: list[tuple[bytes, bytes]], trailing: bool) -> Head:
    fields = dict(pairs)
    size = sum(len(name) + len(value) + _FIELD_BYTES for name, value in pairs)
    fault = _fault(pairs, trailing)
    length = fields.get(b"content-length")
    if length is not None and not (length.isdigit() and len(length) < 20):
        fault = fault or "content-length is no number"
    return Head(fields, size, int(length) if length is not None and fault is None else None, fault)


def _fault(pairs: list[tuple[bytes, bytes]], trailing: bool) -> str | None:
    names = [name for name, _ in pairs]
    pseudo = [name for name in names if name.startswith(b":")]
    if any(name.startswith(b":") for name in names[len(pseudo) :]):
        return "a pseudo-header field behind a regular one"
    if not _PSEUDO.issuperset(pseudo) or len(set(pseudo)) < len(pseudo) or (trailing and pseudo):
        return "a pseudo-header field that is unknown, repeated, or behind the body"
    if not trailing and not all(any(name == needed and value for name, value in pairs) for needed in _NEEDED):
        return "a request without method, scheme or path"
    if not all(map(_NAME.fullmatch, names)) or not all(_VALUE.fullmatch(value) for _, value in pairs):
        return "a field with a name or value that cannot be"
    if not _OF_A_CONNECTION.isdisjoint(names) or dict(pairs).get(b"te", b"trailers") != b"trailers":
        return "a field that HTTP/2 does not have"
    lengths = {value for name, value in pairs if name == b"content-length"}
    return "two lengths of one body" if len(lengths) > 1 else None
