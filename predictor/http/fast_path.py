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
from predictor.http.fast_request import Asked, Ride
from predictor.http.headers import BINARY, JSON, OCTETS
from predictor.http.infer_layer import SMALL
from predictor.model import DIGEST_HEADER
from predictor.observe.request_trace import REQUEST_ID
from predictor.protocols import row_count, strict_json, v1, v2
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
        traffic, size = self._traffic, len(ride.body)
        if traffic.draining.is_set() or size > self._most_bytes or not traffic.buffers.has_room(size):
            ride.to_asgi()
            return
        if not traffic.light.try_enter():
            self._turn()  # those who wait here need their places no longer than this takes
            if not traffic.light.try_enter():
                ride.to_asgi()
                return
        traffic.buffers.used += size
        ride.begin()
        self._waiting.append(ride)
        if len(self._waiting) == 1:
            ride.connection.loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Answer those who wait, as many as is fair to the sockets; the others in the next turn."""
        ready: list[Ride] = []
        size = 0
        parsed = start = perf_counter()
        while self._waiting and size < _TURN_BYTES and parsed - start < _TURN_SECONDS:
            ride = self._waiting.popleft()
            size += len(ride.body)
            begun = parsed
            asked = self._read(ride)
            parsed = perf_counter()
            if asked is None:
                self._hand_over(ride)
                continue
            ride.asked = asked
            seconds = ride.exchange.seconds
            seconds[0], seconds[1] = begun - ride.arrived, parsed - begun
            ready.append(ride)
        if self._waiting:
            self._waiting[0].connection.loop.call_soon(self._turn)
        self._predict(ready)

    def _read(self, ride: Ride) -> Asked | None:
        """The request in a body; None for one that is refused, or whose answer will be long."""
        body, validator, most_rows = ride.body, self._model.validator, self._traffic.settings.rows
        closely = len(body) <= self._traffic.loop_bytes
        try:
            read = strict_json.read if closely else strict_json.read_plain
            payload = read(body if ride.json_bytes == len(body) else body[: ride.json_bytes])
            asked: Asked
            if ride.protocol == "v1":
                row_count.check(row_count.of_v1(payload), most_rows, len(body))
                asked = v1.parse(validator, payload, closely=closely)
                numbers = self._classes if asked.probabilities else 1
            else:
                row_count.check(row_count.of_v2(payload), most_rows, len(body))
                asked = v2.parse(validator, payload, memoryview(body)[ride.json_bytes :], closely=closely)
                numbers = self._classes if "probabilities" in asked.outputs else 1
        except Exception:  # the InferLayer finds the same, and says it
            return None
        return asked if rows_of(asked.columns) * numbers * _NUMBER_BYTES < SMALL else None

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
        begun = perf_counter()
        connection, traffic, exchange, asked = ride.connection, self._traffic, ride.exchange, ride.asked
        encoded = None if isinstance(prediction, BaseException) else self._encode(asked, prediction)
        if encoded is None or ride.disconnected or connection.is_ending() or connection.flow.write_paused:
            self._hand_over(ride)
            return
        assert isinstance(prediction, Prediction)
        body, json_length = encoded
        traffic.drift.observe(asked.columns, prediction.values)
        exchange.rows, exchange.sent, exchange.fast = len(prediction.values), len(body), True
        exchange.seconds[2], exchange.seconds[3] = seconds, perf_counter() - begun
        self._leave(ride)
        traffic.finished(exchange, "200")
        ride.answer(self._head(ride, len(body), json_length) + body)

    def _encode(self, asked: Asked, prediction: Prediction) -> tuple[bytes, int | None] | None:
        """The body, with the length of its JSON where binary tensors follow; None for a long one."""
        try:
            if isinstance(asked, v1.Request):
                answer: tuple[bytes, int | None] = v1.encode(asked, prediction), None
            else:
                answer = v2.answer(self._model, asked, prediction)
        except Exception:  # as in _read
            return None
        return answer if len(answer[0]) <= SMALL else None

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
        self._leave(ride)
        ride.to_asgi()

    def _leave(self, ride: Ride) -> None:
        self._traffic.light.leave()
        self._traffic.buffers.give(len(ride.body))
