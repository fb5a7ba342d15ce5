"""Answers plain infer requests directly on their connections: no task, no coroutine, no ASGI.

Its answers are all 200: a request that is wrong, unusual or over a limit goes to the InferLayer as if it had just
arrived, which answers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from predictor.http.asgi_cycle import asgi_cycle
from predictor.http.body import BINARY, JSON, OCTETS
from predictor.http.closing import Connection
from predictor.http.head import is_host
from predictor.observe.exchange import PURPOSE, REQUEST_ID, TRACEPARENT, Exchange, Predicted
from predictor.protocols import cloudevent, v1, v2
from predictor.protocols.request import Answer, Decoded, Request
from predictor.serving.steps import Steps, begin
from predictor.serving.turns import Turns

# Of a body: it is worked on in one turn of the event loop, and health waits for that.
_MOST_BYTES = 256 << 10
_JSON, _OCTETS, _BINARY = JSON.encode(), OCTETS.encode(), BINARY.encode()
_ID, _TRACE = REQUEST_ID.encode(), TRACEPARENT.encode()
_MEDIA = frozenset(_JSON + end for end in (b"", b"; charset=utf-8", b";charset=utf-8"))
# A request with one of these headers is not plain, whatever the header says.
_ODD = frozenset((b"transfer-encoding", b"content-encoding", b"expect", cloudevent.BINARY.encode(), PURPOSE.encode()))
_NOBODY_WAITS = asyncio.Event()


class FastRequest:
    """A request for a prediction in `protocol` (v1 or v2): POST, HTTP/1.1, keep-alive, of a body that is not long.

    Its first `json_bytes` are JSON, the others binary tensors. `body` is complete when `more_body` is false; then
    `begin` makes the exchange. What uvicorn's HttpToolsProtocol asks of the cycle that it runs is here under the names
    it has there.
    """

    message_event = _NOBODY_WAITS
    body = b""
    pieces = 0  # in which it has come so far
    more_body = keep_alive = True
    response_complete = disconnected = False
    arrived: float
    exchange: Exchange
    content: Request
    rows: int

    def __init__(self, connection: Connection, protocol: str, headers: dict[bytes, bytes], json_bytes: int) -> None:
        self.connection = connection
        self.protocol = protocol
        self.json_bytes = json_bytes
        self._url, self._pairs, self._headers = connection.url, connection.headers, headers

    def begin(self) -> None:
        """The body is complete."""
        self.arrived = perf_counter()
        request_id, trace = self._headers.get(_ID), self._headers.get(_TRACE)
        self.exchange = begin(
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
        """Hand the request to the ASGI application, as if it had just arrived."""
        connection = self.connection
        cycle = asgi_cycle(connection, self._url, self._pairs)
        cycle.body += self.body
        cycle.keep_alive, cycle.more_body, cycle.disconnected = self.keep_alive, self.more_body, self.disconnected
        cycle.message_event.set()
        if connection.cycle is self:
            connection.cycle = cycle
        connection._start_asgi_task(cycle, connection.app)


def read_head(connection: Connection, protocols: dict[bytes, str]) -> FastRequest | None:
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
    # Two headers of one name may contradict each other. `check_head` says why a head is refused: every head that this
    # function takes passes all of its rules.
    if len(headers) < len(connection.headers) or not _ODD.isdisjoint(headers):
        return None
    if b"host" not in headers or not is_host(headers[b"host"]):
        return None
    length, binary, media = headers.get(b"content-length", b""), headers.get(_BINARY), headers.get(b"content-type")
    size = json_bytes = int(length) if length.isdigit() else 0
    if not 0 < size <= _MOST_BYTES:
        return None
    if binary is not None:
        if protocol != "v2" or not binary.isdigit() or int(binary) > size:
            return None
        json_bytes = int(binary)
    if media is not None and media.lower() not in _MEDIA and (binary is None or media != _OCTETS):
        return None
    return FastRequest(connection, protocol, headers, json_bytes)


class FastPath(Turns[FastRequest]):
    """The fast path of HTTP. `protocols`: the raw paths that it serves → the protocol of each."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps)
        name, digest, settings = steps.model.name, steps.model.digest, steps.settings
        paths = {f"/v1/models/{name}:predict": "v1", f"/v2/models/{name}/infer": "v2"}
        paths[f"/v2/models/{name}/versions/{digest}/infer"] = "v2"
        self.protocols = {(path + end).encode(): protocol for path, protocol in paths.items() for end in ("", "/")}
        # Where the event loop works on no body at all, it takes no plain requests either.
        self._most_bytes = min(settings.heavy_bytes, settings.body_bytes) if steps.loop_bytes else 0
        self._defaults: Sequence[tuple[bytes, bytes]] = ()
        self._start = b""
        source = "".join(f"\r\n{header}: {value}" for header, value in steps.model.headers)
        self._named = f"{source}\r\n{REQUEST_ID}: ".encode()

    def take(self, request: FastRequest) -> None:
        """Answer `request`, whose body is complete, in the next turn of the event loop."""
        size = len(request.body)
        if size > self._most_bytes or not self.try_admit(size):
            request.to_asgi()
            return
        request.begin()
        self.add(request)

    def decode(self, request: FastRequest, closely: bool) -> Decoded:
        """By the protocol of its path."""
        if request.protocol == "v1":
            return v1.decode(request.body, closely=closely)
        return v2.decode(request.body, request.json_bytes, closely=closely)

    def takes_answer(self, request: FastRequest) -> bool:
        """False where the client has left, or does not read."""
        connection = request.connection
        ended = request.disconnected or connection.ending or connection.transport.is_closing()
        return not ended and not connection.flow.write_paused

    def write(self, request: FastRequest, answer: Answer) -> None:
        """Write a 200 on its connection."""
        request.answer(self._head(request, len(answer.body), answer.json_bytes) + answer.body)

    def account(self, requests: Sequence[FastRequest], shared: Predicted | None) -> None:
        """As answered with 200."""
        self._steps.account_together([request.exchange for request in requests], "200", shared)

    def hand_over(self, request: FastRequest) -> None:
        """To the InferLayer."""
        request.to_asgi()

    def _head(self, request: FastRequest, length: int, json_length: int | None) -> bytes:
        """The status line and headers of a 200: the same, in the same order, as uvicorn and the InferLayer write."""
        defaults = request.connection.server_state.default_headers  # made anew each second, for its date
        if defaults is not self._defaults:
            self._defaults = defaults
            named = b"".join(name + b": " + value + b"\r\n" for name, value in defaults)
            self._start = b"%b%bcontent-type: " % (STATUS_LINE[200], named)
        if json_length is None:
            fields = b"%b\r\ncontent-length: %d" % (_JSON, length)
        else:
            fields = b"%b\r\ncontent-length: %d\r\n%b: %d" % (_OCTETS, length, _BINARY, json_length)
        if self._steps.draining.is_set() and not request.connection.pipeline:
            request.keep_alive = False
        end = b"\r\n\r\n" if request.keep_alive else b"\r\nconnection: close\r\n\r\n"
        return b"%b%b%b%b%b" % (self._start, fields, self._named, request.exchange.request_id.encode(), end)
