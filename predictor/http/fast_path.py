"""Plain infer requests, answered straight on their connections: no task, no coroutine, no ASGI.

All that arrive in one turn of the event loop are answered in the next, and share one call of a model whose answers for
a row do not depend on the rows beside it. Only 200 comes from here: whatever is wrong, unusual or over a limit goes to
the InferLayer as if it had just arrived, and gets its answer there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from time import perf_counter

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from artifact.prediction import Prediction
from artifact.prediction import rows as rows_of
from predictor.http.fast_request import FastRequest
from predictor.http.headers import BINARY, JSON, OCTETS, SMALL
from predictor.observe.request_trace import REQUEST_ID
from predictor.protocols import v1, v2
from predictor.protocols.request import Decoded
from predictor.serving.lifecycle import Lifecycle

_TURN_BYTES = 64 << 10  # of bodies: what more has arrived is answered in the next turn, after a look at all sockets
_TURN_SECONDS = 1.5e-3  # after which no further body is read, or no further group answered, in this turn
_GROUP = 64  # requests answered one behind the other
_NUMBER_BYTES = 24  # as many as a float64 takes in JSON, about
_JSON, _OCTETS, _BINARY = JSON.encode(), OCTETS.encode(), BINARY.encode()


class FastPath:
    """The short way for plain requests. `protocols`: the raw paths it serves, and the protocol of each."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._model = lifecycle.model
        name, digest, settings = lifecycle.model.name, lifecycle.model.digest, lifecycle.settings
        paths = {f"/v1/models/{name}:predict": "v1", f"/v2/models/{name}/infer": "v2"}
        paths[f"/v2/models/{name}/versions/{digest}/infer"] = "v2"
        self.protocols = {(path + end).encode(): protocol for path, protocol in paths.items() for end in ("", "/")}
        # Where nothing is short enough for the event loop, plain requests are not either.
        self._most_bytes = min(settings.heavy_bytes, settings.body_bytes) if lifecycle.loop_bytes else 0
        self._groups: deque[list[FastRequest]] = deque()  # each to be predicted in one call
        self._classes = max(len(output.columns or ()) for output in lifecycle.model.signature.outputs) or 1
        self._waiting: deque[FastRequest] = deque()
        self._defaults: Sequence[tuple[bytes, bytes]] = ()
        self._start = b""
        source = "".join(f"\r\n{header}: {value}" for header, value in lifecycle.model.headers)
        self._named = f"{source}\r\n{REQUEST_ID}: ".encode()

    def take(self, request: FastRequest) -> None:
        """Answer `request`, whose body is complete, in the next turn of the event loop."""
        size = len(request.body)
        if size > self._most_bytes:
            request.to_asgi()
            return
        if not self._lifecycle.try_admit(size):
            if self._waiting:
                self._turn()  # those who wait here need their places no longer than this takes
            if not self._lifecycle.try_admit(size):
                request.to_asgi()
                return
        request.begin()
        self._waiting.append(request)
        if len(self._waiting) == 1:
            request.connection.loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Answer those who wait, as many as is fair to the sockets; the others in the next turn."""
        ready: list[FastRequest] = []
        size = 0
        now = start = perf_counter()
        while self._waiting and size < _TURN_BYTES and now - start < _TURN_SECONDS:
            request = self._waiting.popleft()
            size += len(request.body)
            if self._parse(request):
                ready.append(request)
            else:
                self._hand_over(request)
            now = perf_counter()
        if self._waiting:
            self._waiting[0].connection.loop.call_soon(self._turn)
        self._predict(ready)

    def _parse(self, request: FastRequest) -> bool:
        """Whether the request is one to be answered here: not one that is refused, or whose answer will be long."""
        closely = len(request.body) <= self._lifecycle.loop_bytes
        try:
            request.asked = self._lifecycle.parse(
                request.exchange, request.arrived, partial(self._decode, request, closely), closely=closely
            )
        except Exception:  # the InferLayer finds the same, and says it
            return False
        numbers = self._classes if request.asked.probabilities else 1
        return rows_of(request.asked.columns) * numbers * _NUMBER_BYTES < SMALL

    def _decode(self, request: FastRequest, closely: bool) -> Decoded:
        rows = self._lifecycle.settings.rows
        if request.protocol == "v1":
            return v1.decode(request.body, rows, closely=closely)
        return v2.decode(request.body, request.json_bytes, rows, closely=closely)

    def _predict(self, ready: list[FastRequest]) -> None:
        """On the loop what is short, in shared calls as long as the model allows; the rest in the worker thread."""
        batcher = self._model.batcher
        together: list[FastRequest] = []
        total = 0
        for request in ready:
            columns = request.asked.columns
            count = rows_of(columns)
            if count > batcher.short_rows:
                batcher.submit(columns).add_done_callback(partial(self._predicted, request, perf_counter()))
                continue
            if together and (total + count > batcher.shared_rows or len(together) == _GROUP):
                self._groups.append(together)
                together, total = [], 0
            together.append(request)
            total += count
        if together:
            self._groups.append(together)
        self._answer_groups()

    def _answer_groups(self) -> None:
        """Answer those who are read, as long as is fair to the sockets; the others in the next turn."""
        start = perf_counter()
        while self._groups:
            self._predict_at_once(self._groups.popleft())
            if self._groups and perf_counter() - start > _TURN_SECONDS:
                self._groups[0][0].connection.loop.call_soon(self._answer_groups)
                return

    def _predict_at_once(self, together: list[FastRequest]) -> None:
        begun = perf_counter()
        predictions = self._model.batcher.at_once([request.asked.columns for request in together])
        seconds = perf_counter() - begun
        for request, prediction in zip(together, predictions, strict=True):
            self._respond(request, prediction, seconds)

    def _predicted(self, request: FastRequest, begun: float, done: asyncio.Future[Prediction]) -> None:
        self._respond(request, done.exception() or done.result(), perf_counter() - begun)

    def _respond(self, request: FastRequest, prediction: Prediction | BaseException, seconds: float) -> None:
        connection, exchange = request.connection, request.exchange
        unread = request.disconnected or connection.is_ending() or connection.flow.write_paused
        if isinstance(prediction, BaseException) or unread:
            self._hand_over(request)
            return
        try:
            answer = self._lifecycle.respond(exchange, request.asked, prediction, most_bytes=SMALL, here=False)
        except Exception:  # as in _parse
            self._hand_over(request)
            return
        exchange.fast, exchange.seconds[2] = True, seconds
        self._lifecycle.release(len(request.body))
        self._lifecycle.account(exchange, "200")
        request.answer(self._head(request, len(answer.body), answer.json_bytes) + answer.body)

    def _head(self, request: FastRequest, length: int, json_length: int | None) -> bytes:
        """The status line and headers of a 200: the same, in the same order, as uvicorn and the InferLayer write."""
        defaults = request.connection.server_state.default_headers  # made anew each second, for its date
        if defaults is not self._defaults:
            self._defaults = defaults
            named = b"".join(name + b": " + value + b"\r\n" for name, value in defaults)
            self._start = b"%b%bcontent-type: " % (STATUS_LINE[200], named)
        if json_length is None:
            described = b"%b\r\ncontent-length: %d" % (_JSON, length)
        else:
            described = b"%b\r\ncontent-length: %d\r\n%b: %d" % (_OCTETS, length, _BINARY, json_length)
        if self._lifecycle.draining.is_set() and not request.connection.pipeline:
            request.keep_alive = False
        end = b"\r\n\r\n" if request.keep_alive else b"\r\nconnection: close\r\n\r\n"
        return b"%b%b%b%b%b" % (self._start, described, self._named, request.exchange.request_id.encode(), end)

    def _hand_over(self, request: FastRequest) -> None:
        self._lifecycle.release(len(request.body))
        request.to_asgi()
