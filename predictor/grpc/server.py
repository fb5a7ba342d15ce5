"""The gRPC server: KServe's service and health, on HTTP/2 connections of the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

import grpc

from predictor.connection_limit import ConnectionLimit
from predictor.grpc import status
from predictor.grpc.methods import Method, MethodCall
from predictor.grpc.servicer import INFER_PATH, Servicer
from predictor.health import HealthServicer
from predictor.http2.connection import Connection
from predictor.http2.connections import Connections
from predictor.http2.service import Limits
from predictor.http2.stream import Exchange, Stream
from predictor.serving.lifecycle import Lifecycle

_BACKLOG = 2048
_SWEEP = 0.5  # seconds between two looks at what takes too long
_LEAVE_SECONDS = 1.0  # for clients to close connections on which they have no call
_LOOK_SECONDS = 0.02
_FULL_CONNECTIONS = 16  # as many streams as these connections may have are open at most, on all connections together
_NO_METHOD = status.LEADING + status.failed(grpc.StatusCode.UNIMPLEMENTED, "there is no such method")


class Refused:
    """A request that is refused. A call is told at once: the client of a streaming method may wait for that before it
    ends its body. Any other is told when its body has ended: curl takes an earlier end for a fault.
    """

    def __init__(self, stream: Stream, answer: bytes, *, at_once: bool) -> None:
        """`answer`: all fields of the answer, an encoded block."""
        self._stream = stream
        self._answer = answer
        if at_once:
            stream.finish(answer)

    def receive(self, data: bytes, ended: bool) -> None:
        """Wait for the end; nobody keeps the body."""
        if ended:
            self._stream.finish(self._answer)

    def late(self) -> None:
        """Wait no longer."""
        self._stream.finish(self._answer)

    def gone(self) -> None:
        """Nothing is left to do."""

    def unread(self) -> None:
        """Nothing is left to do: the answer has no body."""


class GrpcServer:
    """Listens on a socket that is bound; `stop` ends it, and leaves no client without an answer."""

    def __init__(self, servicer: Servicer, lifecycle: Lifecycle) -> None:
        settings = lifecycle.settings
        self._lifecycle = lifecycle
        self._infer = servicer.infer
        self._methods: Mapping[str, Method] = servicer.methods() | HealthServicer(lifecycle).methods()
        self._limits = Limits(
            settings.header_bytes,
            settings.concurrency + settings.queue,
            settings.header_seconds,
            settings.body_seconds,
            settings.send_seconds,
            settings.grpc_idle_seconds,
        )
        limit = ConnectionLimit(settings.connections, lifecycle.refuse_connection)
        self._connections: Connections[Connection] = Connections(limit, _FULL_CONNECTIONS * self._limits.streams)
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    def open(self, stream: Stream) -> Exchange:
        """The call that begins on `stream`."""
        fields = stream.head.fields
        path = fields[b":path"].decode("latin-1")
        if fields[b":method"] != b"POST":
            return Refused(stream, status.of_http(405), at_once=False)
        if not fields.get(b"content-type", b"").startswith(status.CONTENT_TYPE):
            return Refused(stream, status.of_http(415), at_once=False)
        if stream.head.size > self._limits.field_bytes:
            text = f"the call's metadata is over the limit of {self._limits.field_bytes} bytes"
            refusal = status.LEADING + status.failed(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            return Refused(stream, refusal, at_once=True)
        if path == INFER_PATH:
            return self._infer.open(stream)
        if (method := self._methods.get(path)) is not None:
            return MethodCall(stream, self._lifecycle, method)
        return Refused(stream, _NO_METHOD, at_once=True)

    async def start(self, bound: socket.socket) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, sock=bound, backlog=_BACKLOG)
        self._timer = loop.call_later(_SWEEP, self._sweep, loop)

    async def stop(self, seconds: float) -> None:
        """Let clients leave their connections, and end; calls that are not finished within `seconds` are cancelled.

        GOAWAY comes twice (RFC 9113, 6.8): first the client opens no new call, and what it had sent before it read
        that is served; then the connection is closed when its last call has its answer.
        """
        end = asyncio.get_running_loop().time() + seconds
        if self._server is not None:
            self._server.close()
        for connection in [*self._connections]:
            connection.leave()
        await self._closed(min(seconds, _LEAVE_SECONDS))
        for connection in [*self._connections]:
            connection.end()
        await self._closed(end - asyncio.get_running_loop().time())
        for connection in [*self._connections]:
            connection.abort()
        if self._timer is not None:
            self._timer.cancel()

    def _connect(self) -> Connection:
        return Connection(self, self._limits, self._lifecycle.buffers, self._connections)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(_SWEEP, self._sweep, loop)  # whatever happens below
        now = loop.time()
        for connection in [*self._connections]:
            connection.sweep(now)

    async def _closed(self, seconds: float) -> None:
        """Return when no connection is left, or after `seconds`."""
        end = asyncio.get_running_loop().time() + seconds
        while self._connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(_LOOK_SECONDS)
