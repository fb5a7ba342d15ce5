"""Plain gRPC calls, whose messages are read, predicted and answered together.

gRPC's library accepts one call after the other. Each takes some turns of the event loop and a switch to the library's
thread and back, after which the processor's caches hold little of what answering needs. So calls wait until no further
one arrives, which is some ten microseconds after the last one, and are then answered together.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from predictor.grpc.layouts import Layouts
from predictor.observe.exchange import Exchange, Predicted
from predictor.protocols.request import Answer, Decoded, Request
from predictor.serving.steps import Steps
from predictor.serving.turns import Turns

# Turns of the event loop without a new message after which no more are expected. The library takes five or six to
# accept a call; where the calls before came one by one, two are enough to see that another comes with this one.
_TURNS, _TURNS_ALONE = 8, 2
_LONGEST = 1.5e-3  # seconds that a message waits for others at most, however long the turns are
_MOST = 64  # messages that are worth waiting for


@dataclass(slots=True, eq=False)
class Call:
    """A call whose message is complete; `answer` becomes None where `Lifecycle.serve` has to answer it."""

    body: bytes
    exchange: Exchange
    answer: asyncio.Future[Answer | None]
    arrived: float = field(default_factory=perf_counter)
    content: Request = field(init=False)
    rows: int = field(init=False)


class Calls(Turns[Call]):
    """The fast path of gRPC: valid calls of short messages, while a slot is free."""

    def __init__(self, steps: Steps, layouts: Layouts) -> None:
        super().__init__(steps)
        self._layouts = layouts
        self._before = 1  # calls that were answered together the last time
        self._count = 0  # of those that waited at the last look
        self._left = 0  # turns until no further call is expected

    async def answer(self, body: bytes, exchange: Exchange) -> Answer | None:
        """The answer to the message in `body`; None, and nothing counted, for one that is not plain."""
        size = len(body)
        if size > self._steps.loop_bytes or not self.try_admit(size):
            return None
        call = Call(body, exchange, asyncio.get_running_loop().create_future())
        self.add(call)
        return await call.answer

    def decode(self, request: Call, closely: bool) -> Decoded:
        """A ModelInfer message."""
        return self._layouts.decode(request.body)

    def takes_answer(self, request: Call) -> bool:
        """False where the call was cancelled."""
        return not request.answer.done()

    def write(self, request: Call, answer: Answer) -> None:
        """Wake the call, which sends it."""
        request.answer.set_result(answer)

    def account(self, requests: Sequence[Call], shared: Predicted | None) -> None:
        """Nothing: each call does, which may still be cancelled before it has sent its answer."""

    def hand_over(self, request: Call) -> None:
        """To `Lifecycle.serve`, which the call asks."""
        if not request.answer.done():
            request.answer.set_result(None)

    def _begin(self) -> None:
        self._count = 0
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Answer the calls that wait, unless another one has just arrived or is expected."""
        count = len(self._waiting)
        if count > self._count:
            self._count, self._left = count, _TURNS if count > 1 or self._before > 1 else _TURNS_ALONE
        self._left -= 1
        if 0 < count < _MOST and self._left >= 0 and perf_counter() - self._waiting[0].arrived < _LONGEST:
            os.sched_yield()  # to the library's thread, where it shares a core with this one
            asyncio.get_running_loop().call_soon(self._look)
        elif count:
            self._before = count
            self._turn()
