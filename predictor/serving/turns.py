"""Plain requests that arrive in one turn of the event loop are read, predicted and answered in the next, together.

They share one call of a model whose answers for a row do not depend on the rows beside it, and each step finds the
processor's caches warm from the request before. Only good answers come from here: a request that is wrong, unusual or
over a limit is handed over to the way of every other request, as if it had just arrived.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Generic, Protocol, TypeVar

from artifact.prediction import PROBABILITIES, Columns, Prediction, joined
from artifact.prediction import rows as rows_of
from predictor.observe.exchange import PREDICT, Exchange, Predicted
from predictor.protocols.request import Answer, Decoded, Request
from predictor.serving.steps import Steps

SMALL = 64 << 10  # bytes of an answer that a socket's buffers take at once
_TURN_BYTES = 512 << 10  # of bodies: what more has arrived is answered in the next turn, after a look at all sockets
_TURN_SECONDS = 1.5e-3  # after which no further body is read, or no further group answered, in this turn
_GROUP = 64  # requests answered one behind the other
_NUMBER_BYTES = 24  # as many as a float64 takes in JSON, about


class Plain(Protocol):
    """A request whose `body` was complete at `arrived` (perf_counter); `content` and `rows` are parsed from it."""

    body: bytes
    arrived: float
    exchange: Exchange
    content: Request
    rows: int


R = TypeVar("R", bound=Plain)


class Turns(ABC, Generic[R]):
    """The turns of one transport, which says how a request is decoded, answered and handed over."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._model = steps.model
        outputs = steps.model.signature.outputs
        self._numbers = sum(len(output.columns or (0,)) for output in outputs)
        self._classes = sum(len(output.columns or ()) for output in outputs if output.name == PROBABILITIES)
        self._waiting: deque[R] = deque()
        self._groups: deque[list[R]] = deque()  # each to be predicted in one call

    @abstractmethod
    def decode(self, request: R, closely: bool) -> Decoded:
        """Decode the body; Unplain, unless `closely`, where values would have to be looked at one by one."""

    @abstractmethod
    def takes_answer(self, request: R) -> bool:
        """Whether somebody waits for the answer, and reads."""

    @abstractmethod
    def write(self, request: R, answer: Answer) -> None:
        """Send the answer; the slot of the request is free by now."""

    @abstractmethod
    def account(self, requests: Sequence[R], shared: Predicted | None) -> None:
        """Count and log requests whose answers were sent. `shared`: the rows of all of them and the answers, where one
        call of the model predicted them and nobody else's.
        """

    @abstractmethod
    def hand_over(self, request: R) -> None:
        """Give the request, whose slot is free by now, to the path of every other request."""

    def try_admit(self, size: int) -> bool:
        """Take a slot and memory for a body of `size` bytes, as `Steps.try_admit`."""
        if self._steps.try_admit(size):
            return True
        if not self._waiting:
            return False
        self._turn()  # this answers the requests that wait here, which frees their slots
        return self._steps.try_admit(size)

    def add(self, request: R) -> None:
        """Answer `request`, which was admitted, in the next turn of the event loop."""
        self._waiting.append(request)
        if len(self._waiting) == 1:
            self._begin()

    def _begin(self) -> None:
        """A request waits, and none did before: let the next turn answer it."""
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Answer the requests that wait, up to the bytes and the time of one turn; the others in the next turn."""
        ready: list[R] = []
        size = 0
        now = start = perf_counter()
        while self._waiting and size < _TURN_BYTES and now - start < _TURN_SECONDS:
            request = self._waiting.popleft()
            size += len(request.body)
            if self._parse(request):
                ready.append(request)
            else:
                self._leave(request)
            now = perf_counter()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        self._predict(ready)

    def _parse(self, request: R) -> bool:
        """Parse the request. False, for the other path, where it is refused or its answer would be long."""
        closely = len(request.body) <= self._steps.loop_bytes
        try:
            request.content = self._steps.parse(
                request.exchange, request.arrived, partial(self.decode, request, closely), closely=closely
            )
        except Exception:  # the other path meets the same error, and answers with it
            return False
        request.rows = rows_of(request.content.columns)
        return not request.content.explain and request.rows * self._numbers_of(request.content) * _NUMBER_BYTES < SMALL

    def _numbers_of(self, request: Request) -> int:
        """How many numbers answer a row, about."""
        return self._numbers if request.probabilities else max(1, self._numbers - self._classes)

    def _predict(self, ready: list[R]) -> None:
        """Predict short requests here, several in one call where the model allows it; the others in the thread."""
        batcher = self._model.batcher
        group: list[R] = []
        total = 0
        for request in ready:
            count = request.rows
            if count > batcher.short_rows:
                answer = batcher.submit(request.content.columns)
                answer.add_done_callback(partial(self._predicted, request, perf_counter()))
                continue
            if group and (total + count > batcher.shared_rows or len(group) == _GROUP):
                self._groups.append(group)
                group, total = [], 0
            group.append(request)
            total += count
        if group:
            self._groups.append(group)
        self._answer_groups()

    def _answer_groups(self) -> None:
        """Answer the parsed requests, up to the time of one turn; the others in the next turn."""
        start = perf_counter()
        while self._groups:
            self._predict_at_once(self._groups.popleft())
            if self._groups and perf_counter() - start > _TURN_SECONDS:
                asyncio.get_running_loop().call_soon(self._answer_groups)
                return

    def _predict_at_once(self, group: list[R]) -> None:
        start = perf_counter()
        tables = [request.content.columns for request in group]
        shared = self._predict_together(tables)
        predictions: Sequence[Prediction | Exception]
        if shared is None:  # the batcher finds out which request has no answer
            predictions = self._model.batcher.at_once(tables)
        else:
            predictions = shared[1].parts([request.rows for request in group])
        seconds = perf_counter() - start
        pairs = zip(group, predictions, strict=True)
        answered = [request for request, prediction in pairs if self._respond(request, prediction, seconds)]
        # After all of them are answered, so that no answer waits for the log.
        self.account(answered, shared if len(answered) == len(group) else None)

    def _predict_together(self, tables: Sequence[Columns]) -> Predicted | None:
        """The rows of all `tables` and their answers, by one call of the model; None where a row has no answer."""
        try:
            columns = joined(tables)
            prediction = self._model.batcher.quick.predict(columns)
            return (columns, prediction) if prediction.all_finite else None
        except Exception:  # `at_once` meets it again, and `Lifecycle.serve` tells it to the caller
            return None

    def _predicted(self, request: R, start: float, done: asyncio.Future[Prediction]) -> None:
        if self._respond(request, done.exception() or done.result(), perf_counter() - start):
            self.account([request], None)

    def _respond(self, request: R, prediction: Prediction | BaseException, seconds: float) -> bool:
        """Answer the request, which is then still to be accounted for; False where the other path gets it."""
        exchange = request.exchange
        if isinstance(prediction, BaseException) or not self.takes_answer(request):
            self._leave(request)
            return False
        try:
            answer = self._steps.respond(exchange, request.content, prediction, most_bytes=SMALL)
        except Exception:  # as in _parse
            self._leave(request)
            return False
        exchange.fast, exchange.seconds[PREDICT] = True, seconds
        self._steps.release(len(request.body))
        self.write(request, answer)
        return True

    def _leave(self, request: R) -> None:
        self._steps.release(len(request.body))
        self.hand_over(request)
