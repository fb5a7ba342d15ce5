"""Reads frames from a socket: for a short time in each turn of the event loop, and only while the client reads."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from predictor.http2.abuse import Unread
from predictor.http2.frame_reader import FrameReader
from predictor.http2.frames import ConnectionFault

_TURN_SECONDS = 2e-3  # after which the other frames that have arrived wait for the next turn of the event loop


class PacedReader(FrameReader, asyncio.Protocol):
    """Reads and writes one socket."""

    _transport: asyncio.Transport

    def __init__(self, block_bytes: int) -> None:
        """`block_bytes` as FrameReader has it."""
        super().__init__(block_bytes)
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()  # that the client has ended nothing of what it has begun
        self._paused: float | None = None  # since when the socket takes nothing
        self._turn_end = 0.0
        self._output = 0  # bytes that were given to the socket
        self._unread = Unread(self._since)

    @abstractmethod
    def fail(self, fault: ConnectionFault) -> None:
        """End the connection."""

    @abstractmethod
    def flush(self) -> None:
        """Write what waits, as far as there is room."""

    def pause_writing(self) -> None:
        """The client does not read: what it sends waits too."""
        self._paused = self._loop.time()
        self.waits = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._paused = None
        self.flush()
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Frames, or parts of some."""
        if not self.reading:
            return
        had_part = self.has_part
        self._turn_end = self._loop.time() + _TURN_SECONDS
        try:
            left = self.feed(data)
            if self.has_part and (not had_part or left < len(data)):
                self._since = self._loop.time()
        except ConnectionFault as fault:
            self.fail(fault)

    def handled(self) -> None:
        """Let other connections have their turn, and read no more meanwhile."""
        if not self.waits and self._loop.time() > self._turn_end:
            self.waits = True
            self._transport.pause_reading()
            self._loop.call_soon(self._go_on)

    def write(self, data: bytes) -> None:
        """To the socket."""
        self._output += len(data)
        self._transport.write(data)

    def unread_since(self, now: float) -> float:
        """Since when the client has read nothing of what waits for the socket; `now` where it reads."""
        return self._unread.since(now, self._output, self._transport.get_write_buffer_size())

    def _go_on(self) -> None:
        """Handle the frames that have waited."""
        if self._paused is None and self.waits:
            self.waits = False
            self._transport.resume_reading()
            self._since = self._loop.time()
            self.data_received(b"")
