"""Requests that are not plain, one by one: each waits for a slot, then the event loop or a thread works on it.

A short body is worked on by the event loop, a longer one by a thread, so that it does not hold up other requests.
"""

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
from predictor.serving.threads import HEAVY, INFLATE, LONG, Deadline, Threads
from predictor.settings import Settings

_LOOP_ANSWERS = 8192  # labels and probabilities of one answer
_TURN_BYTES = 4 << 10  # of a body: the event loop works on only _TURN_SLOTS longer ones in each of its turns
_TURN_SLOTS = 2


class Lifecycle(Steps):
    """The steps of all requests to one model, and the threads that work on long ones."""

    def __init__(self, model: Model, settings: Settings) -> None:
        super().__init__(model, settings)
        self._turns = QueuedSemaphore(_TURN_SLOTS, settings.concurrency)
        self._inflating = QueuedSemaphore(1, settings.concurrency + settings.queue)
        self._threads = Threads()
        self._answers = sum(len(output.columns or (0,)) for output in model.signature.outputs)

    async def serve(self, exchange: Exchange, decode: Decode, gone: Callable[[], bool] = lambda: False) -> Answer:
        """Wait for a slot, then parse, predict and respond: a short body on the event loop, a longer one in a thread.

        One thread works on the longer ones, another on the one heavy request that has the slot. The work ends at its
        next checkpoint when `gone` (which any thread may call) says that nobody waits for the answer, when the task
        that awaits this is cancelled, or when it has taken longer than `work_seconds`.
        """
        size = exchange.received
        slots = self.heavy if size > self.settings.heavy_bytes else self.light
        arrived = perf_counter()
        await slots.acquire()
        try:
            if size <= self.loop_bytes:
                return await self._on_the_loop(exchange, arrived, decode, gone)
            thread = HEAVY if slots is self.heavy else LONG
            return await self._off_the_loop(thread, exchange, arrived, decode, gone)
        finally:
            slots.release()

    async def inflate(self, size: int, work: Callable[[], bytes]) -> bytes:
        """What `work` makes of `size` compressed bytes, in a thread: a few bytes may become millions.

        One message at a time, so that of what is not counted in memory there is never more than one message.
        """
        self.buffers.take(size)
        try:
            await self._inflating.acquire()
            try:
                return await self._threads.run(INFLATE, Deadline(self.settings.work_seconds, lambda: False), work)
            finally:
                self._inflating.release()
        finally:
            self.buffers.give(size)

    async def _on_the_loop(
        self, exchange: Exchange, arrived: float, decode: Decode, gone: Callable[[], bool]
    ) -> Answer:
        if exchange.received > _TURN_BYTES:
            await self._turns.acquire()
            # Freed in the next turn of the loop: freed now, the next body would follow in this turn, and hold up the
            # sockets.
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
        """As `respond`, in a thread. It also counts the answers of a long table, before the next one is in memory."""
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
        """As `parse`; then free what was decoded of a long body a little at a time, so that other threads run."""
        results: list[Decoded] = []

        def decoded() -> Decoded:
            results.append(decode())
            return results[0]

        try:
            return self.parse(exchange, arrived, decoded)
        finally:
            for result in results:
                result.free()
