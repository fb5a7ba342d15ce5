"""What a request of any protocol passes through: admission, parse, predict, respond, and the counts of all that."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Protocol, TypeVar

from artifact.prediction import Columns, Prediction
from predictor import errors
from predictor.drift import Drift
from predictor.exchange import Exchange
from predictor.journal import Journal
from predictor.lane import Buffers, Lane
from predictor.metrics import Metrics
from predictor.model import Model
from predictor.output import Output
from predictor.settings import Settings

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
        self._thread = ThreadPoolExecutor(1, "heavy")

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
        """Parse, predict and respond as soon as there is a place; a heavy body off the event loop, one at a time.

        `gone` is asked of a heavy request when its turn comes: nobody waits for the answer any more.
        """
        heavy = exchange.received > self.settings.heavy_bytes
        lane = self.heavy if heavy else self.light
        arrived = perf_counter()
        await lane.enter()
        try:
            if heavy and gone():
                raise errors.Disconnected
            if not heavy and exchange.received > _TURN_BYTES:
                await self._turns.enter()
                # Left in the next turn: whoever is ready in this one would follow at once, and hold up all sockets.
                asyncio.get_running_loop().call_soon(self._turns.leave)
            seconds = exchange.seconds
            begun = perf_counter()
            seconds[0] = begun - arrived
            asked = await self._off(parse) if heavy else parse()
            parsed = perf_counter()
            seconds[1] = parsed - begun
            prediction = await self.model.infer(asked.columns)
            predicted = perf_counter()
            seconds[2] = predicted - parsed
            exchange.rows = len(prediction.values)

            def finish() -> T:
                observe = self.drift.observe_here if heavy else self.drift.observe
                observe(asked.columns, prediction.values)
                return respond(asked, prediction)

            answer = await self._off(finish) if heavy else finish()
            seconds[3] = perf_counter() - predicted
            return answer
        finally:
            lane.leave()

    def finished(self, exchange: Exchange, code: str, error: Exception | None = None) -> None:
        """Count and log an exchange that has been answered, with the status `code`."""
        failed = False
        if error is not None:
            exchange.reason = errors.reason(error)
            failed = exchange.reason == "internal"
        self.metrics.count(exchange, code)
        self._journal.write(exchange, code, failed)

    async def _off(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, _without_collections, work)


def _without_collections(work: Callable[[], T]) -> T:
    """`work()` while the garbage collector rests: it would walk the lists of a million rows again and again as they
    are made, and hold up the event loop for most of a second.
    """
    gc.disable()
    try:
        return work()
    finally:
        gc.enable()
