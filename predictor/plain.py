"""One plain infer request on its connection: in uvicorn's place for a RequestResponseCycle, without ASGI.

Until it is answered it can become an ASGI request, as if it had just arrived.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from predictor import exchange
from predictor.exchange import Exchange
from predictor.headers import BINARY, JSON

if TYPE_CHECKING:
    from predictor.protocol import HttpProtocol

CONNECTION = "modelpin.connection"  # an ASGI extension of ours: the HttpProtocol that a request came in on
_MOST_BYTES = 32 << 10  # of a body: more is no request of a few rows, and makes uvicorn pause reading
_LENGTH, _TYPE = b"content-length", b"content-type"
_ID, _TRACE = exchange.REQUEST_ID.encode(), exchange.TRACEPARENT.encode()
_READ = frozenset((_LENGTH, _TYPE, _ID, _TRACE))
_MEDIA = frozenset(JSON.encode() + end for end in (b"", b"; charset=utf-8", b";charset=utf-8"))
# By its mere presence each makes a request anything but plain.
_ODD = frozenset((b"transfer-encoding", b"content-encoding", b"expect", b"ce-specversion", BINARY.encode()))
_NOBODY_WAITS = asyncio.Event()


class Plain:
    """A request for a prediction in `protocol` (v1 or v2): POST, HTTP/1.1, JSON, keep-alive, of a few rows.

    `body` is complete when `more_body` is false. What uvicorn's HttpToolsProtocol asks of the cycle it runs is here
    under the names it has there.
    """

    message_event = _NOBODY_WAITS

    def __init__(self, connection: HttpProtocol, protocol: str, noted: dict[bytes, bytes]) -> None:
        self.connection = connection
        self.protocol = protocol
        self.arrived = 0.0
        self.body = b""
        self.more_body = self.keep_alive = True
        self.response_complete = self.disconnected = False
        self._noted = noted
        self._url, self._headers = connection.url, connection.headers

    def begin(self) -> Exchange:
        """The exchange of this request, once its body is complete."""
        request_id, trace = self._noted.get(_ID), self._noted.get(_TRACE)
        self.arrived = perf_counter()
        begun = exchange.begin(
            self.protocol,
            None if request_id is None else request_id.decode("latin-1"),
            None if trace is None else trace.decode("latin-1"),
        )
        begun.received = len(self.body)
        return begun

    def answer(self, head: bytes, body: bytes) -> None:
        """Write the whole answer; the connection goes on to its next request, or ends."""
        connection = self.connection
        connection.transport.write(head + body)
        self.response_complete = True
        if not self.keep_alive:
            connection.transport.close()
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
            "headers": self._headers,
            "state": connection.app_state.copy(),
            "method": "POST",
            "path": path,
            "raw_path": self._url,
            "query_string": b"",
            "extensions": {CONNECTION: connection},
        }
        cycle = RequestResponseCycle(
            scope=scope,
            transport=connection.transport,
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


def of(connection: HttpProtocol, protocols: dict[bytes, str]) -> Plain | None:
    """The request whose head `connection` has just read, if it is plain; `protocols` by raw path."""
    protocol = protocols.get(connection.url)
    if protocol is None:
        return None
    before, parser = connection.cycle, connection.parser
    if (before is not None and not before.response_complete) or connection.pipeline:
        return None
    if parser.get_method() != b"POST" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
        return None
    noted: dict[bytes, bytes] = {}
    for name, value in connection.headers:
        if name in _READ:
            if name in noted:
                return None
            noted[name] = value
        elif name in _ODD:
            return None
    length = noted.get(_LENGTH, b"")
    if not length.isdigit() or not 0 < int(length) <= _MOST_BYTES:
        return None
    if (media := noted.get(_TYPE)) is not None and media.lower() not in _MEDIA:
        return None
    return Plain(connection, protocol, noted)
