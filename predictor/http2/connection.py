"""One HTTP/2 connection: streams begin and end, and both sides keep within their windows.

What a client may make this side do or hold is bounded: streams at once, bytes of fields, bytes of bodies by the
windows, resets and other faults by a rate (https://www.cve.org/CVERecord?id=CVE-2023-44487), answers that nobody reads
by time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import cast

from predictor.http2 import frames
from predictor.http2.abuse import Faults
from predictor.http2.connections import Connections
from predictor.http2.frames import (
    ACK,
    FLOW_CONTROL_ERROR,
    MOST_WINDOW,
    NO_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_CLOSED,
    WINDOW,
    ConnectionFault,
    StreamFault,
)
from predictor.http2.head import FAR_OVER, HeadReader, check
from predictor.http2.paced_reader import PacedReader
from predictor.http2.rest import Rest
from predictor.http2.service import Limits, Service
from predictor.http2.stream import Memory, Stream

_WINDOW = 1 << 20  # bytes that all streams of a connection may send: their own windows are what holds them up
_EARLY = 256  # streams that were answered before they had been received, of which a frame may still come
_UNWRITTEN = 256 << 10  # bytes that wait for the socket, from which on nothing more is read
_LARGE_HEAD = 1024  # bytes of fields, which nothing counts in memory while a body comes; more are not kept
_WHY = 200  # characters of a reason, at most


class Connection(PacedReader):
    """One connection. `connections` are those that are open: it adds itself, and leaves when it is lost."""

    def __init__(self, service: Service, limits: Limits, memory: Memory, connections: Connections[Connection]) -> None:
        super().__init__(FAR_OVER * limits.field_bytes)
        self.streams: dict[int, Stream] = {}
        self.memory = memory
        self._service = service
        self._limits = limits
        self._connections = connections
        self._heads = HeadReader(limits.field_bytes)
        self._last = 0  # stream that the client has opened
        self._early: dict[int, None] = {}
        self._granted = 0  # bytes that the client may send again, and does not know yet
        self._window = WINDOW  # bytes that this side may send
        self._first_window = WINDOW  # of each stream that the client opens
        self._ending = False
        self._idle = Rest(self._since)
        self._faults = Faults(self._since)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what this side takes."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_UNWRITTEN)
        self._connections.add(self)
        if not self._connections.limit.admit(self, self._connections, self._loop.time()):
            self.reading = False
            self._connections.discard(self)
            self._transport.abort()  # a client that got SETTINGS would connect again at once: this one waits
            return
        own = (
            (frames.MAX_CONCURRENT_STREAMS, self._limits.streams),
            (frames.MAX_HEADER_LIST_SIZE, self._limits.field_bytes),
        )
        self.write(frames.settings(own) + frames.window_update(0, _WINDOW - WINDOW))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for a stream is told."""
        self.reading = False
        self._connections.discard(self)
        for number in [*self.streams]:
            self._drop(number)

    def data(self, number: int, data: bytes, size: int, ended: bool) -> None:
        """A part of a body."""
        self._granted += size
        if self._granted >= _WINDOW // 2:
            self.write(frames.window_update(0, self._granted))
            self._granted = 0
        if not (data or ended):
            self._count_fault()
        stream = self.streams.get(number)
        if stream is not None:
            if stream.ended:
                raise StreamFault(STREAM_CLOSED, "data behind the end of a stream")
            stream.receive(data, size, ended)
            return
        self._check_opened(number)
        if number not in self._early and number <= self._last:
            raise StreamFault(STREAM_CLOSED, "data on a stream that is closed")

    def fields(self, number: int, block: bytes, ended: bool) -> None:
        """A request's fields, or those behind its body."""
        stream = self.streams.get(number)
        head = self._heads.read(block, trailing=stream is not None)
        if stream is not None:
            if stream.ended:
                raise StreamFault(STREAM_CLOSED, "fields behind the end of a stream")
            check(head)
            if not ended:
                raise StreamFault(PROTOCOL_ERROR, "fields within a body")
            stream.receive(b"", 0, True)
        elif number > self._last:
            if not self._ending:  # else it knows that this stream is not served
                self._last = number
                check(head)
                every = self._connections
                if len(self.streams) >= self._limits.streams or every.streams >= every.most_streams:
                    raise StreamFault(REFUSED_STREAM, "more streams than may be open at once")
                every.streams += 1
                stream = self.streams[number] = Stream(self, number, head, self._first_window)
                stream.ended = ended
                stream.exchange = self._service.open(stream)
                if head.size > _LARGE_HEAD:
                    stream.head = head.without_fields()
                if ended and number in self.streams:
                    stream.receive(b"", 0, True)
        elif number not in self._early:
            code = STREAM_CLOSED if number == self._last else PROTOCOL_ERROR
            raise ConnectionFault(code, "fields on a stream that is closed")

    def reset(self, number: int) -> None:
        """The client wants no answer any more."""
        self._check_opened(number)
        self._early.pop(number, None)
        if number in self.streams:
            self._drop(number)
            self._count_fault()

    def settings(self, values: Sequence[tuple[int, int]]) -> None:
        """Of what a client may set, the window of its streams is all that matters to this side."""
        first_window = self._first_window
        for name, value in values:
            if name == frames.INITIAL_WINDOW_SIZE:
                first_window = value
        if first_window != self._first_window:
            more, self._first_window = first_window - self._first_window, first_window
            if self.streams:  # which takes the longer, the more there are
                self._count_fault()
            for stream in [*self.streams.values()]:
                try:
                    stream.grow(more)
                except StreamFault as fault:
                    raise ConnectionFault(fault.code, str(fault)) from None
        self.write(frames.frame(frames.SETTINGS, ACK, 0))

    def ping(self, payload: bytes) -> None:
        """Answer it."""
        self.write(frames.frame(frames.PING, ACK, 0, payload))

    def window(self, number: int, size: int) -> None:
        """The client takes more."""
        if number == 0:
            if self._window + size > MOST_WINDOW:
                raise ConnectionFault(FLOW_CONTROL_ERROR, "a window of more than 2^31-1 bytes")
            had_room = self._window > 0
            self._window += size
            if not had_room:  # else no stream waits for it
                self._faults.count_growth(self._loop.time(), size)
                self.flush()
            return
        self._check_opened(number)
        if (stream := self.streams.get(number)) is not None:
            if size == 0:
                raise StreamFault(PROTOCOL_ERROR, "WINDOW_UPDATE of nothing")
            if stream.is_waiting:
                self._faults.count_growth(self._loop.time(), size)
            stream.grow(size)

    def fault(self, number: int, fault: StreamFault) -> None:
        """Reset the stream; a client that goes on so is sent away."""
        self._drop(number)
        self._remember_early(number)
        self.write(frames.reset(number, fault.code))
        self._count_fault()

    def fail(self, fault: ConnectionFault) -> None:
        """Say why, and close."""
        self.write(frames.goaway(self._last, fault.code, str(fault)[:_WHY]))
        self._close()

    def flush(self) -> None:
        """Write what waits on all streams, as far as there is room."""
        for stream in [*self.streams.values()]:
            if self.room == 0:
                break
            stream.flush()

    @property
    def room(self) -> int:
        """Bytes of bodies that may be written now."""
        return 0 if self._paused is not None else max(0, self._window)

    def take_room(self, size: int) -> None:
        """`size` bytes of a body are written."""
        self._window -= size

    def end_stream(self, stream: Stream, code: int | None) -> None:
        """This side has ended the stream; with RST_STREAM unless `code` is None."""
        if self.streams.pop(stream.number, None) is None:
            return
        self._connections.streams -= 1
        stream.forget()
        if code is not None:
            self._remember_early(stream.number)
            self.write(frames.reset(stream.number, code))
        self._close_if_done()

    def sweep(self, now: float) -> None:
        """End what takes too long; called from time to time, with the loop's time."""
        limits = self._limits
        since, most = self._since, math.inf
        if self._paused is not None:
            since, most = self._paused, limits.send_seconds
        elif not self.reading:
            most = limits.send_seconds
        elif self.has_part:
            most = limits.body_seconds if self.streams else limits.field_seconds
        if now - since > most or now - self.unread_since(now) > limits.send_seconds:
            self._transport.abort()
        for stream in [*self.streams.values()]:
            stream.sweep(now, limits.body_seconds, limits.send_seconds)
        if self.reading:
            self._idle.sweep(self, self._last, bool(self.streams), now, limits.idle_seconds)

    @property
    def resting_since(self) -> float | None:
        """As ConnectionLimit asks for it; a frame that has begun, and has not ended, is no stream yet."""
        # Closed while its client has still to read something, it would wait for that, and `sweep` would not see it.
        if self.streams or self._ending or not self.reading or self._transport.get_write_buffer_size():
            return None
        return self._since if self.has_part else self._idle.since

    def end_rest(self) -> None:
        """Close the connection, on which no stream is open; GOAWAY says that a call that crosses it was not begun."""
        self._connections.discard(self)
        self.end()

    def leave(self) -> None:
        """Tell the client to open no new stream; those that it has opened meanwhile are served."""
        self.write(frames.goaway(MOST_WINDOW, NO_ERROR))

    def end(self) -> None:
        """Serve no new stream, and close the connection when those that are open have ended."""
        if self.reading and not self._ending:
            self.write(frames.goaway(self._last, NO_ERROR))
            self._ending = True
            self._close_if_done()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def _close(self) -> None:
        """Close when all that was written has left."""
        self.reading = False
        self._since = self._loop.time()
        self._transport.close()

    def _drop(self, number: int) -> None:
        """End a stream that the client, or the connection, has left."""
        if (stream := self.streams.pop(number, None)) is not None:
            self._connections.streams -= 1
            stream.forget()
            if stream.exchange is not None:
                stream.exchange.gone()
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._ending and not self.streams and self.reading:
            self._close()

    def _remember_early(self, number: int) -> None:
        self._early[number] = None
        if len(self._early) > _EARLY:
            del self._early[next(iter(self._early))]

    def _count_fault(self) -> None:
        self._faults.count(self._loop.time())

    def _check_opened(self, number: int) -> None:
        # After the end a client may have opened streams that it did not know would not be served.
        if number % 2 == 0 or (number > self._last and not self._ending):
            raise ConnectionFault(PROTOCOL_ERROR, "a frame of a stream that was not opened")
