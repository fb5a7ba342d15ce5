"""A client that writes and reads HTTP/2's frames as it likes, right or wrong."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import hpack

from predictor.http2 import frames
from predictor.http2.frames import HEAD, frame
from tests.deadlines import ANSWER_SECONDS

INFER = "/inference.GRPCInferenceService/ModelInfer"
CALL = {":method": "POST", ":scheme": "http", ":path": INFER, ":authority": "x", "content-type": "application/grpc"}


@dataclass(frozen=True)
class Frame:
    """One frame that came."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """Why a stream or the connection has ended."""
        return int.from_bytes(self.payload[-4:] if self.kind == frames.RST_STREAM else self.payload[4:8], "big")


@dataclass
class Reply:
    """What came on a stream until its end: its fields, its body, and the code where it was reset."""

    fields: dict[str, str]
    body: bytes = b""
    code: int | None = None

    @property
    def status(self) -> str | None:
        """gRPC's status."""
        return self.fields.get("grpc-status")


class Wire:
    """A connection. `settings`: what this client sets, by its number."""

    def __init__(self, port: int, settings: Iterable[tuple[int, int]] = (), first: bytes | None = None) -> None:
        """`first` is sent in place of preface and settings."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self._rest = b""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder, self._encoder = hpack.Decoder(), hpack.Encoder()
        self.send(frames.PREFACE + frames.settings(settings) if first is None else first)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *data: bytes) -> None:
        """Send frames, or what is none."""
        self._socket.sendall(b"".join(data))

    def half_close(self) -> None:
        """Send nothing more."""
        self._socket.shutdown(socket.SHUT_WR)

    def block(self, fields: dict[str, Any]) -> bytes:
        """Fields, compressed."""
        block: bytes = self._encoder.encode(fields.items())
        return block

    def head(self, stream: int, flags: int = 0, **changes: str | None) -> bytes:
        """HEADERS of a ModelInfer call; `changes` with _ for -, and None for a field that is left out."""
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        fields = {name: value for name, value in (CALL | changed).items() if value is not None}
        block = self.block(fields)
        parts = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
        rest = [frame(frames.CONTINUATION, 0, stream, part) for part in parts[1:]]
        if not rest:
            return frame(frames.HEADERS, frames.END_HEADERS | flags, stream, block)
        rest[-1] = frame(frames.CONTINUATION, frames.END_HEADERS, stream, parts[-1])
        return frame(frames.HEADERS, flags, stream, parts[0]) + b"".join(rest)

    def call(self, stream: int, message: bytes, **changes: str | None) -> bytes:
        """A whole call."""
        data = len(message).to_bytes(5, "big") + message
        return self.head(stream, **changes) + frame(frames.DATA, frames.END_STREAM, stream, data)

    def read(self) -> Iterator[Frame]:
        """Frames until the server closes."""
        while True:
            while len(self._rest) >= 9:
                high, low, kind, flags, stream = HEAD.unpack_from(self._rest)
                end = 9 + (high << 8 | low)
                if len(self._rest) < end:
                    break
                payload, self._rest = self._rest[9:end], self._rest[end:]
                yield Frame(kind, flags, stream, payload)
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionResetError:  # what was sent to a server that had closed
                return
            if not data:
                return
            self._rest += data

    def next(self, *kinds: int) -> Frame:
        """The next frame of these kinds."""
        return next(frame for frame in self.read() if frame.kind in kinds)

    def replies(self, *streams: int) -> dict[int, Reply]:
        """What comes on each of `streams`, until all have ended."""
        replies = {stream: Reply({}) for stream in streams}
        waiting = set(streams)
        while waiting:
            came = self.next(frames.HEADERS, frames.DATA, frames.RST_STREAM)
            reply = replies.setdefault(came.stream, Reply({}))
            if came.kind == frames.HEADERS:
                reply.fields |= dict(self._decoder.decode(came.payload))
            elif came.kind == frames.DATA:
                reply.body += came.payload
            else:
                reply.code = came.code
            if came.kind == frames.RST_STREAM or came.flags & frames.END_STREAM:
                waiting.discard(came.stream)
        return replies

    def ask(self, stream: int, *data: bytes) -> Reply:
        """Send, and what comes on `stream`."""
        self.send(*data)
        return self.replies(stream)[stream]

    def last_words(self) -> int | None:
        """The code of the GOAWAY before the server closes; None where it closes without."""
        code = None
        for came in self.read():
            if came.kind == frames.GOAWAY:
                code = came.code
        return code
