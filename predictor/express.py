"""Plain infer requests, answered straight on their connections: no task, no coroutine, no ASGI.

All that arrive in one turn of the event loop are answered in the next, and share one call of a model whose answers for
a row do not depend on the rows beside it. Only 200 comes from here: whatever is wrong, unusual or over a limit goes to
the InferLayer as if it had just arrived, and gets its answer there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import perf_counter

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from artifact.prediction import Prediction
from artifact.prediction import rows as rows_of
from predictor import document, rows, v1, v2
from predictor.asgi import SMALL
from predictor.exchange import REQUEST_ID, Exchange
from predictor.headers import JSON
from predictor.model import DIGEST_HEADER
from predictor.plain import Plain
from predictor.single import Single
from predictor.traffic import Traffic

Asked = v1.Request | v2.Request
Ride = tuple[Plain, Exchange, Asked]


class Express:
    """The short way for plain requests. `protocols`: the raw paths it serves, and the protocol of each."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._model = traffic.model
        self._single = Single(traffic.model.signature)
        name, settings = traffic.model.name, traffic.settings
        self.protocols = {f"/v1/models/{name}:predict".encode(): "v1", f"/v2/models/{name}/infer".encode(): "v2"}
        self._most_bytes = min(settings.heavy_bytes, settings.body_bytes)
        self._waiting: list[tuple[Plain, Exchange]] = []
        self._headers: Sequence[tuple[bytes, bytes]] = ()
        self._start = b""
        self._type = b"content-type: %b\r\ncontent-length: " % JSON.encode()
        digest = traffic.model.digest.encode()
        self._named = b"%b: %b\r\n%b: " % (DIGEST_HEADER.encode(), digest, REQUEST_ID.encode())

    def take(self, plain: Plain) -> None:
        """Answer `plain`, whose body is complete, in the next turn of the event loop."""
        traffic, size = self._traffic, len(plain.body)
        if traffic.draining.is_set() or size > self._most_bytes or not traffic.buffers.has_room(size):
            plain.to_asgi()
            return
        if not traffic.light.try_enter():
            self._turn()  # what waits here has a place, and needs it no longer than this takes
            if not traffic.light.try_enter():
                plain.to_asgi()
                return
        traffic.buffers.used += size
        self._waiting.append((plain, plain.begin()))
        if len(self._waiting) == 1:
            plain.connection.loop.call_soon(self._turn)

    def _turn(self) -> None:
        waiting, self._waiting = self._waiting, []
        ready: list[Ride] = []
        parsed = perf_counter()
        for plain, exchange in waiting:
            begun = parsed
            asked = self._read(plain)
            parsed = perf_counter()
            exchange.seconds[:2] = begun - plain.arrived, parsed - begun
            if asked is None:
                self._hand_over(plain)
            else:
                ready.append((plain, exchange, asked))
        self._predict(ready)

    def _predict(self, ready: list[Ride]) -> None:
        """On the loop what is short, sharing calls up to the limit of the model; the rest in the worker thread."""
        worker = self._model.worker
        together: list[Ride] = []
        total = 0
        for ride in ready:
            columns = ride[2].columns
            count = rows_of(columns)
            if count > worker.short_rows:
                worker.submit(columns).add_done_callback(partial(self._predicted, ride, perf_counter()))
                continue
            if together and total + count > worker.shared_rows:
                self._predict_at_once(together)
                together, total = [], 0
            together.append(ride)
            total += count
        if together:
            self._predict_at_once(together)

    def _predict_at_once(self, together: list[Ride]) -> None:
        begun = perf_counter()
        predictions = self._model.worker.at_once([asked.columns for _, _, asked in together])
        seconds = perf_counter() - begun
        for ride, prediction in zip(together, predictions, strict=True):
            self._respond(ride, prediction, seconds)

    def _predicted(self, ride: Ride, begun: float, done: asyncio.Future[Prediction]) -> None:
        self._respond(ride, done.exception() or done.result(), perf_counter() - begun)

    def _read(self, plain: Plain) -> Asked | None:
        """The request in a body; None for one that is refused."""
        body, validator = plain.body, self._model.validator
        try:
            payload = document.read(body)
            if plain.protocol == "v1":
                if (asked := self._single.v1(payload)) is not None:
                    return asked
                rows.check(rows.of_v1(payload), self._traffic.settings.rows, len(body))
                return v1.parse(validator, payload)
            if (single := self._single.v2(payload)) is not None:
                return single
            rows.check(rows.of_v2(payload), self._traffic.settings.rows, len(body))
            return v2.parse(validator, payload, memoryview(b""))
        except Exception:  # the InferLayer finds the same, and says it
            return None

    def _respond(self, ride: Ride, prediction: Prediction | BaseException, seconds: float) -> None:
        plain, exchange, asked = ride
        begun = perf_counter()
        body = None if isinstance(prediction, BaseException) else self._encode(asked, prediction)
        connection = plain.connection
        if body is None or plain.disconnected or connection.transport.is_closing() or connection.flow.write_paused:
            self._hand_over(plain)
            return
        assert isinstance(prediction, Prediction)
        traffic = self._traffic
        traffic.drift.observe(asked.columns, prediction.values)
        exchange.rows, exchange.sent, exchange.fast = len(prediction.values), len(body), True
        exchange.seconds[2:] = seconds, perf_counter() - begun
        self._leave(plain)
        traffic.finished(exchange, "200")
        plain.answer(self._head(plain, exchange.request_id, len(body)), body)

    def _encode(self, asked: Asked, prediction: Prediction) -> bytes | None:
        """The body; None for what has to go another way: binary tensors, a long answer."""
        try:
            if isinstance(asked, v1.Request):
                body = orjson.dumps(v1.answer(asked, prediction))
            else:
                body, binary = v2.answer(self._model, asked, prediction)
                if binary is not None:
                    return None
        except Exception:  # as in _read
            return None
        return body if len(body) <= SMALL else None

    def _head(self, plain: Plain, request_id: str, length: int) -> bytes:
        """The status line and headers of a 200; the same ones, in the same order, as InferLayer and uvicorn write."""
        headers = plain.connection.server_state.default_headers  # made anew each second, for its date
        if headers is not self._headers:
            self._headers = headers
            told = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self._start = STATUS_LINE[200] + told + self._type
        plain.keep_alive = plain.keep_alive and not self._traffic.draining.is_set()
        return b"%b%d\r\n%b%b\r\n%b" % (
            self._start,
            length,
            self._named,
            request_id.encode(),
            b"\r\n" if plain.keep_alive else b"connection: close\r\n\r\n",
        )

    def _hand_over(self, plain: Plain) -> None:
        self._leave(plain)
        plain.to_asgi()

    def _leave(self, plain: Plain) -> None:
        self._traffic.light.leave()
        self._traffic.buffers.give(len(plain.body))
