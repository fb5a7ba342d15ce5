"""What a request of any protocol passes through: admission, parse, predict, respond, and the counts of all that."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, Protocol, TypeVar

from artifact import checkpoint
from artifact.prediction import Columns, Prediction
from predictor import errors
from predictor.model import Model
from predictor.observe.drift import Drift
from predictor.observe.log_writer import Output
from predictor.observe.metrics import Metrics
from predictor.observe.request_log import Journal
from predictor.observe.request_trace import Exchange
from predictor.serving.admission import Buffers, Lane
from predictor.serving.deadline import Watch
from predictor.settings import Settings

# What the event loop works on, whatever it says, takes less than 5 ms of CPU: the dearest bytes known take 250 ns each.
LOOP_BYTES = 8 << 10
LOOP_FEATURES = 1000
_LOOP_ANSWERS = 8192  # labels and probabilities of one answer
_LONG, _HEAVY = "long", "heavy"  # threads, of bodies up to heavy_bytes and beyond
_TURN_BYTES = 4 << 10  # of a body: of longer ones a few are worked on in each turn of the event loop
_TURN_PLACES = 2


class Asked(Protocol):
    """A validated request of any protocol."""

    @property
    def columns(self) -> Columns: ...


A = TypeVar("A", bound=Asked)
T = TypeVar("T")


class Traffic:
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
        self.output = Output()
        self._journal = Journal(model.name, model.digest, settings.log_sampling, self.output.write)
        self._threads = {name: ThreadPoolExecutor(1, name) for name in (_LONG, _HEAVY)}
        # What a row of many features costs does not show in its bytes.
        self.loop_bytes = LOOP_BYTES if len(model.signature.inputs) <= LOOP_FEATURES else 0
        self._answers = 1 + max(len(output.columns or ()) for output in model.signature.outputs)

    @property
    def ready(self) -> bool:
        """Verified (what is not never becomes a Model), and not about to end."""
        return bool(self.model.ready) and not self.draining.is_set()

    async def serve(
        self,
        exchange: Exchange,
        parse: Callable[[], A],
        respond: Callable[[A, Prediction], T],
        gone: Callable[[], bool] = lambda: False,
    ) -> T:
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
                return await self._on_the_loop(exchange, arrived, parse, respond)
            thread = _HEAVY if lane is self.heavy else _LONG
            return await self._off_the_loop(thread, exchange, arrived, parse, respond, gone)
        finally:
            lane.leave()

    async def _on_the_loop(
        self, exchange: Exchange, arrived: float, parse: Callable[[], A], respond: Callable[[A, Prediction], T]
    ) -> T:
        if exchange.received > _TURN_BYTES:
            await self._turns.enter()
            # Left in the next turn: whoever is ready in this one would follow at once, and hold up all sockets.
            asyncio.get_running_loop().call_soon(self._turns.leave)
        seconds, begun = exchange.seconds, perf_counter()
        seconds[0] = begun - arrived
        asked = parse()
        parsed = perf_counter()
        seconds[1] = parsed - begun
        prediction = await self.model.infer(asked.columns)
        predicted = perf_counter()
        seconds[2] = predicted - parsed
        exchange.rows = len(prediction.values)
        self.drift.observe(asked.columns, prediction.values)
        if exchange.rows * self._answers <= _LOOP_ANSWERS:
            answer = respond(asked, prediction)
        else:
            answer = await self._off(
                _LONG, Watch(self.settings.work_seconds, lambda: False), respond, asked, prediction
            )
        seconds[3] = perf_counter() - predicted
        return answer

    async def _off_the_loop(
        self,
        thread: str,
        exchange: Exchange,
        arrived: float,
        parse: Callable[[], A],
        respond: Callable[[A, Prediction], T],
        gone: Callable[[], bool],
    ) -> T:
        watch = Watch(self.settings.work_seconds, gone)
        watch.check()
        seconds, begun = exchange.seconds, perf_counter()
        seconds[0] = begun - arrived
        asked = await self._off(thread, watch, parse)
        parsed = perf_counter()
        seconds[1] = parsed - begun
        prediction = await self.model.worker.predict_in_parts(asked.columns, watch.check)
        predicted = perf_counter()
        seconds[2] = predicted - parsed
        exchange.rows = len(prediction.values)

        def finish() -> T:
            self.drift.observe_here(asked.columns, prediction.values)
            return respond(asked, prediction)

        answer = await self._off(thread, watch, finish)
        seconds[3] = perf_counter() - predicted
        return answer

    def finished(self, exchange: Exchange, code: str, error: Exception | None = None) -> None:
        """Count and log an exchange that has been answered, with the status `code`."""
        failed = False
        if error is not None:
            exchange.reason = errors.reason(error)
            failed = exchange.reason == "internal"
        self.metrics.count(exchange, code)
        self._journal.write(exchange, code, failed)

    async def _off(self, thread: str, watch: Watch, work: Callable[..., T], *arguments: Any) -> T:
        """`work(*arguments)` in a thread. Where the caller leaves, it ends before this does: nobody takes its place."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads[thread], _watched, watch, thread == _HEAVY, work, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            watch.left = True
            await asyncio.wait([running])
            raise


def _watched(watch: Watch, heavy: bool, work: Callable[..., T], *arguments: Any) -> T:
    """`work(*arguments)`, given up at a checkpoint; where it is heavy while the garbage collector rests.

    The collector would walk the lists of a million rows again and again as they are made, and hold up the event loop
    for most of a second.
    """
    with checkpoint.asking(watch.check):
        checkpoint.check()
        if not heavy:
            return work(*arguments)
        gc.disable()
        try:
            return work(*arguments)
        finally:
            gc.enable()
