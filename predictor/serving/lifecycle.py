"""What a request of any protocol passes through: admit, parse, predict, respond, account, each in one place."""

from __future__ import annotations

import asyncio
import gc
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, TypeVar

from artifact import checkpoint
from artifact.prediction import Prediction
from predictor import errors
from predictor.model import Model
from predictor.observe.drift import Drift
from predictor.observe.log_writer import LogWriter
from predictor.observe.metrics import Metrics
from predictor.observe.request_log import RequestLog
from predictor.observe.request_trace import Exchange
from predictor.protocols.request import Answer, Decoded, Request
from predictor.serving.admission import Buffers, Lane
from predictor.serving.deadline import Deadline
from predictor.settings import Settings

# What the event loop works on, whatever it says, takes less than 5 ms of CPU: the dearest bytes known take 250 ns each.
LOOP_BYTES = 8 << 10
LOOP_FEATURES = 1000
_LOOP_ANSWERS = 8192  # labels and probabilities of one answer
_LONG, _HEAVY = "long", "heavy"  # threads, of bodies up to heavy_bytes and beyond
_TURN_BYTES = 4 << 10  # of a body: of longer ones a few are worked on in each turn of the event loop
_TURN_PLACES = 2


T = TypeVar("T")
Decode = Callable[[], Decoded]


class Lifecycle:
    """The one place that knows how much is going on. `draining` says that this process is about to end."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model = model
        self.settings = settings
        self.draining = asyncio.Event()
        self.light = Lane(settings.concurrency, settings.queue)
        self.heavy = Lane(1, settings.heavy_queue)
        self._turns = Lane(_TURN_PLACES, settings.concurrency)
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
                "workers": lambda: 1,  # and in the sum of several as many as there are
                "in_flight": lambda: self.light.busy + self.heavy.busy,
                "queue": lambda: self.light.waiting + self.heavy.waiting,
                "buffered_bytes": lambda: self.buffers.used,
            },
            {"log_lines_dropped": lambda: self.output.dropped},
        )
        self.output = LogWriter()
        self._request_log = RequestLog(model.name, model.digest, settings.log_sampling, self.output.write)
        self._threads = {name: ThreadPoolExecutor(1, name) for name in (_LONG, _HEAVY)}
        # What a row of many features costs does not show in its bytes.
        self.loop_bytes = LOOP_BYTES if len(model.signature.inputs) <= LOOP_FEATURES else 0
        self._answers = 1 + max(len(output.columns or ()) for output in model.signature.outputs)

    @property
    def ready(self) -> bool:
        """Verified (what is not never becomes a Model), and not about to end."""
        return bool(self.model.ready) and not self.draining.is_set()

    # The steps of a request, in their order: `serve` takes them for most, and the fast path for plain ones.

    def try_admit(self, size: int) -> bool:
        """Give a request with a body of `size` bytes its place and its memory, if both are free now."""
        if self.draining.is_set() or not self.buffers.has_room(size) or not self.light.try_enter():
            return False
        self.buffers.used += size
        return True

    def release(self, size: int) -> None:
        """Give back what `try_admit` gave."""
        self.light.leave()
        self.buffers.give(size)

    def parse(self, exchange: Exchange, arrived: float, decode: Decode, *, closely: bool = True) -> Request:
        """Decode the request that arrived at `arrived` (perf_counter), and validate it."""
        begun = perf_counter()
        exchange.seconds[0] = begun - arrived
        request = self.model.preprocess(decode(), closely)
        exchange.seconds[1] = perf_counter() - begun
        return request

    def respond(
        self,
        exchange: Exchange,
        request: Request,
        prediction: Prediction,
        *,
        most_bytes: float = math.inf,
        here: bool = True,
    ) -> Answer:
        """Write the answer and observe what was predicted: `here`, or in the thread of the drift where this is the
        event loop. Unplain, and nothing observed, where the answer is longer than `most_bytes`.
        """
        begun = perf_counter()
        answer = self.model.postprocess(request, prediction)
        if len(answer.body) > most_bytes:
            raise errors.Unplain
        observe = self.drift.observe_here if here else self.drift.observe
        observe(request.columns, prediction.values)
        exchange.rows, exchange.sent = len(prediction.values), len(answer.body)
        exchange.seconds[3] = perf_counter() - begun
        return answer

    def account(self, exchange: Exchange, code: str, error: Exception | None = None) -> None:
        """Count and log a request that has its answer, with the status `code`."""
        failed = False
        if error is not None:
            exchange.reason = errors.reason(error)
            failed = exchange.reason == "internal"
        self.metrics.count(exchange, code)
        self._request_log.write(exchange, code, failed)

    async def serve(self, exchange: Exchange, decode: Decode, gone: Callable[[], bool] = lambda: False) -> Answer:
        """Parse, predict and respond as soon as there is a place: a short body on the event loop, a longer one off it.

        One thread works on the longer ones, another on the heavy one that has the place. The work is given up at the
        next checkpoint when `gone`, which is asked from any thread, says that nobody waits for the answer, when the
        task that awaits this is cancelled, or when it takes longer than `work_seconds`.
        """
        size = exchange.received
        lane = self.heavy if size > self.settings.heavy_bytes else self.light
        arrived = perf_counter()
        await lane.enter()
        try:
            if size <= self.loop_bytes:
                return await self._on_the_loop(exchange, arrived, decode)
            thread = _HEAVY if lane is self.heavy else _LONG
            return await self._off_the_loop(thread, exchange, arrived, decode, gone)
        finally:
            lane.leave()

    async def _on_the_loop(self, exchange: Exchange, arrived: float, decode: Decode) -> Answer:
        if exchange.received > _TURN_BYTES:
            await self._turns.enter()
            # Left in the next turn: whoever is ready in this one would follow at once, and hold up all sockets.
            asyncio.get_running_loop().call_soon(self._turns.leave)
        request = self.parse(exchange, arrived, decode)
        begun = perf_counter()
        prediction = await self.model.batcher.predict(request.columns)
        exchange.seconds[2] = perf_counter() - begun
        if len(prediction.values) * self._answers <= _LOOP_ANSWERS:
            return self.respond(exchange, request, prediction, here=False)
        deadline = Deadline(self.settings.work_seconds, lambda: False)
        return await self._off(_LONG, deadline, self.respond, exchange, request, prediction)

    async def _off_the_loop(
        self, thread: str, exchange: Exchange, arrived: float, decode: Decode, gone: Callable[[], bool]
    ) -> Answer:
        deadline = Deadline(self.settings.work_seconds, gone)
        deadline.check()
        request = await self._off(thread, deadline, self._parse_and_free, exchange, arrived, decode)
        begun = perf_counter()
        prediction = await self.model.batcher.predict_in_parts(request.columns, deadline.check)
        exchange.seconds[2] = perf_counter() - begun
        return await self._off(thread, deadline, self.respond, exchange, request, prediction)

    def _parse_and_free(self, exchange: Exchange, arrived: float, decode: Decode) -> Request:
        """As `parse`. What was decoded of a long body is freed a little at a time, so that other threads run."""
        made: list[Decoded] = []

        def decoded() -> Decoded:
            made.append(decode())
            return made[0]

        try:
            return self.parse(exchange, arrived, decoded)
        finally:
            for one in made:
                one.free()

    async def _off(self, thread: str, deadline: Deadline, work: Callable[..., T], *arguments: Any) -> T:
        """`work(*arguments)` in a thread. Where the caller leaves, it ends before this does: nobody takes its place."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads[thread], _watched, deadline, thread == _HEAVY, work, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            deadline.left = True
            await asyncio.wait([running])
            raise


def _watched(deadline: Deadline, heavy: bool, work: Callable[..., T], *arguments: Any) -> T:
    """`work(*arguments)`, given up at a checkpoint; where it is heavy while the garbage collector rests.

    The collector would walk the lists of a million rows again and again as they are made, and hold up the event loop
    for most of a second.
    """
    with checkpoint.asking(deadline.check):
        checkpoint.check()
        if not heavy:
            return work(*arguments)
        gc.disable()
        try:
            return work(*arguments)
        finally:
            gc.enable()
