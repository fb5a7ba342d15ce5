"""How an HTTP connection ends: with every answer that is due, a refusal behind them, and no reset that loses one.

What ends it: the client, the end of the process, or a limit: of the bytes and seconds of a head, of what comes around
the parts of a body, of the seconds without a request.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from predictor import errors
from predictor.connection_limit import ConnectionLimit
from predictor.settings import Settings

_DEFAULTS = Settings()
FIELD_BYTES = 32  # that a header counts beside its name and value, as over HTTP/2: it takes more in memory
_LINGER = 1.0  # seconds after the last answer in which what still comes is read and dropped

_TOO_MANY_BODY = errors.body("too many connections are open; try again in a second")
_TOO_MANY = STATUS_LINE[503] + (
    b"content-type: application/json\r\ncontent-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n%b"
    % (len(_TOO_MANY_BODY), _TOO_MANY_BODY)
)


class Answers:
    """What uvicorn's cycle writes to: where it would close the transport, the connection ends as it should."""

    def __init__(self, connection: Connection) -> None:
        self.write = connection.transport.write
        self.close = connection.end
        self.is_closing = connection.is_ending


class Connection(HttpToolsProtocol):
    """uvicorn's protocol for one connection, with an end that loses no answer."""

    settings = _DEFAULTS
    limit = ConnectionLimit(_DEFAULTS.connections)
    cycle: Any  # uvicorn's RequestResponseCycle, or a FastRequest in its place
    ending = False  # the last answer is written
    answers: Answers
    _timer: asyncio.TimerHandle | None = None
    _refusal: bytes | None = None  # to be written behind the answers to what came before
    _in_head = False
    _resting_since = _head_since = 0.0
    _head_bytes = 0
    _around = 0  # bytes since the last part of a body: sizes of chunks, their extensions, trailers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self.answers = Answers(self)

    @property
    def resting_since(self) -> float | None:
        """As ConnectionLimit asks for it; a request whose head has begun, and has not ended, is none yet."""
        has_request = self.cycle is not None and (self.cycle.more_body or not self.cycle.response_complete)
        if has_request or self.is_ending() or self._unread_seconds() > 0:
            return None
        return self._head_since if self._in_head else self._resting_since

    def end_rest(self) -> None:
        """Close the connection, which has no request."""
        self.connections.discard(self)
        self._close()

    def close_with_503(self) -> None:
        """Close the connection, which is one too many: at once, since one that lingers takes a file."""
        self.connections.discard(self)
        self.transport.write(_TOO_MANY)
        self.transport.close()

    def _unread_seconds(self) -> float:
        """Seconds that the client still has to take the last answer; 0 or less where it has taken all, or is late."""
        if not self.transport.get_write_buffer_size():
            return 0.0
        return self._resting_since + self.settings.send_seconds - self.loop.time()

    def _close(self) -> None:
        """Close the connection, which has rested; a close that waited for an answer to be read could wait for ever."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def is_ending(self) -> bool:
        """Whether nothing more can be answered."""
        return self.ending or self.transport.is_closing()

    def end(self) -> None:
        """Send what is written and no more; read on for a moment.

        A socket that is closed with bytes unread resets its connection, and the client loses the answer.
        """
        if self.is_ending():
            return
        self.ending = True
        self._stop_timer()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER, self._end_of_linger)

    def _end_of_linger(self) -> None:
        if self.transport.get_write_buffer_size():
            self._timer = self.loop.call_later(self.settings.send_seconds, self.transport.abort)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """uvicorn stops: a connection that is not asked for anything is closed, another one ends with its answer."""
        if not self._in_head and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
        elif self.cycle is not None:
            self.cycle.keep_alive = False

    def _refuse(self, status: int, text: str) -> None:
        """Answer what is no request, behind the answers to those before it. Nothing is read after it."""
        if self.is_ending() or self._refusal is not None:
            return
        body = errors.body(text)
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self._refusal = STATUS_LINE[status] + head + body
        self._stop_timer()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                return  # on_response_complete goes on
            if self.pipeline:
                self.pipeline.popleft()  # the last to come, whose body went wrong
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._refusal = b""
        self.transport.write(self._refusal)
        self.end()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has rested for long enough; look again later at one that has not."""
        self.timeout_keep_alive_task = None
        if self._in_head or (self.cycle is not None and not self.cycle.response_complete):
            return
        if self.cycle is not None and self.cycle.more_body:
            self._resting_since = self.loop.time()
        left = max(self._resting_since + self.timeout_keep_alive - self.loop.time(), self._unread_seconds())
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            self._close()

    def _end_of_patience(self, cycle: Any) -> None:
        if cycle is None or (self.cycle is cycle and cycle.more_body):
            self.transport.abort()

    def _refuse_headers(self) -> None:
        most = self.settings.header_bytes
        if len(self.url) > most:
            self._refuse(414, f"the request's target is over the limit of {most} bytes")
        else:
            self._refuse(431, f"the headers are over the limit of {most} bytes")

    def _watch_head(self, size: int) -> None:
        """Called when data has ended within a request's line or headers."""
        self._head_bytes += size
        if self._head_bytes + FIELD_BYTES * len(self.headers) > self.settings.header_bytes:
            self._refuse_headers()
        elif self._timer is None:
            self._head_since = self.loop.time()
            self._timer = self.loop.call_later(self.settings.header_seconds, self._end_of_patience, None)

    def _watch_chunks(self, size: int) -> None:
        """Called when data has ended within a body: only so much may come around the parts of a body."""
        self._around += size
        if self._around > self.settings.header_bytes:
            self._refuse_headers()

    def _without_offer(self, method: bytes) -> bytes:
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        closes = False
        for name, value in self.headers:
            if name == b"connection":
                closes |= b"close" in [token.strip().lower() for token in value.split(b",")]
            elif name != b"upgrade":
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, *([b"connection: close"] if closes else []), b"", b""])
