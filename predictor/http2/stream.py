"""One request and its answer on a connection, which other streams share."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Protocol

from predictor.http2.frames import (
    CANCEL,
    DATA,
    END_HEADERS,
    END_STREAM,
    FLOW_CONTROL_ERROR,
    HEADERS,
    MOST_FRAME,
    MOST_WINDOW,
    NO_ERROR,
    PROTOCOL_ERROR,
    WINDOW,
    StreamFault,
    frame,
    window_update,
)
from predictor.http2.head import Head


class Exchange(Protocol):
    """What a service makes of a stream; it is told what becomes of that."""

    def receive(self, data: bytes, ended: bool) -> None:
        """A part of the body, which may be empty; the last one where `ended`."""

    def late(self) -> None:
        """The body did not end in time."""

    def gone(self) -> None:
        """The client, or the connection, has left before all of the answer was written. Nothing else follows."""

    def unread(self) -> None:
        """The client did not take all of the answer in time. Nothing else follows."""


class Memory(Protocol):
    """Counts the bytes that all connections hold."""

    used: int


class Carrier(Protocol):
    """The connection, as its streams know it."""

    memory: Memory

    @property
    def streams(self) -> Mapping[int, Stream]:
        """Those that are open, by number."""

    @property
    def room(self) -> int:
        """Bytes of bodies that may be written now."""

    def take_room(self, size: int) -> None:
        """`size` bytes of a body are written."""

    def write(self, data: bytes) -> None:
        """To the socket."""

    def end_stream(self, stream: Stream, code: int | None) -> None:
        """This side has ended the stream; with RST_STREAM unless `code` is None."""


class Stream:
    """A stream. Its answer is written as a whole by `answer`, or in parts by `begin`, `send` and `finish`."""

    __slots__ = (
        "_granted",
        "_pending",
        "_trailing",
        "_waited",
        "connection",
        "ended",
        "exchange",
        "has_begun",
        "head",
        "number",
        "received",
        "window",
    )

    def __init__(self, connection: Carrier, number: int, head: Head, window: int) -> None:
        """`window`: the bytes that this side may send."""
        self.connection = connection
        self.number = number
        self.head = head
        self.window = window
        self.ended = False  # by the client
        self.has_begun = False  # the answer's first fields are written
        self.received = 0  # bytes of the body
        self.exchange: Exchange | None = None
        self._granted = 0  # bytes that it may send again, and does not know yet
        self._pending: deque[bytes | memoryview] = deque()  # of the answer's body: the windows have no room for it
        self._trailing: bytes | None = None
        self._waited: float | None = None  # since when the client is waited for, if somebody has looked

    @property
    def is_open(self) -> bool:
        """Whether the client still waits for the answer, or for the rest of it."""
        return self.number in self.connection.streams

    @property
    def is_waiting(self) -> bool:
        """Whether a part of the answer waits for room."""
        return bool(self._pending)

    def receive(self, data: bytes, size: int, ended: bool) -> None:
        """A DATA frame, of `size` bytes with its padding; or only the end.

        The exchange takes what comes or ends the stream: so the client may send as much again at once.
        """
        self.received += len(data)
        self.ended = ended
        length = self.head.length
        if length is not None and (self.received > length or (ended and self.received != length)):
            raise StreamFault(PROTOCOL_ERROR, "a body of another length than content-length says")
        assert self.exchange is not None
        self.exchange.receive(data, ended)
        if not ended and self.is_open:
            self._granted += size
            if self._granted >= WINDOW // 2:
                self.connection.write(window_update(self.number, self._granted))
                self._granted = 0

    def begin(self, leading: bytes) -> None:
        """Write the answer's first fields, an encoded block."""
        self.has_begun = True
        self.connection.write(frame(HEADERS, END_HEADERS, self.number, leading))

    def send(self, data: bytes) -> None:
        """Write a part of the answer's body, as far as the windows and the socket have room; the rest follows."""
        self._pending.append(data)
        self.connection.memory.used += len(data)
        self._waited = None
        self.flush()

    def finish(self, trailing: bytes) -> None:
        """Write the answer's last fields, an encoded block, behind its body."""
        self._trailing = trailing
        self.flush()

    def answer(self, leading: bytes, data: bytes, trailing: bytes) -> None:
        """Write a whole answer."""
        connection, number, size = self.connection, self.number, len(data)
        if size > MOST_FRAME or size > self.window or size > connection.room:
            self.begin(leading)
            self.send(data)
            self.finish(trailing)
            return
        self.window -= size
        connection.take_room(size)
        connection.write(
            b"%b%b%b"
            % (
                frame(HEADERS, END_HEADERS, number, leading),
                frame(DATA, 0, number, data),
                frame(HEADERS, END_HEADERS | END_STREAM, number, trailing),
            )
        )
        self._leave()

    def flush(self) -> None:
        """Write what waits, as far as there is room."""
        connection = self.connection
        while self._pending:
            data = self._pending[0]
            size = min(len(data), MOST_FRAME, max(0, self.window), connection.room)
            if size == 0 and len(data):
                return
            self.window -= size
            connection.take_room(size)
            connection.write(frame(DATA, 0, self.number, bytes(data[:size])))
            connection.memory.used -= size
            if size == len(data):
                self._pending.popleft()
            else:
                self._pending[0] = memoryview(data)[size:]
        if self._trailing is not None:
            connection.write(frame(HEADERS, END_HEADERS | END_STREAM, self.number, self._trailing))
            self._leave()

    def grow(self, size: int) -> None:
        """The client takes `size` more bytes, or less where that is negative."""
        if self.window + size > MOST_WINDOW:
            raise StreamFault(FLOW_CONTROL_ERROR, "a window of more than 2^31-1 bytes")
        self.window += size
        if size > 0 and self._pending:
            self.flush()

    def sweep(self, now: float, body_seconds: float, send_seconds: float) -> None:
        """End what takes the client too long, by the loop's time."""
        assert self.exchange is not None
        if self.ended and not self._pending:
            self._waited = None
        elif self._waited is None:
            self._waited = now
        elif self._pending:
            if now - self._waited > send_seconds:
                self.end(CANCEL)
                self.exchange.unread()
        elif now - self._waited > body_seconds:
            self.exchange.late()

    def forget(self) -> None:
        """Nothing more is written."""
        self.connection.memory.used -= sum(map(len, self._pending))
        self._pending.clear()
        self._trailing = None

    def end(self, code: int) -> None:
        """Reset the stream, whatever of its answer is still to be written."""
        self.connection.end_stream(self, code)

    def _leave(self) -> None:
        # A client that is still sending need not: RFC 9113, 8.1.
        self.connection.end_stream(self, None if self.ended else NO_ERROR)
