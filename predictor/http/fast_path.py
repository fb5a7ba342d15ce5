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
from predictor.http.fast_request import Ride
from predictor.http.headers import BINARY, JSON, OCTETS, SMALL
from predictor.model import DIGEST_HEADER
from predictor.observe.request_trace import REQUEST_ID
from predictor.protocols import v1, v2
from predictor.protocols.request import Decoded
from predictor.serving.lifecycle import Traffic

_TURN_BYTES = 64 << 10  # of bodies: what more has arrived is answered in the next turn, after a look at all sockets
_TURN_SECONDS = 1.5e-3  # after which no further body is read, or no further group answered, in this turn
_GROUP = 64  # requests answered one behind the other
_NUMBER_BYTES = 24  # as many as a float64 takes in JSON, about
_JSON, _OCTETS, _BINARY = JSON.encode(), OCTETS.encode(), BINARY.encode()


class Express:
    """The short way for plain requests. `protocols`: the raw paths it serves, and the protocol of each."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._model = traffic.model
        name, digest, settings = traffic.model.name, traffic.model.digest, traffic.settings
        paths = {f"/v1/models/{name}:predict": "v1", f"/v2/models/{name}/infer": "v2"}
        paths[f"/v2/models/{name}/versions/{digest}/infer"] = "v2"
        self.protocols = {(path + end).encode(): protocol for path, protocol in paths.items() for end in ("", "/")}
        # Where nothing is short enough for the event loop, plain requests are not either.
        self._most_bytes = min(settings.heavy_bytes, settings.body_bytes) if traffic.loop_bytes else 0
        self._groups: deque[list[Ride]] = deque()  # each to be predicted in one call
        self._classes = max(len(output.columns or ()) for output in traffic.model.signature.outputs) or 1
        self._waiting: deque[Ride] = deque()
        self._defaults: Sequence[tuple[bytes, bytes]] = ()
        self._start = b""
        self._named = b"\r\n%b: %b\r\n%b: " % (DIGEST_HEADER.encode(), digest.encode(), REQUEST_ID.encode())

    def take(self, ride: Ride) -> None:
        """Answer `ride`, whose body is complete, in the next turn of the event loop."""
        size = len(ride.body)
        if size > self._most_bytes:
            ride.to_asgi()
            return
        if not self._traffic.try_admit(size):
            if self._waiting:
                self._turn()  # those who wait here need their places no longer than this takes
            if not self._traffic.try_admit(size):
                ride.to_asgi()
                return
        ride.begin()
        self._waiting.append(ride)
        if len(self._waiting) == 1:
            ride.connection.loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Answer those who wait, as many as is fair to the sockets; the others in the next turn."""
        ready: list[Ride] = []
        size = 0
        now = start = perf_counter()
        while self._waiting and size < _TURN_BYTES and now - start < _TURN_SECONDS:
            ride = self._waiting.popleft()
            size += len(ride.body)
            if self._parse(ride):
                ready.append(ride)
            else:
                self._hand_over(ride)
            now = perf_counter()
        if self._waiting:
            self._waiting[0].connection.loop.call_soon(self._turn)
        self._predict(ready)

    def _parse(self, ride: Ride) -> bool:
        """Whether the request is one to be answered here: not one that is refused, or whose answer will be long."""
        closely = len(ride.body) <= self._traffic.loop_bytes
        try:
            ride.asked = self._traffic.parse(
                ride.exchange, ride.arrived, partial(self._decode, ride, closely), closely=closely
            )
        except Exception:  # the InferLayer finds the same, and says it
            return False
        numbers = self._classes if ride.asked.probabilities else 1
        return rows_of(ride.asked.columns) * numbers * _NUMBER_BYTES < SMALL

    def _decode(self, ride: Ride, closely: bool) -> Decoded:
        rows = self._traffic.settings.rows
        if ride.protocol == "v1":
            return v1.decode(ride.body, rows, closely=closely)
        return v2.decode(ride.body, ride.json_bytes, rows, closely=closely)

    def _predict(self, ready: list[Ride]) -> None:
        """On the loop what is short, in shared calls as long as the model allows; the rest in the worker thread."""
        worker = self._model.worker
        together: list[Ride] = []
        total = 0
        for ride in ready:
            columns = ride.asked.columns
            count = rows_of(columns)
            if count > worker.short_rows:
                worker.submit(columns).add_done_callback(partial(self._predicted, ride, perf_counter()))
                continue
            if together and (total + count > worker.shared_rows or len(together) == _GROUP):
                self._groups.append(together)
                together, total = [], 0
            together.append(ride)
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

    def _predict_at_once(self, together: list[Ride]) -> None:
        begun = perf_counter()
        predictions = self._model.worker.at_once([ride.asked.columns for ride in together])
        seconds = perf_counter() - begun
        for ride, prediction in zip(together, predictions, strict=True):
            self._respond(ride, prediction, seconds)

    def _predicted(self, ride: Ride, begun: float, done: asyncio.Future[Prediction]) -> None:
        self._respond(ride, done.exception() or done.result(), perf_counter() - begun)

    def _respond(self, ride: Ride, prediction: Prediction | BaseException, seconds: float) -> None:
        connection, exchange = ride.connection, ride.exchange
        unread = ride.disconnected or connection.is_ending() or connection.flow.write_paused
        if isinstance(prediction, BaseException) or unread:
            self._hand_over(ride)
            return
        try:
            answer = self._traffic.respond(exchange, ride.asked, prediction, most_bytes=SMALL, here=False)
        except Exception:  # as in _parse
            self._hand_over(ride)
            return
        exchange.fast, exchange.seconds[2] = True, seconds
        self._traffic.release(len(ride.body))
        self._traffic.account(exchange, "200")
        ride.answer(self._head(ride, len(answer.body), answer.json_bytes) + answer.body)

    def _head(self, ride: Ride, length: int, json_length: int | None) -> bytes:
        """The status line and headers of a 200: the same, in the same order, as uvicorn and the InferLayer write."""
        defaults = ride.connection.server_state.default_headers  # made anew each second, for its date
        if defaults is not self._defaults:
            self._defaults = defaults
            named = b"".join(name + b": " + value + b"\r\n" for name, value in defaults)
            self._start = b"%b%bcontent-type: " % (STATUS_LINE[200], named)
        if json_length is None:
            described = b"%b\r\ncontent-length: %d" % (_JSON, length)
        else:
            described = b"%b\r\ncontent-length: %d\r\n%b: %d" % (_OCTETS, length, _BINARY, json_length)
        if self._traffic.draining.is_set() and not ride.connection.pipeline:
            ride.keep_alive = False
        end = b"\r\n\r\n" if ride.keep_alive else b"\r\nconnection: close\r\n\r\n"
        return b"%b%b%b%b%b" % (self._start, described, self._named, ride.exchange.request_id.encode(), end)

    def _hand_over(self, ride: Ride) -> None:
        self._traffic.release(len(ride.body))
        ride.to_asgi()
