"""Messages of gRPC calls, received a few at a time: their size is known only when they are in memory."""

from __future__ import annotations

import asyncio
from typing import Any

from artifact.errors import InvalidRequest
from predictor.errors import BodyTooSlow
from predictor.serving.steps import QueuedSemaphore
from predictor.settings import Settings

_PATIENCE = 1.0  # seconds that a sender may stall while other calls wait for its slot
_SWEEP = 0.25


class Receiver:
    """Takes in messages of at most `body_bytes`, as many at once as `buffered_bytes` has room for.

    A call whose turn has not come costs its flow-control window, not its message. A message takes `body_seconds` at
    most, and holds up those behind it for a second at most.
    """

    def __init__(self, settings: Settings) -> None:
        count = max(1, settings.buffered_bytes // settings.body_bytes)
        self.slots = QueuedSemaphore(count, settings.queue + settings.concurrency)
        self._most_seconds = settings.body_seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, context: Any) -> bytes:
        """The one message of a call; QueueFull, BodyTooSlow, or InvalidRequest where the call has none."""
        await self.slots.acquire()
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # gRPC makes one for each call
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(_SWEEP, self._sweep, loop)
        try:
            data = await context.read()
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise BodyTooSlow(f"the message did not arrive within {self._most_seconds:g} seconds") from None
        finally:
            del self._since[task]
            self._late.discard(task)
            self.slots.release()
        if not isinstance(data, bytes):  # gRPC's end of stream
            raise InvalidRequest("the call has no message")
        return data

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the calls that are late; runs again while any is being received."""
        patience = min(_PATIENCE, self._most_seconds) if self.slots.waiting else self._most_seconds
        now = loop.time()
        for task, since in self._since.items():
            if now - since > patience and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._timer = loop.call_later(_SWEEP, self._sweep, loop) if self._since else None
