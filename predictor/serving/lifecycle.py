"""Requests that are not plain, each by itself: it waits for a place, and is worked on where it holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

from artifact.prediction import Prediction, rows
from predictor.model import Model
from predictor.observe.exchange import EXPLAIN, PREDICT, Exchange
from predictor.protocols.explained import ExplainedPrediction
from predictor.protocols.request import Answer, Decoded, Request
from predictor.serving.steps import Decode, QueuedSemaphore, Steps
from predictor.serving.threads import HEAVY, LONG, Deadline, Threads
from predictor.settings import Settings

_LOOP_ANSWERS = 8192  # labels and probabilities of one answer
_TURN_BYTES = 4 << 10  # of a body: of longer ones a few are worked on in each turn of the event loop
_TURN_PLACES = 2


class Lifecycle(Steps):
    """The steps of all requests to one model, and the threads that work on long ones."""

    def __init__(self, model: Model, settings: Settings) -> None:
        super().__init__(model, settings)
        self._turns = QueuedSemaphore(_TURN_PLACES, settings.concurrency)
        self._threads = Threads()
        self._answers = sum(len(output.columns or (0,)) for output in model.signature.outputs)

    async def serve(self, exchange: Exchange, decode: Decode, gone: Callable[[], bool] = lambda: False) -> Answer:
        """Parse, predict and respond as soon as there is a place: a short body on the event loop, a longer one off it.

        One thread works on the longer ones, another on the heavy one that has the place. The work is given up at the
        next checkpoint when `gone`, which is asked from any thread, says that nobody waits for the answer, when the
        task that awaits this is cancelled, or when it takes longer than `work_seconds`.
        """
        size = exchange.received
        places = self.heavy if size > self.settings.heavy_bytes else self.light
        arrived = perf_counter()
        await places.acquire()
        try:
            if size <= self.loop_bytes:
                return await self._on_the_loop(exchange, arrived, decode, gone)
            thread = HEAVY if places is self.heavy else LONG
            return await self._off_the_loop(thread, exchange, arrived, decode, gone)
        finally:
            places.release()

    async def _on_the_loop(
        self, exchange: Exchange, arrived: float, decode: Decode, gone: Callable[[], bool]
    ) -> Answer:
        if exchange.received > _TURN_BYTES:
            await self._turns.acquire()
            # Left in the next turn: whoever is ready in this one would follow at once, and hold up all sockets.
            asyncio.get_running_loop().call_soon(self._turns.release)
        request = self.parse(exchange, arrived, decode)
        if request.explain:
            return await self._explained(LONG, exchange, request, Deadline(self.settings.work_seconds, gone))
        start = perf_counter()
        prediction = await self.model.batcher.predict(request.columns)
        exchange.seconds[PREDICT] = perf_counter() - start
        if len(prediction.values) * self._answers <= _LOOP_ANSWERS:
            return self.respond(exchange, request, prediction)
        deadline = Deadline(self.settings.work_seconds, lambda: False)
        return await self._respond_in(LONG, deadline, exchange, request, prediction)

    async def _off_the_loop(
        self, thread: str, exchange: Exchange, arrived: float, decode: Decode, gone: Callable[[], bool]
    ) -> Answer:
        deadline = Deadline(self.settings.work_seconds, gone)
        deadline.check()
        request = await self._threads.run(thread, deadline, self._parse_and_free, exchange, arrived, decode)
        if request.explain:
            return await self._explained(thread, exchange, request, deadline)
        start = perf_counter()
        prediction = await self.model.batcher.predict_in_parts(request.columns, deadline.check)
        exchange.seconds[PREDICT] = perf_counter() - start
        return await self._respond_in(thread, deadline, exchange, request, prediction)

    async def _respond_in(
        self, thread: str, deadline: Deadline, exchange: Exchange, request: Request, prediction: Prediction
    ) -> Answer:
        answer = await self._threads.run(thread, deadline, self._respond_and_observe, exchange, request, prediction)
        self.observers.drift.count_soon()
        return answer

    def _respond_and_observe(self, exchange: Exchange, request: Request, prediction: Prediction) -> Answer:
        """As `respond`, in a thread, which counts a long table before the next one is in memory."""
        answer = self.respond(exchange, request, prediction)
        self.observers.observe(exchange, in_thread=True)
        return answer

    async def _explained(self, thread: str, exchange: Exchange, request: Request, deadline: Deadline) -> Answer:
        """Predict and explain in a thread: what takes milliseconds a row is no work for the event loop. Such a request
        is counted apart, and neither its rows nor its answers are observed.
        """
        exchange.purpose = exchange.purpose or EXPLAIN
        self.model.check_explains(rows(request.columns))
        start = perf_counter()
        prediction = await self.model.batcher.predict_in_parts(request.columns, deadline.check)
        explained = await self._threads.run(thread, deadline, self.model.explain, request.columns)
        exchange.seconds[PREDICT] = perf_counter() - start
        both = ExplainedPrediction.of(prediction, explained)
        return await self._threads.run(thread, deadline, self.respond, exchange, request, both)

    def _parse_and_free(self, exchange: Exchange, arrived: float, decode: Decode) -> Request:
        """As `parse`. What was decoded of a long body is freed a little at a time, so that other threads run."""
        results: list[Decoded] = []

        def decoded() -> Decoded:
            results.append(decode())
            return results[0]

        try:
            return self.parse(exchange, arrived, decoded)
        finally:
            for result in results:
                result.free()
