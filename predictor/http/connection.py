"""uvicorn's HTTP/1.1 with limits on what comes before a body, our form of error, and upgrades declined without loss."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools

from predictor.http import framing
from predictor.http.closing import Connection
from predictor.http.fast_path import FastPath
from predictor.http.fast_request import FastRequest, plain
from predictor.http.headers import CONNECTION

PAUSE = 0.1  # seconds that a plain request waits for its body before it goes the way of the others


class HttpProtocol(Connection):
    """One connection. A request's line and headers have a size and a time; so has what follows a refusal."""

    fast_path: FastPath | None = None
    _fast_request: FastRequest | None = None  # whose body is still to come
    _begun = 0  # requests
    _resting_since = 0.0
    _head_bytes = 0
    _reading = 0  # bytes of what is being read
    _around = 0  # bytes since a part of a body: of chunks' sizes, extensions and trailers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection on which nothing ever comes ends as an idle one does."""
        super().connection_made(transport)
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """No timer outlives its connection; a body that never came is told as it is to every request."""
        self._leave_fast_path()
        self._stop_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins; its scope says which connection it is on."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]
        self._in_head = True
        self._begun += 1
        self._around = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. What trails a body is dropped: nobody reads it, and it must not stand for what a head says."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, unless it offers an upgrade: then data_received does."""
        self._in_head = False
        self._stop_timer()
        if not self.parser.should_upgrade():
            # The head is in what was read so far: counted only when that could be over the limit.
            if 2 * (self._head_bytes + self._reading) > self.settings.header_bytes:
                size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
                if size > self.settings.header_bytes:
                    self._refuse_headers()
                    raise httptools.HttpParserError("headers")
            self._head_bytes = 0
            self._check_head()
            if self.fast_path is not None and (found := plain(self, self.fast_path.protocols)) is not None:
                self._fast_request = self.cycle = found
            else:
                super().on_headers_complete()
                self.cycle.transport = self.answers

    def _check_head(self) -> None:
        version, method = self.parser.get_http_version(), self.parser.get_method()
        refusal = framing.check(version, self.headers)
        if (target := framing.origin(self.url, method)) is None:
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
        self._around = -self._reading
        if self._fast_request is not None:
            self._fast_request.body += body
        else:
            super().on_body(body)

    def on_response_complete(self) -> None:
        """Go on to the next request. What is left of the body of a refused one is read and dropped, for a while."""
        self.server_state.total_requests += 1
        if self.is_ending():
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
        """Nothing is asked. One timer looks at times: one made and cancelled for each request would cost more."""
        self._resting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has rested for long enough; look again later at one that has not."""
        self.timeout_keep_alive_task = None
        if self._in_head or (self.cycle is not None and not self.cycle.response_complete):
            return
        if self.cycle is not None and self.cycle.more_body:
            self._resting_since = self.loop.time()
        left = self._resting_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

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
        if self._head_bytes > self.settings.header_bytes:
            self._refuse_headers()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.settings.header_seconds, self._end_of_patience, None)

    def _watch_chunks(self, size: int) -> None:
        """Called when data has ended behind a head: only so much may come around the parts of a body."""
        if self.cycle is None or not self.cycle.more_body:
            return
        self._around += size
        if self._around > self.settings.header_bytes:
            self._refuse_headers()

    def on_message_complete(self) -> None:
        """The body has ended; that of an offer has not begun."""
        if (found := self._fast_request) is not None:
            assert self.fast_path is not None
            self._stop_timer()
            self._fast_request = None
            found.more_body = False
            self.fast_path.take(found)
        elif not self.parser.should_upgrade():
            super().on_message_complete()

    def _wait_for_body(self, request: FastRequest) -> None:
        """Many clients send the head and then the body; one that sends less at a time is not for the fast path."""
        if request.body or self._timer is not None:
            self._leave_fast_path()
        else:
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
        if self._refusal is not None or self._ending:
            return
        size = self._reading = len(data)
        begun = self._begun
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    if self._in_head:
                        self._watch_head(size)
                    elif self._fast_request is not None:
                        self._wait_for_body(self._fast_request)
                    else:
                        self._watch_chunks(size)
                    return
                except httptools.HttpParserUpgrade as offer:
                    method = self.parser.get_method()
                    if method == b"CONNECT":
                        self._refuse(501, "CONNECT is not implemented")
                        return
                    data = self._without_offer(method) + data[offer.args[0] :]
                    self.parser = httptools.HttpRequestParser(self)
        except httptools.HttpParserInvalidMethodError:
            if self._begun - begun == 1 and framing.unknown_method(data):
                self._refuse(501, "the request's method is not implemented")
            else:
                self._refuse(400, "the request is not valid HTTP/1.1")
        except httptools.HttpParserError:
            self._refuse(400, "the request is not valid HTTP/1.1")

    def _without_offer(self, method: bytes) -> bytes:
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        closes = False
        for name, value in self.headers:
            if name == b"connection":
                closes |= b"close" in [token.strip().lower() for token in value.split(b",")]
            elif name != b"upgrade":
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, *([b"connection: close"] if closes else []), b"", b""])
