"""The steps of every request, each in one place: begin, admit, parse, respond, account. `Model` predicts between them.

`turns` takes them for plain requests, several at once; `lifecycle` takes them for each of the others by itself.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter, time

from artifact.prediction import Prediction
from predictor import errors
from predictor.errors import BuffersFull, QueueFull, TooManyRows
from predictor.model import Model
from predictor.observe.exchange import PARSE, PURPOSES, QUEUE, RESPOND, Exchange, Predicted
from predictor.observe.observers import Observers
from predictor.protocols.request import Answer, Decoded, Request
from predictor.settings import Settings

# Bytes of a body that the event loop works on: whatever they say, that takes less than 5 ms of CPU, since the most
# expensive bytes known take 250 ns each.
LOOP_BYTES = 8 << 10
LOOP_FEATURES = 1000
_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header: version 00 has four fields, a later one may have more.
_TRACE = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.S)

Decode = Callable[[], Decoded]


def begin(protocol: str, request_id: str | None, traceparent: str | None, purpose: str | None = None) -> Exchange:
    """An exchange that begins now; an id that is malformed or too long is replaced, a traceparent dropped.

    A `purpose` that is none of PURPOSES counts as none: the request is a user's.
    """
    if request_id is None or not _ID.fullmatch(request_id):
        # It has to be unlikely to stand twice in the logs, no more.
        request_id = random.randbytes(16).hex()  # noqa: S311
    known_purpose = purpose if purpose is not None and purpose in PURPOSES else ""
    return Exchange(protocol, request_id, None if traceparent is None else trace(traceparent), known_purpose)


def trace(header: str) -> tuple[str, str, str] | None:
    """(trace id, parent id, flags) of a W3C traceparent; None for one that is not valid."""
    match = _TRACE.fullmatch(header) if len(header) <= 512 else None
    if match is None or (match[1] == "00" and match[5]):
        return None
    return match[2], match[3], match[4]


class QueuedSemaphore:
    """A semaphore of `slots` with a FIFO queue of at most `queue` requests before it. For one event loop."""

    def __init__(self, slots: int, queue: int) -> None:
        self._slots = slots
        self._queue = queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.busy = 0

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    def try_acquire(self) -> bool:
        """Take a slot if one is free."""
        if self.busy < self._slots:
            self.busy += 1
            return True
        return False

    async def acquire(self) -> None:
        """Take a slot, or wait for one; QueueFull at once where too many wait already."""
        if self.try_acquire():
            return
        if len(self._waiting) >= self._queue:
            raise QueueFull(f"{self.busy} requests are in work and {len(self._waiting)} wait; try again in a second")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.release()  # cancelled just as it got the slot, which goes to the next request
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """Free the slot, or hand it to the request that has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.busy -= 1


class Buffers:
    """Bytes of bodies that are being received or worked on, and of answers that nobody has read yet."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    def take(self, size: int) -> None:
        """Count `size` more bytes; BuffersFull, and nothing counted, where that is over the limit."""
        self.check(size)
        self.used += size

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes are within the limit."""
        return self.used + size <= self._limit

    def check(self, size: int) -> None:
        """BuffersFull where `size` more bytes are over the limit."""
        if not self.has_room(size):
            raise BuffersFull("too many bytes of other requests are in memory; try again in a second")

    def give(self, size: int) -> None:
        """Count `size` bytes less."""
        self.used -= size


class Steps:
    """The steps of requests to one model, and what they share: slots, memory, and the observers.

    `draining` is set when this process is about to end.
    """

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model = model
        self.settings = settings
        self.draining = asyncio.Event()
        self.light = QueuedSemaphore(settings.concurrency, settings.queue)
        self.heavy = QueuedSemaphore(1, settings.heavy_queue)
        self.buffers = Buffers(settings.buffered_bytes)
        # A row of many features may take long though its bytes are few: then nothing is worked on by the event loop.
        self.loop_bytes = LOOP_BYTES if len(model.signature.inputs) <= LOOP_FEATURES else 0
        gauges = {
            "ready": lambda: float(self.ready),
            "in_flight": lambda: self.light.busy + self.heavy.busy,
            "queue": lambda: self.light.waiting + self.heavy.waiting,
            "buffered_bytes": lambda: self.buffers.used,
        }
        labels = model.labels
        self.observers = Observers(labels, model.signature, model.profile, settings, gauges, model.start_seconds)
        self._answered: list[Exchange] = []  # to be counted

    @property
    def ready(self) -> bool:
        """Whether the model is verified (`Model.load` says so) and the process is not about to end."""
        return bool(self.model.ready) and not self.draining.is_set()

    def try_admit(self, size: int) -> bool:
        """Take a slot and the memory for a request with a body of `size` bytes, if both are free now."""
        if self.draining.is_set() or not (self.buffers.has_room(size) and self.light.try_acquire()):
            return False
        self.buffers.used += size
        return True

    def release(self, size: int) -> None:
        """Give back the slot and the memory that `try_admit` took."""
        self.light.release()
        self.buffers.give(size)

    def parse(self, exchange: Exchange, arrived: float, decode: Decode, *, closely: bool = True) -> Request:
        """Decode the request that arrived at `arrived` (perf_counter), and validate it; TooManyRows over the limit."""
        start = perf_counter()
        exchange.seconds[QUEUE] = start - arrived
        decoded = decode()
        # Each row takes a byte at least: a body that claims more rows than bytes is invalid, and `preprocess` says why.
        if self.settings.rows < decoded.rows <= exchange.received:
            raise TooManyRows(
                f"the request has {decoded.rows} rows, the limit is {self.settings.rows}; send them in several requests"
            )
        request = self.model.preprocess(decoded, closely)
        exchange.seconds[PARSE] = perf_counter() - start
        return request

    def respond(
        self, exchange: Exchange, request: Request, prediction: Prediction, *, most_bytes: float = math.inf
    ) -> Answer:
        """Encode the answer, and keep rows and prediction on `exchange`, to be counted after the answer is sent.

        Raises Unplain, and keeps nothing, where the answer is longer than `most_bytes`.
        """
        start = perf_counter()
        answer = self.model.postprocess(request, prediction)
        if len(answer.body) > most_bytes:
            raise errors.Unplain
        if not exchange.purpose:
            exchange.predicted = request.columns, prediction
        exchange.rows, exchange.sent = len(prediction.values), len(answer.body)
        exchange.seconds[RESPOND] = perf_counter() - start
        return answer

    def account(self, exchange: Exchange, code: str, error: Exception | None = None) -> None:
        """Count and log a request that was answered with the status `code`: in the next turn of the event loop,
        together with the others that were answered in this one.
        """
        if error is not None:
            exchange.reason = errors.reason(error)
        self.account_together([exchange], code)

    def account_together(self, exchanges: Sequence[Exchange], code: str, shared: Predicted | None = None) -> None:
        """As `account`, of requests that were answered at the same time. `shared`: the rows of all of them, and the
        answers, which are then counted as one table.
        """
        ended = time()
        for exchange in exchanges:
            exchange.code, exchange.ended = code, ended
        if shared is not None and len(exchanges) > 1:
            self.observers.join(exchanges, shared)
        if exchanges and not self._answered:
            asyncio.get_running_loop().call_soon(self.count)
        self._answered += exchanges

    def count(self) -> None:
        """Count and log all that was accounted for."""
        self.observers.drift.count_soon(after=self._count())

    def _count(self) -> bool:
        exchanges, self._answered = self._answered, []
        return self.observers.count(exchanges)

    def refuse_connection(self) -> None:
        """Count a connection that is closed because as many as may be are open."""
        self.observers.metrics.reject("connections")

    def close(self) -> None:
        """Count what is left, and write what the logs still hold, at the end."""
        self._count()
        self.observers.close()
