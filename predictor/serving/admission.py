"""What a request waits for before anybody works on it: one of a few places, and memory for its body."""

from __future__ import annotations

import asyncio
from collections import deque

from predictor.errors import BuffersFull, QueueFull


class QueuedSemaphore:
    """A semaphore of `places` with a FIFO queue of at most `queue` requests before it. For one event loop."""

    def __init__(self, places: int, queue: int) -> None:
        self._places = places
        self._queue = queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.busy = 0

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    def try_acquire(self) -> bool:
        """Take a place if one is free."""
        if self.busy < self._places:
            self.busy += 1
            return True
        return False

    async def acquire(self) -> None:
        """Take a place, or wait for one; QueueFull at once where too many wait already."""
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
                self.release()  # the place was given in the moment of giving up: it goes on to the next
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """Give the place back, or on to who has waited longest."""
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
