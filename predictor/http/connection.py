"""uvicorn's HTTP/1.1 with limits on what comes before a body, our form of error, and upgrades declined without loss.

A proxy in front and this server that disagree on where a request ends let one caller speak in another's name. llhttp
refuses what has two lengths, a length beside chunks, or line ends and names that are not exactly right; `check_head`
and `origin` refuse what RFC 9112 forbids beyond that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

import httptools

from predictor.http.body import CONNECTION
from predictor.http.closing import Connection
from predictor.http.fast_path import FastPath, FastRequest, read_head

PAUSE = 0.1  # seconds that a plain request waits for its body before it goes the way of the others
PIECES = 8  # of such a body, the head counted; a socket gives some 64 KiB at a time
Refusal = tuple[int, str]  # status and text

_HOST = rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
_is_host = re.compile(_HOST).fullmatch
_absolute = re.compile(rb"(?i:https?)://(" + _HOST + rb")((?:[/?].*)?)").fullmatch
# A request's line whose method llhttp does not know: as HTTP goes, the rest of it is right.
_is_line = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40} [!-~]+ HTTP/1\.[01]\r\n").match


class HttpProtocol(Connection):
    """One connection. A request's line and headers have a size and a time; so has what follows a refusal."""

    fast_path: FastPath | None = None
    _fast_request: FastRequest | None = None  # whose body is still to come
    _requests = 0  # that have begun
    _reading = 0  # bytes of what is being read

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
        self._requests += 1
        self._around = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. What trails a body is dropped: nobody reads it, and it must not stand for what a head says."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, unless it offers an upgrade: then data_received does."""
        self._in_head = False
        if self._timer is not None:
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
            plain = None if self.fast_path is None else read_head(self, self.fast_path.protocols)
            if plain is not None:
                self._fast_request = self.cycle = plain
            else:
                super().on_headers_complete()
                self.cycle.transport = self.answers

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
        """Nothing is asked. One timer looks at times: one made and cancelled for each request would cost more."""
        self._resting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_complete(self) -> None:
        """The body has ended; that of an offer has not begun."""
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
        size = self._reading = len(data)
        before = self._requests
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    if self._in_head:
                        self._watch_head(size)
                    elif self._fast_request is not None:
                        self._wait_for_body(self._fast_request)
                    elif self.cycle is not None and self.cycle.more_body:
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
            if self._requests - before == 1 and unknown_method(data):
                self._refuse(501, "the request's method is not implemented")
            else:
                self._refuse(400, "the request is not valid HTTP/1.1")
        except httptools.HttpParserError:
            self._refuse(400, "the request is not valid HTTP/1.1")


def check_head(version: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    """Why a request of this HTTP version, with names in lower case, is refused; None for one that is not."""
    if version not in ("1.1", "1.0"):
        return 505, f"HTTP/{version} is not spoken here; send HTTP/1.1"
    host: bytes | None = None
    coding: bytes | None = None
    for name, value in headers:
        if name == b"host":
            if host is not None:
                return 400, "the request has more than one Host header"
            host = value
        elif name == b"transfer-encoding":
            coding = value if coding is None else coding + b", " + value
    if host is None:
        if version == "1.1":
            return 400, "the request has no Host header"
    elif not _is_host(host.strip(b" \t")):
        return 400, "the Host header is no host and port"
    if coding is not None:
        if version == "1.0":
            return 400, "HTTP/1.0 has no Transfer-Encoding"
        codings = [one.strip(b" \t").lower() for one in coding.split(b",")]
        if codings != [b"chunked"]:
            # Where chunks are not the last coding, nobody knows where the body ends: RFC 9112, 6.3, has 400 for that.
            status = 501 if codings[-1] == b"chunked" else 400
            return status, f"transfer encoding {coding.decode('latin-1')[:80]!r} is not read here; send chunked"
    return None


def origin(target: bytes, method: bytes) -> bytes | None:
    """The path and query of a request's target, which a proxy's client writes with scheme and host; None for no target.

    The host in it stands for the Host header, and this server looks at neither.
    """
    if target.startswith(b"/"):
        return None if b"#" in target else target
    if target == b"*":
        return target if method == b"OPTIONS" else None
    if (match := _absolute(target)) is None or b"#" in target:
        return None
    rest: bytes = match[2]
    return rest if rest.startswith(b"/") else b"/" + rest


def unknown_method(data: bytes) -> bool:
    """Whether `data`, which llhttp did not take for a request, begins with the line of one but for its method."""
    return _is_line(data) is not None
