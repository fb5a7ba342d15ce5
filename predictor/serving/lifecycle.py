"""What a request of any protocol passes through: admit, parse, predict, respond, account, each in one place."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from artifact.prediction import Prediction, rows
from predictor import errors
from predictor.errors import TooManyRows
from predictor.model import Model
from predictor.observe.drift import Drift
from predictor.observe.inference_log import InferenceLog, Policy
from predictor.observe.metrics import Metrics
from predictor.observe.request_log import EXPLAIN, PARSE, PREDICT, QUEUE, RESPOND, Exchange, LogWriter, RequestLog
from predictor.protocols.explained import ExplainedPrediction
from predictor.protocols.request import Answer, Decoded, Request
from predictor.serving.admission import Buffers, QueuedSemaphore
from predictor.serving.threads import HEAVY, LONG, Deadline, Threads
from predictor.settings import Settings

# What the event loop works on, whatever it says, takes less than 5 ms of CPU: the dearest bytes known take 250 ns each.
LOOP_BYTES = 8 << 10
LOOP_FEATURES = 1000
_LOOP_ANSWERS = 8192  # labels and probabilities of one answer
_TURN_BYTES = 4 << 10  # of a body: of longer ones a few are worked on in each turn of the event loop
_TURN_PLACES = 2

Decode = Callable[[], Decoded]


class Lifecycle:
    """The steps of all requests to one model, and what they share: places, memory, threads, counts and log.

    `draining` is set when this process is about to end.
    """

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model = model
        self.settings = settings
        self.draining = asyncio.Event()
        self.light = QueuedSemaphore(settings.concurrency, settings.queue)
        self.heavy = QueuedSemaphore(1, settings.heavy_queue)
        self._turns = QueuedSemaphore(_TURN_PLACES, settings.concurrency)
        self.buffers = Buffers(settings.buffered_bytes)
        self.drift = Drift(model.signature, model.profile)
        self.metrics = Metrics(
            {
                "model": model.name,
                "digest": model.digest,
                "release": model.release or "",
                "task": model.signature.task,
                "engine": model.engine,
            },
            self.drift,
            {
                "ready": lambda: float(self.ready),
                "in_flight": lambda: self.light.busy + self.heavy.busy,
                "queue": lambda: self.light.waiting + self.heavy.waiting,
                "buffered_bytes": lambda: self.buffers.used,
            },
            {
                "log_lines_dropped": lambda: self.output.dropped,
                "inference_logged": lambda: self.inference_log.logged if self.inference_log else 0,
                "inference_dropped": lambda: self.inference_log.dropped if self.inference_log else 0,
            },
            model.start_seconds,
        )
        self.output = LogWriter()
        self.inference_log: InferenceLog | None = None
        if settings.inference_log != "off":
            self.inference_log = InferenceLog(
                Path(settings.inference_log), Policy.of(settings), model.signature, model.digest, model.release or ""
            )
        self._request_log = RequestLog(model.name, model.digest, settings.log_sampling, self.output.write)
        self._threads = Threads()
        # What a row of many features costs does not show in its bytes.
        self.loop_bytes = LOOP_BYTES if len(model.signature.inputs) <= LOOP_FEATURES else 0
        self._answers = sum(len(output.columns or (0,)) for output in model.signature.outputs)

    @property
    def ready(self) -> bool:
        """Verified (what is not never becomes a Model), and not about to end."""
        return bool(self.model.ready) and not self.draining.is_set()

    # The steps of a request, in their order. `serve` takes them for most requests; `turns` takes them for plain ones,
    # and has the predictions of several at once in between.

    def try_admit(self, size: int) -> bool:
        """Give a request with a body of `size` bytes its place and its memory, if both are free now."""
        if self.draining.is_set() or not (self.buffers.has_room(size) and self.light.try_acquire()):
            return False
        self.buffers.used += size
        return True

    def release(self, size: int) -> None:
        """Give back what `try_admit` gave."""
        self.light.release()
        self.buffers.give(size)

    def parse(self, exchange: Exchange, arrived: float, decode: Decode, *, closely: bool = True) -> Request:
        """Decode the request that arrived at `arrived` (perf_counter), and validate it; TooManyRows over the limit."""
        start = perf_counter()
        exchange.seconds[QUEUE] = start - arrived
        decoded = decode()
        # A row takes a byte: more rows than bytes are a mistake, which `preprocess` names.
        if self.settings.rows < decoded.rows <= exchange.received:
            raise TooManyRows(
                f"the request has {decoded.rows} rows, the limit is {self.settings.rows}; send them in several requests"
            )
        request = self.model.preprocess(decoded, closely)
        exchange.seconds[PARSE] = perf_counter() - start
        return request

    def respond(
        self,
        exchange: Exchange,
        request: Request,
        prediction: Prediction,
        *,
        most_bytes: float = math.inf,
        in_thread: bool = False,
    ) -> Answer:
        """Write the answer and remember what was predicted, which the event loop counts behind the answer; where it is
        long and this is `in_thread`, it is counted here. Unplain, and nothing observed, where the answer is longer than
        `most_bytes`.
        """
        start = perf_counter()
        answer = self.model.postprocess(request, prediction)
        if len(answer.body) > most_bytes:
            raise errors.Unplain
        if not exchange.purpose:
            self.drift.observe(request.columns, prediction, may_count=in_thread)
            if self.inference_log is not None:
                self.inference_log.observe(exchange.request_id, request.columns, prediction)
        exchange.rows, exchange.sent = len(prediction.values), len(answer.body)
        exchange.seconds[RESPOND] = perf_counter() - start
        if not in_thread:
            self.drift.count_soon()
        return answer

    def account(self, exchange: Exchange, code: str, error: Exception | None = None) -> None:
        """Count and log a request that has its answer, with the status `code`."""
        failed = False
        if error is not None:
            exchange.reason = errors.reason(error)
            failed = exchange.reason == "internal"
        self.metrics.count(exchange, code)
        self._request_log.write(exchange, code, failed)

    def close(self) -> None:
        """Write what the two logs hold, at the end."""
        self.output.close()
        if self.inference_log is not None:
            self.inference_log.close()

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
        respond = partial(self.respond, in_thread=True)
        answer = await self._threads.run(thread, deadline, respond, exchange, request, prediction)
        self.drift.count_soon()
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
