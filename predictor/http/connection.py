"""uvicorn's HTTP/1.1 with limits on what comes before a body, our form of error, and upgrades declined without loss.

If a proxy in front and this server disagree on where a request ends, one caller can speak in another's name. llhttp
refuses what has two lengths, a length beside chunks, or line ends and names that are not exactly right; `check_head`
and `origin` refuse what RFC 9112 forbids beyond that.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from predictor.http.body import CONNECTION
from predictor.http.closing import FIELD_BYTES, Connection
from predictor.http.fast_path import FastPath, FastRequest, read_head
from predictor.http.head import check_head, origin, unknown_method

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

PAUSE = 0.1  # seconds that a plain request waits for its body before it is handed to the InferLayer
_LEAST_LINE, _LEAST_HEADER = len("GET  HTTP/1.1\r\n"), len(":\r\n")  # bytes beside target, names and values
PIECES = 8  # of such a body, the head counted; a socket gives some 64 KiB at a time


class HttpProtocol(Connection):
    """One connection. A request's line and headers have a size and a time; so has what follows a refusal."""

    fast_path: FastPath | None = None
    _fast_request: FastRequest | None = None  # whose body is still to come
    _in_work: RequestResponseCycle | None = None  # of the ASGI application; others may have come behind it
    _requests = 0  # that have begun
    _reading = 0  # bytes of what is being read that may be of the head, or around the body, that it ends in

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection on which nothing ever comes ends as an idle one does."""
        super().connection_made(transport)
        self._rest()
        if not self.limit.admit(self, self.connections, self.loop.time()):
            self.close_with_503()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and tell the request whose body is not complete that its client is gone."""
        self._leave_fast_path()
        self._stop_timer()
        self._unset_keepalive_if_required()
        self.end_work()
        super().connection_lost(exc)

    def end_work(self) -> None:
        """Tell the request in work that its client is gone. uvicorn tells the last request that came, no other one."""
        if self._in_work is not None:
            self._in_work.disconnected = True
            self._in_work.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Start uvicorn's cycle of a request, perhaps one whose client is gone."""
        self._in_work = cycle
        cycle.disconnected |= self.transport.is_closing()
        super()._start_asgi_task(cycle, app)

    def on_message_begin(self) -> None:
        """A request begins. uvicorn's scope for it is made when its head is read, if it is not a plain one."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = True
        self._requests += 1
        self._around = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. Trailers behind a body are dropped, so that none of them passes for a header of the request."""
        if self._in_head:  # as uvicorn does it, without a call of its method for each header
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Start the request, unless it offers an upgrade: then data_received does."""
        self._in_head = False
        if self._timer is not None:
            self._stop_timer()
        if not self.parser.should_upgrade():
            # The head is in what was read so far: counted only when that could be over the limit.
            fields = FIELD_BYTES * len(self.headers)
            if self._head_bytes + self._reading + fields > self.settings.header_bytes:
                size = len(self.url) + fields + sum(map(len, chain.from_iterable(self.headers)))
                if size > self.settings.header_bytes:
                    self._refuse_headers()
                    raise httptools.HttpParserError("headers")
                # What comes behind it, of a client that does not wait for answers, has a limit of its own.
                least = size - fields + _LEAST_LINE + _LEAST_HEADER * len(self.headers)
                self._reading -= max(0, least - self._head_bytes)
            self._head_bytes = 0
            if not self.url.startswith(b"/"):
                self._check_head()  # which makes a path of a target with scheme and host
            plain = None if self.fast_path is None else read_head(self, self.fast_path.protocols)
            if plain is not None:
                self._fast_request = self.cycle = plain
            else:
                self._check_head()
                self._make_scope()
                super().on_headers_complete()
                self.cycle.transport = self.answers

    def _make_scope(self) -> None:
        """The scope as uvicorn begins it, which says which connection the request is on."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]

    def _check_head(self) -> None:
        version, method = self.parser.get_http_version(), self.parser.get_method()
        refusal = check_head(version, self.headers)
        if (target := origin(self.url, method)) is None:
            refusal = refusal or (400, "the request's target is no path of this server")
        else:
            self.url = target
        if refusal is not None:
            self._refuse(*refusal)
            raise httptools.HttpParserError("head")
        if version == "1.0":
            self.expect_100_continue = False  # such a client waits for nothing

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._reading -= len(body)
        self._around = -self._reading
        if self._fast_request is not None:
            self._fast_request.body += body
        else:
            super().on_body(body)

    def on_response_complete(self) -> None:
        """Go on to the next request. What is left of the body of a refused one is read and dropped, for a while."""
        self.server_state.total_requests += 1
        if self.ending or self.transport.is_closing():
            return
        if self.cycle.more_body:
            self._stop_timer()
            self._timer = self.loop.call_later(self.settings.body_seconds, self._end_of_patience, self.cycle)
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self.transport.write(self._refusal)
            self.end()
        else:
            self._rest()

    def _rest(self) -> None:
        """No request is open. One timer checks from time to time how long; a timer for each request would cost more."""
        self._resting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_complete(self) -> None:
        """The body is complete, except after an offer to upgrade, where data_received reads it."""
        if (plain := self._fast_request) is not None:
            assert self.fast_path is not None
            if self._timer is not None:
                self._stop_timer()
            self._fast_request = None
            plain.more_body = False
            self.fast_path.take(plain)
        elif not self.parser.should_upgrade():
            super().on_message_complete()

    def _wait_for_body(self, request: FastRequest) -> None:
        """Many clients send the head and then the body, and a long body arrives in some pieces; one that sends less at
        a time is not for the fast path.
        """
        request.pieces += 1
        if request.pieces > PIECES:
            self._leave_fast_path()
        elif self._timer is None:
            self._timer = self.loop.call_later(PAUSE, self._leave_fast_path)

    def _leave_fast_path(self) -> None:
        self._stop_timer()
        if self._fast_request is not None:
            self._fast_request.to_asgi()
            self._fast_request = None

    def data_received(self, data: bytes) -> None:
        """Read `data`. After an offer (`Upgrade: h2c`, as Java's client sends it) the parser takes the body for another
        protocol; the request is read again without the offer, as RFC 9110 lets a server that declines it.
        """
        if self._refusal is not None or self.ending:
            return
        self._reading = len(data)
        before = self._requests
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    if self._in_head:
                        self._watch_head(self._reading)
                    elif self._fast_request is not None:
                        self._wait_for_body(self._fast_request)
                    elif self.cycle is not None and self.cycle.more_body:
                        self._watch_chunks(self._reading)
                    return
                except httptools.HttpParserUpgrade as offer:
                    method = self.parser.get_method()
                    if method == b"CONNECT":
                        self._refuse(501, "CONNECT is not implemented")
                        return
                    data = self._without_offer(method) + data[offer.args[0] :]
                    self.parser = httptools.HttpRequestParser(self)
        except httptools.HttpParserInvalidMethodError:
            if self._requests - before == 1 and unknown_method(data):
                self._refuse(501, "the request's method is not implemented")
            else:
                self._refuse(400, "the request is not valid HTTP/1.1")
        except httptools.HttpParserError:
            self._refuse(400, "the request is not valid HTTP/1.1")
