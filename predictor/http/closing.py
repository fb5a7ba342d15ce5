"""How an HTTP connection ends: with every answer that is due, a refusal behind them, and no reset that loses one."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from predictor import errors
from predictor.settings import Settings

_DEFAULTS = Settings()
_LINGER = 1.0  # seconds after the last answer in which what still comes is read and dropped


class Answers:
    """What uvicorn's cycle writes to: where it would close the transport, the connection ends as it should."""

    def __init__(self, connection: Connection) -> None:
        self.write = connection.transport.write
        self.close = connection.end
        self.is_closing = connection.is_ending


class Connection(HttpToolsProtocol):
    """uvicorn's protocol for one connection, but for its end."""

    settings = _DEFAULTS
    cycle: Any  # uvicorn's RequestResponseCycle, or a FastRequest in its place
    answers: Answers
    _timer: asyncio.TimerHandle | None = None
    _refusal: bytes | None = None  # to be written behind the answers to what came before
    _ending = False  # the last answer is written
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self.answers = Answers(self)

    def is_ending(self) -> bool:
        """Whether nothing more can be answered."""
        return self._ending or self.transport.is_closing()

    def end(self) -> None:
        """Send what is written and no more; read on for a moment.

        A socket that is closed with bytes unread resets its connection, and the client loses the answer.
        """
        if self.is_ending():
            return
        self._ending = True
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
