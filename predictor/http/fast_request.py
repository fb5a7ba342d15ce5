"""One plain infer request on its connection: in uvicorn's place for a RequestResponseCycle, without ASGI.

Until it is answered it can become an ASGI request, as if it had just arrived.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from predictor.http.closing import Connection
from predictor.http.headers import BINARY, CONNECTION, JSON, OCTETS
from predictor.observe import request_trace
from predictor.observe.request_trace import Exchange
from predictor.protocols.request import Request

_MOST_BYTES = 64 << 10  # of a body: it is worked on in one turn of the event loop, and health waits for that
_MEDIA = frozenset(JSON.encode() + end for end in (b"", b"; charset=utf-8", b";charset=utf-8"))
# By its mere presence each makes a request anything but plain.
_ODD = frozenset((b"transfer-encoding", b"content-encoding", b"expect", b"ce-specversion"))
_BINARY, _OCTETS = BINARY.encode(), OCTETS.encode()
_ID, _TRACE = request_trace.REQUEST_ID.encode(), request_trace.TRACEPARENT.encode()
_NOBODY_WAITS = asyncio.Event()


class FastRequest:
    """A request for a prediction in `protocol` (v1 or v2): POST, HTTP/1.1, keep-alive, of a body that is not long.

    Its first `json_bytes` are JSON, the others binary tensors. `body` is complete when `more_body` is false; then
    `begin` makes the exchange. What uvicorn's HttpToolsProtocol asks of the cycle that it runs is here under the names
    it has there.
    """

    message_event = _NOBODY_WAITS
    arrived: float
    exchange: Exchange
    asked: Request

    def __init__(self, connection: Connection, protocol: str, headers: dict[bytes, bytes], json_bytes: int) -> None:
        self.connection = connection
        self.protocol = protocol
        self.json_bytes = json_bytes
        self.body = b""
        self.more_body = self.keep_alive = True
        self.response_complete = self.disconnected = False
        self._url, self._pairs, self._headers = connection.url, connection.headers, headers

    def begin(self) -> None:
        """The body is complete."""
        self.arrived = perf_counter()
        request_id, trace = self._headers.get(_ID), self._headers.get(_TRACE)
        self.exchange = request_trace.begin(
            self.protocol,
            None if request_id is None else request_id.decode("latin-1"),
            None if trace is None else trace.decode("latin-1"),
        )
        self.exchange.received = len(self.body)

    def answer(self, data: bytes) -> None:
        """Write the whole answer; the connection goes on to its next request, or ends."""
        connection = self.connection
        connection.transport.write(data)
        self.response_complete = True
        if not self.keep_alive:
            connection.end()
        connection.on_response_complete()

    def to_asgi(self) -> None:
        """Go the way of every other request from here on."""
        connection = self.connection
        path = self._url.decode("ascii")
        scope: Any = {
            "type": "http",
            "asgi": {"version": connection.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": connection.server,
            "client": connection.client,
            "scheme": connection.scheme,
            "root_path": connection.root_path,
            "headers": self._pairs,
            "state": connection.app_state.copy(),
            "method": "POST",
            "path": path,
            "raw_path": self._url,
            "query_string": b"",
            "extensions": {CONNECTION: connection},
        }
        cycle = RequestResponseCycle(
            scope=scope,
            transport=connection.answers,  # type: ignore[arg-type]  # as much of one as a cycle uses
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=connection.access_log,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=self.keep_alive,
            on_response=connection.on_response_complete,
        )
        cycle.body += self.body
        cycle.more_body, cycle.disconnected = self.more_body, self.disconnected
        cycle.message_event.set()
        if connection.cycle is self:
            connection.cycle = cycle
        connection._start_asgi_task(cycle, connection.app)


def plain(connection: Connection, protocols: dict[bytes, str]) -> FastRequest | None:
    """The request whose head `connection` has just read, if it is plain; `protocols` by raw path."""
    protocol = protocols.get(connection.url)
    if protocol is None:
        return None
    before, parser = connection.cycle, connection.parser
    if (before is not None and not before.response_complete) or connection.pipeline:
        return None
    if parser.get_method() != b"POST" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
        return None
    headers = dict(connection.headers)
    # Of two headers of one name each may say something else.
    if len(headers) < len(connection.headers) or not _ODD.isdisjoint(headers):
        return None
    length = headers.get(b"content-length", b"")
    if not length.isdigit() or not 0 < int(length) <= _MOST_BYTES:
        return None
    json_bytes, media = headers.get(_BINARY, length), headers.get(b"content-type")
    if _BINARY in headers and (protocol != "v2" or not json_bytes.isdigit() or int(json_bytes) > int(length)):
        return None
    if media is not None and media.lower() not in _MEDIA and not (media == _OCTETS and _BINARY in headers):
        return None
    return FastRequest(connection, protocol, headers, int(json_bytes))
