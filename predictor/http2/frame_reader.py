"""Reads frames: what is wrong with one by itself is found here, what it means for a stream is the handler's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from predictor.http2 import frames
from predictor.http2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    HEAD,
    MOST_FRAME,
    MOST_WINDOW,
    PREFACE,
    PROTOCOL_ERROR,
    ConnectionFault,
    StreamFault,
)

_MOST_PIECES = 32  # frames of one block of fields


class FrameReader(ABC):
    """Handles the frames of one client; each method raises ConnectionFault, or StreamFault, which `fault` gets."""

    def __init__(self, block_bytes: int) -> None:
        """`block_bytes`: the most that a block of fields takes, but for one frame."""
        self._block_bytes = block_bytes
        self._has_preface = False
        self._rest = b""  # the beginning of a frame
        self._block: tuple[int, bool, list[bytes]] | None = None  # fields that CONTINUATION continues
        self.reading = True
        self.waits = False  # frames that have arrived stay where they are, until `feed` is called again

    @property
    def has_part(self) -> bool:
        """Whether the client has begun what it has not ended: its preface, a frame, a block of fields."""
        return bool(self._rest) or self._block is not None or not self._has_preface

    @abstractmethod
    def data(self, number: int, data: bytes, size: int, ended: bool) -> None:
        """DATA of the stream `number`; with its padding it has `size` bytes."""

    @abstractmethod
    def fields(self, number: int, block: bytes, ended: bool) -> None:
        """HEADERS, with all that continues it."""

    @abstractmethod
    def reset(self, number: int) -> None:
        """RST_STREAM."""

    @abstractmethod
    def settings(self, values: Sequence[tuple[int, int]]) -> None:
        """SETTINGS, in their order, each within its range."""

    @abstractmethod
    def ping(self, payload: bytes) -> None:
        """PING, to be answered."""

    @abstractmethod
    def window(self, number: int, size: int) -> None:
        """WINDOW_UPDATE of a stream, or of the connection where `number` is 0."""

    @abstractmethod
    def fault(self, number: int, fault: StreamFault) -> None:
        """What was wrong with a stream, and with it alone."""

    @abstractmethod
    def handled(self) -> None:
        """A frame is done with: the time to set `waits`."""

    def feed(self, data: bytes) -> int:
        """Handle what has arrived; how many bytes are left for the next time. ConnectionFault ends the connection."""
        if self._rest:
            data = self._rest + data
        self._rest = self._read_frames(data) if self._has_preface else self._read_preface(data)
        return len(self._rest)

    def _read_preface(self, data: bytes) -> bytes:
        if not PREFACE.startswith(data[: len(PREFACE)]):
            raise ConnectionFault(PROTOCOL_ERROR, "not HTTP/2")
        if len(data) < len(PREFACE) + HEAD.size:
            return data
        _, _, kind, flags, _ = HEAD.unpack_from(data, len(PREFACE))
        if kind != frames.SETTINGS or flags & ACK:
            raise ConnectionFault(PROTOCOL_ERROR, "no SETTINGS behind the preface")
        self._has_preface = True
        return self._read_frames(data[len(PREFACE) :])

    def _read_frames(self, data: bytes) -> bytes:
        """Handle each whole frame; what is behind them."""
        at, end = 0, len(data)
        while at + 9 <= end and self.reading and not self.waits:
            high, low, kind, flags, number = HEAD.unpack_from(data, at)
            size = high << 8 | low
            if size > MOST_FRAME:
                raise ConnectionFault(FRAME_SIZE_ERROR, "a frame of more than 16,384 bytes")
            begin = at + 9
            if begin + size > end:
                break
            at = begin + size
            number &= 0x7FFFFFFF
            if (kind == frames.CONTINUATION) != (self._block is not None):
                raise ConnectionFault(PROTOCOL_ERROR, "a frame within a block of fields, or CONTINUATION without one")
            if kind < len(_READERS):  # others are to be ignored
                try:
                    _READERS[kind](self, flags, number, data[begin:at])
                except StreamFault as fault:
                    self.fault(number, fault)
            self.handled()
        return data[at:]

    def _read_data(self, flags: int, number: int, payload: bytes) -> None:
        data = frames.content(frames.DATA, flags, payload) if flags & frames.PADDED else payload
        self.data(number, data, len(payload), bool(flags & END_STREAM))

    def _read_headers(self, flags: int, number: int, payload: bytes) -> None:
        if number % 2 == 0:
            raise ConnectionFault(PROTOCOL_ERROR, "fields on a stream that no client opens")
        block, ended = payload, bool(flags & END_STREAM)
        if flags & (frames.PADDED | frames.WITH_PRIORITY):
            block = frames.content(frames.HEADERS, flags, payload)
        if flags & END_HEADERS:
            self.fields(number, block, ended)
        else:
            self._block = number, ended, [block]

    def _read_continuation(self, flags: int, number: int, payload: bytes) -> None:
        assert self._block is not None  # _read_frames has looked
        opened, ended, pieces = self._block
        if number != opened:
            raise ConnectionFault(PROTOCOL_ERROR, "CONTINUATION of another stream")
        pieces.append(payload)
        if len(pieces) > _MOST_PIECES or sum(map(len, pieces)) > self._block_bytes + MOST_FRAME:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "fields of too many bytes")
        if flags & END_HEADERS:
            self._block = None
            self.fields(number, b"".join(pieces), ended)

    def _read_priority(self, flags: int, number: int, payload: bytes) -> None:
        if number == 0:
            raise ConnectionFault(PROTOCOL_ERROR, "PRIORITY of no stream")
        if len(payload) != 5:
            raise StreamFault(FRAME_SIZE_ERROR, "PRIORITY of another length than 5")

    def _read_reset(self, flags: int, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise ConnectionFault(FRAME_SIZE_ERROR, "RST_STREAM of another length than 4")
        self.reset(number)

    def _read_settings(self, flags: int, number: int, payload: bytes) -> None:
        if number != 0:
            raise ConnectionFault(PROTOCOL_ERROR, "SETTINGS of a stream")
        if len(payload) % frames.SETTING.size or (flags & ACK and payload):
            raise ConnectionFault(FRAME_SIZE_ERROR, "SETTINGS of a length that cannot be")
        values = [*frames.SETTING.iter_unpack(payload)]
        for name, value in values:
            if name == frames.ENABLE_PUSH and value > 1:
                raise ConnectionFault(PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
            if name == frames.MAX_FRAME_SIZE and not MOST_FRAME <= value < 1 << 24:
                raise ConnectionFault(PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of its range")
            if name == frames.INITIAL_WINDOW_SIZE and value > MOST_WINDOW:
                raise ConnectionFault(FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is more than 2^31-1")
        if not flags & ACK:
            self.settings(values)

    def _read_push(self, flags: int, number: int, payload: bytes) -> None:
        raise ConnectionFault(PROTOCOL_ERROR, "no client pushes")

    def _read_ping(self, flags: int, number: int, payload: bytes) -> None:
        if number != 0:
            raise ConnectionFault(PROTOCOL_ERROR, "PING of a stream")
        if len(payload) != 8:
            raise ConnectionFault(FRAME_SIZE_ERROR, "PING of another length than 8")
        if not flags & ACK:
            self.ping(payload)

    def _read_goaway(self, flags: int, number: int, payload: bytes) -> None:
        if number != 0:
            raise ConnectionFault(PROTOCOL_ERROR, "GOAWAY of a stream")

    def _read_window_update(self, flags: int, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise ConnectionFault(FRAME_SIZE_ERROR, "WINDOW_UPDATE of another length than 4")
        size = frames.NUMBER.unpack(payload)[0] & MOST_WINDOW
        if size == 0 and number == 0:
            raise ConnectionFault(PROTOCOL_ERROR, "WINDOW_UPDATE of nothing")
        self.window(number, size)


_READERS: tuple[Callable[[FrameReader, int, int, bytes], None], ...] = (
    FrameReader._read_data,
    FrameReader._read_headers,
    FrameReader._read_priority,
    FrameReader._read_reset,
    FrameReader._read_settings,
    FrameReader._read_push,
    FrameReader._read_ping,
    FrameReader._read_goaway,
    FrameReader._read_window_update,
    FrameReader._read_continuation,
)
